# METADATA
# description: Words for messages. Templates stand in the catalogue.
package thunderguard.text

import future.keywords.not

# METADATA
# description: |
#   A template with each {word} replaced by args[word], a string. A word without an argument stays as it is. Replaced
#   text is not looked at again.
render(template, args) := concat("", [piece |
	some i, part in split(template, "{")
	piece := _piece(i, part, args)
])

_piece(0, part, _) := part

_piece(i, part, args) := piece if {
	i > 0
	end := indexof(part, "}")
	word := substring(part, 0, end)
	piece := concat("", [object.get(args, word, concat("", ["{", word, "}"])), substring(part, end + 1, -1)])
}

# METADATA
# description: Names in order, as one text. Takes an array or a set of strings.
join(names) := concat(", ", sort(names))

# METADATA
# description: A field's value as people should see it.
value(x) := x if is_string(x)

value(x) := number if number := number_text(x)

value(x) := "a number" if {
	is_number(x)
	not number_text(x)
}

value(null) := "null"

value(true) := "true"

value(false) := "false"

value(x) := "an array" if is_array(x)

value(x) := "an object" if is_object(x)

# METADATA
# description: |
#   A number as it is written: a whole number of at most fifteen digits, or one of at most three decimals. Undefined for
#   others, which engines spell differently.
number_text(x) := written if {
	is_number(x)
	written := _digits(x)
	regex.match("^-?([0-9]{1,15}|[0-9]{1,12}[.][0-9]{1,3})$", written)
}

# conftest reads every number as a float, which is written with an exponent from 2^21 on.
_digits(x) := written if {
	x == floor(x)
	abs(x) < 1000000000000000
	written := format_int(x, 10)
} else := written if {
	written := sprintf("%v", [x])
}

# METADATA
# description: |
#   A field path from its segments, spelled as Kubernetes API errors spell it: names joined by dots, list places and
#   unusual keys in brackets.
path(segments) := concat("", [step |
	some i, segment in segments
	step := _step(i, segment)
])

_step(_, segment) := sprintf("[%v]", [segment]) if is_number(segment)

_step(0, segment) := segment if _plain(segment)

_step(i, segment) := concat("", [".", segment]) if {
	i > 0
	_plain(segment)
}

_step(_, segment) := concat("", [`["`, escaped, `"]`]) if {
	is_string(segment)
	not regex.match("^[A-Za-z0-9_-]+$", segment)
	escaped := replace(replace(segment, `\`, `\\`), `"`, `\"`)
}

_plain(segment) if {
	is_string(segment)
	regex.match("^[A-Za-z0-9_-]+$", segment)
}
