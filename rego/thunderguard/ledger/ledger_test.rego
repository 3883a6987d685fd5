package thunderguard.ledger_test

import data.thunderguard.ledger
import data.thunderguard.testing
import future.keywords.not

_objects := [
	testing.deployment("x", "prod", [testing.container("a", "app:1")]),
	testing.thing("v1", "ConfigMap", "prod", "y"),
]

_warned := answers if {
	answers := ledger.warn with input as _objects with data.estate as testing.estate
}

test_one_warning_an_entry if {
	rows := {answer.index: answer | some answer in _warned; answer.statuses}
	count(rows) == 2
	rows[0].msg == "0"
	rows[0].statuses["resource-limits"] == "passed"
	rows[1].resource == testing.address("v1", "ConfigMap", "prod", "y")
	rows[1].statuses["resource-limits"] == "not matched"
}

test_one_warning_a_record if {
	{[answer.msg, answer.record.names] | some answer in _warned; answer.record} == {["record 0", ["x"]]}
}

test_one_warning_a_finding_of_level_info if {
	{[answer.msg, answer.rule] | some answer in _warned; answer.level} == {[
		"prod/Deployment/x is not a service the Estate names",
		"undeclared-workload",
	]}
}
