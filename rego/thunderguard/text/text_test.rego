package thunderguard.text_test

import data.thunderguard.testing
import data.thunderguard.text
import future.keywords.not

test_success_render if {
	args := {"a": "1", "b": "{a}", "empty": ""}
	testing.all_same({
		"no words": [text.render("plain", args), "plain"],
		"empty": [text.render("", args), ""],
		"one": [text.render("x {a} y", args), "x 1 y"],
		"twice": [text.render("{a}{a}", args), "11"],
		"ends": [text.render("{a} and {empty}", args), "1 and "],
		"replaced text is not looked at again": [text.render("{b}", args), "{a}"],
		"a value may hold braces": [text.render("{b}!", {"b": "}{"}), "}{!"],
	})
}

test_fail_render_leaves_a_word_without_argument if {
	text.render("x {a} {b}.", {"a": "1"}) == "x 1 {b}."
}

test_success_every_text_of_the_catalogue_is_rendered if {
	args := {word: "x" |
		some _, rule in data.thunderguard.catalogue.rules
		some _, words in rule.violations
		some _, template in words
		some part in split(template, "{")
		word := split(part, "}")[0]
	}
	every _, rule in data.thunderguard.catalogue.rules {
		every _, words in rule.violations {
			not contains(text.render(words.message, args), "{")
			not contains(text.render(words.remedy, args), "{")
		}
	}
}

test_success_join if {
	text.join({"b", "a"}) == "a, b"
	text.join(["b", "a"]) == "a, b"
	text.join([]) == ""
}

test_success_value if {
	testing.all_same({
		"string": [text.value("1 x"), "1 x"],
		"whole": [text.value(3), "3"],
		"negative": [text.value(-3), "-3"],
		"fraction": [text.value(1.5), "1.5"],
		"large": [text.value(1000000000000000000000), "a number"],
		"fine": [text.value(0.0001), "a number"],
		"null": [text.value(null), "null"],
		"true": [text.value(true), "true"],
		"false": [text.value(false), "false"],
		"array": [text.value([1]), "an array"],
		"object": [text.value({"a": 1}), "an object"],
	})
}

test_success_number_text if {
	text.number_text(123456789012) == "123456789012"
	text.number_text(0.125) == "0.125"
	text.number_text(123456789012345) == "123456789012345"
	not text.number_text(1234567890123456)
	not text.number_text(0.0001)
	not text.number_text("1")
	not text.number_text(null)
}

test_success_path if {
	testing.all_same({
		"whole object": [text.path([]), ""],
		"one": [text.path(["spec"]), "spec"],
		"places": [text.path(["spec", "containers", 0, "image"]), "spec.containers[0].image"],
		"unusual key": [
			text.path(["metadata", "labels", "helm.sh/chart"]),
			`metadata.labels["helm.sh/chart"]`,
		],
		"unusual first": [text.path(["a.b", "c"]), `["a.b"].c`],
		"first place": [text.path([2, "name"]), "[2].name"],
		"quotes": [text.path(["a", `x"\`]), `a["x\"\\"]`],
		"empty key": [text.path(["a", ""]), `a[""]`],
	})
}
