# METADATA
# description: |
#   Which findings a waiver of the Estate covers today. A harness says in data.clock.at which day that is, such as
#   2026-12-31; otherwise it is the present day, in UTC.
package thunderguard.facts.waivers

import data.thunderguard.contract
import data.thunderguard.facts.objects
import future.keywords.not

# METADATA
# description: The day of judgement.
today := data.clock.at

today := day if {
	not data.clock.at
	[year, month, number] := time.date(time.now_ns())
	day := concat("-", [format_int(year, 10), _two_digits(month), _two_digits(number)])
}

_two_digits(number) := substring(format_int(100 + number, 10), 1, 2)

# METADATA
# description: "rule → its waivers in force. A day is in force to its end."
in_force := {waiver.rule: waivers |
	some waiver in _holding
	waivers := [other | some other in _holding; other.rule == waiver.rule]
}

_holding := [waiver | some waiver in contract.waivers; waiver.expires >= today]

# METADATA
# description: |
#   The waiver that covers what a rule found in an entry: of several the one that holds longest, and of those the first.
#   Undefined when none does.
covering(rule, entry) := waiver if {
	found := [written | some written in in_force[rule]; _covers(written, entry)]
	last := max([written.expires | some written in found])
	waiver := [written | some written in found; written.expires == last][0]
}

_covers(waiver, entry) if {
	_is_at(waiver, entry.resource)
	_is_selected(waiver, entry)
}

_is_at(waiver, _) if not waiver.resource

_is_at(waiver, resource) if {
	waiver.resource.kind == resource.kind
	waiver.resource.name == resource.name
	object.get(waiver.resource, "namespace", "") == resource.namespace
}

_is_selected(waiver, _) if not waiver.selector

_is_selected(waiver, entry) if {
	labels := _labels(entry)
	every key, value in waiver.selector.matchLabels {
		labels[key] == value
	}
}

# A finding about the set tells only the address of its object.
_labels(entry) := labels if {
	entry.index >= 0
	labels := objects.entries[entry.index].object.metadata.labels
}

_labels(entry) := labels if {
	entry.index < 0
	found := [other.object.metadata.labels | some other in objects.entries; other.resource == entry.resource]
	labels := found[0]
}
