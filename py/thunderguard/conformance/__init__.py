"""The declared suite: cases that name no engine, run on every one of them."""
