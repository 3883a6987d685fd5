# METADATA
# description: Who owns whom in a set, so that a Deployment and its pods are judged once.
package thunderguard.facts.ownership

import data.thunderguard.facts.documents
import data.thunderguard.facts.objects
import future.keywords.not

# METADATA
# description: The index of each entry's root owner within the set; its own index when nothing of the set owns it.
roots := [entry.index | some entry in objects.entries] if alone

roots := [root |
	some i, _ in objects.entries
	root := _root(i)
] if {
	not alone
}

# METADATA
# description: The entries that are judged themselves; the others are judged through their owner.
judged := objects.entries if alone

judged := [entry |
	some entry in objects.entries
	roots[entry.index] == entry.index
] if {
	not alone
}

# METADATA
# description: Whether no entry can own another.
alone if documents.is_batch

alone if count(objects.entries) < 2

# A circle of owners, or a chain too long to be real, stands for itself.
_root(i) := top if {
	top := _up(_up(_up(_up(_up(_up(_up(_up(i))))))))
	_parents[top] == -1
} else := i

_up(i) := parent if {
	parent := _parents[i]
	parent != -1
} else := i

_parents := [parent |
	some entry in objects.entries
	parent := _parent(entry)
] if {
	not alone
}

_parent(entry) := first if {
	candidates := _candidates(entry)
	count(candidates) > 0
	first := min(candidates)[1]
} else := -1

# [rank, place] of the objects that entry's controller reference can mean; one with its uid comes before one without.
_candidates(entry) := [[rank, j] |
	owner := objects.owner_of(entry.object)
	is_string(owner.apiVersion)
	is_string(owner.kind)
	is_string(owner.name)
	some j in _workload_places[_key(objects.group_of(owner), owner.kind, entry.resource.namespace, owner.name)]
	j != entry.index
	rank := _rank(objects.text_field(owner, "uid"), objects.text_field(objects.entries[j].object.metadata, "uid"))
]

# A reference without a uid takes the first with its address.
_rank("", _) := 0

_rank(wanted, uid) := 0 if wanted == uid

_rank(wanted, "") := 1 if wanted != ""

_workload_places := {key: places | some key, places in _places}

_places[key] contains index if {
	not alone
	some entry in objects.entries
	entry.template != null
	index := entry.index
	key := _key(entry.group, entry.resource.kind, entry.resource.namespace, entry.resource.name)
}

_key(group, kind, namespace, name) := concat("\n", [group, kind, namespace, name])
