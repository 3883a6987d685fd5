package thunderguard.contract_test

import data.thunderguard.contract
import data.thunderguard.testing
import future.keywords.not

test_an_estate_says_what_it_says if {
	testing.all_same({
		"name": [contract.name, "testland"],
		"allowed": [contract.allowed, {"prod", "data"}],
		"exempt": [contract.exempt, {"kube-system"}],
		"required": [contract.required, {"requests.cpu", "requests.memory", "limits.cpu", "limits.memory"}],
		"charts": [[chart.name | some chart in contract.deprecated_charts], ["thunder-stack"]],
		"services": [[service.name | some service in contract.deprecated_services], ["automat"]],
		"ceilings": [contract.ceilings, {
			"cpu": [
				{"milli": 1000, "service": "mlflow", "text": "1"},
				{"milli": 2000, "service": "runner", "text": "2"},
			],
			"memory": [
				{"milli": 2147483648000, "service": "mlflow", "text": "2Gi"},
				{"milli": 4294967296000, "service": "runner", "text": "4Gi"},
			],
		}],
	}) with data.estate as testing.estate
}

test_what_is_absent_is_empty if {
	bare := {"metadata": {"name": "x"}, "spec": {"namespaces": {"allowed": ["prod"]}}}
	testing.all_same({
		"exempt": [contract.exempt, set()],
		"required": [contract.required, set()],
		"services": [contract.services, []],
		"waivers": [contract.waivers, []],
		"deprecated services": [contract.deprecated_services, []],
		"deprecated charts": [contract.deprecated_charts, []],
		"ceilings": [contract.ceilings, {"cpu": [], "memory": []}],
	}) with data.estate as bare
}

test_no_estate_allows_nothing if {
	contract.allowed == set() with data.estate as {}
	not contract.spec with data.estate as {}
}

test_the_catalogue_has_seventeen_rules if {
	count(contract.rules) == 17
}

test_recognisers_are_sorted_by_their_first_criterion if {
	recognise := [
		{"image": "^i$", "command": "c", "labels": {"l": "1"}, "name": "n"},
		{"name": "n", "labels": {"l": "2"}, "command": "c"},
		{"labels": {"l": "3"}, "name": "n"},
		{"name": "^n$"},
	]
	recognisers := contract.recognisers with data.estate as {"spec": {
		"services": [{"name": "web", "recognise": recognise}],
		"deprecated": {"services": [{"name": "poc", "recognise": [{"name": "p"}]}]},
	}}
	recognisers == {
		"command": [{"known": ["services", "web"], "wanted": "c", "rest": {"labels": {"l": "2"}, "name": "n"}}],
		"labels": [{"known": ["services", "web"], "wanted": {"l": "3"}, "rest": {"name": "n"}}],
		"name": [
			{"known": ["deprecated", "poc"], "wanted": "p", "rest": {}},
			{"known": ["services", "web"], "wanted": "^n$", "rest": {}},
		],
	}
}
