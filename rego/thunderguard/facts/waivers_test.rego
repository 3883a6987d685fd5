package thunderguard.facts.waivers_test

import data.thunderguard.facts.waivers
import data.thunderguard.testing
import future.keywords.not

_estate(written) := testing.changed_estate({"waivers": [waiver |
	some changes in written
	waiver := object.union({"rule": "resource-limits", "reason": "r", "owner": "o", "expires": "2026-12-31"}, changes)
]})

_object := object.union(
	testing.deployment("x", "prod", [testing.unbounded("a", "app:1")]),
	{"metadata": {"labels": {"app": "x", "tier": "back"}}},
)

_entry := {"resource": testing.address("apps/v1", "Deployment", "prod", "x"), "index": 0}

_covering(written, at) := expires if {
	waiver := waivers.covering("resource-limits", _entry) with input as _object
		with data.estate as _estate(written)
		with data.clock as {"at": at}
	expires := waiver.expires
}

_here := {"resource": {"kind": "Deployment", "namespace": "prod", "name": "x"}}

test_a_waiver_is_in_force_to_the_end_of_its_day if {
	_covering([_here], "2026-01-01") == "2026-12-31"
	_covering([_here], "2026-12-31") == "2026-12-31"
	not _covering([_here], "2027-01-01")
}

test_it_is_about_one_address if {
	every part in [{"kind": "Pod"}, {"namespace": "data"}, {"name": "y"}] {
		not _covering([{"resource": object.union(_here.resource, part)}], "2026-01-01")
	}
	not _covering([{"resource": {"kind": "Deployment", "name": "x"}}], "2026-01-01")
}

test_it_is_about_one_rule if {
	not _covering([object.union(_here, {"rule": "image-reference"})], "2026-01-01")
}

test_a_selector_holds_whole if {
	_covering([{"selector": {"matchLabels": {"app": "x", "tier": "back"}}}], "2026-01-01")
	not _covering([{"selector": {"matchLabels": {"app": "x", "tier": "front"}}}], "2026-01-01")
	not _covering([{"selector": {"matchLabels": {"team": "x"}}}], "2026-01-01")
}

test_with_an_address_and_a_selector_both_hold if {
	other := {"kind": "Deployment", "namespace": "prod", "name": "y"}
	chosen := {"selector": {"matchLabels": {"app": "x"}}}
	_covering([object.union(_here, chosen)], "2026-01-01")
	not _covering([object.union({"resource": other}, chosen)], "2026-01-01")
	not _covering([object.union(_here, {"selector": {"matchLabels": {"app": "y"}}})], "2026-01-01")
}

test_of_several_the_longest_counts if {
	_covering([object.union(_here, {"expires": "2026-06-30"}), _here], "2026-01-01") == "2026-12-31"
	_covering([object.union(_here, {"expires": "2026-06-30"}), _here], "2026-07-01") == "2026-12-31"
	not _covering([object.union(_here, {"expires": "2026-06-30"})], "2026-07-01")
}

test_an_object_without_a_namespace_has_none if {
	entry := {"resource": testing.address("v1", "Namespace", "", "x"), "index": 0}
	estate := _estate([{"resource": {"kind": "Namespace", "name": "x"}}])
	waivers.covering("resource-limits", entry) with input as testing.thing("v1", "Namespace", "", "x")
		with data.estate as estate
		with data.clock as {"at": "2026-01-01"}
}

# A finding about the set tells an address, and the labels are those of the object that has it.
test_a_finding_about_the_set_finds_the_labels if {
	every case in [[_object, true], [testing.thing("v1", "ConfigMap", "prod", "x"), false]] {
		found := [waiver |
			waiver := waivers.covering("resource-limits", object.union(_entry, {"index": -1})) with input as [case[0]]
				with data.estate as _estate([{"selector": {"matchLabels": {"app": "x"}}}])
				with data.clock as {"at": "2026-01-01"}
		]
		count(found) == 1 == case[1]
	}
}

test_the_clock_is_the_real_one_unless_somebody_says_what_day_it_is if {
	today := waivers.today with data.clock as {}
	regex.match("^20[0-9]{2}-[0-9]{2}-[0-9]{2}$", today)
	waivers.today == "2026-01-02" with data.clock as {"at": "2026-01-02"}
	waivers.today == "2026-03-09" with data.clock as {} with time.now_ns as 1773014400000000000
}

test_without_waivers_nothing_is_in_force if {
	waivers.in_force == {} with data.estate as testing.estate
}
