package thunderguard.main_test

# The engines load no tests, or this would not compile.
test_nothing if no_such_function(1)
