package thunderguard.result_test

import data.thunderguard.result
import data.thunderguard.testing

_resource := testing.address("v1", "Namespace", "", "prod")

test_a_violation_of_an_entry_tells_file_and_place if {
	entry := {"resource": _resource, "index": 3, "file": "a.yaml", "object": {}}
	testing.same(result.violation("absent", entry, ["metadata", "name"], {"missing": "x"}, "web"), {
		"key": "absent",
		"entry": {"resource": _resource, "index": 3, "file": "a.yaml"},
		"path": "metadata.name",
		"args": {"missing": "x"},
		"service": "web",
	})
}

test_a_violation_of_the_set_has_neither if {
	violation := result.violation("absent", {"resource": _resource}, [], {"missing": "x"}, null)
	violation.entry == {"resource": _resource, "index": -1, "file": null}
	testing.same(result.finding("namespace-quota", violation), {
		"rule": "namespace-quota",
		"level": "warn",
		"service": null,
		"resource": _resource,
		"path": "",
		"message": "namespace prod has no x",
		"remedy": "apply a x to namespace prod",
		"file": null,
		"index": -1,
	})
}

# A rule may say better than the address what a word stands for.
test_arguments_come_before_the_address if {
	violation := result.violation("absent", {"resource": _resource}, [], {"missing": "x", "name": "data"}, null)
	result.finding("namespace-quota", violation).message == "namespace data has no x"
}
