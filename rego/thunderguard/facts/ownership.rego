package thunderguard.facts.ownership

import data.thunderguard.facts.objects
import future.keywords.not

# METADATA
# description: The index of each entry's root owner within the set; its own index when nothing of the set owns it.
roots := [root |
	some i, _ in objects.entries
	root := _root(i)
]

_root(i) := top if {
	top := _up(_up(_up(_up(_up(_up(_up(_up(i))))))))
	_parents[top] == -1
}

# A circle of owners, or one too deep to be real: each stands for itself.
_root(i) := i if {
	top := _up(_up(_up(_up(_up(_up(_up(_up(i))))))))
	_parents[top] != -1
}

_up(i) := i if _parents[i] == -1

_up(i) := _parents[i] if _parents[i] != -1

_parents := [-1] if count(objects.entries) == 1

_parents := [parent |
	some i, entry in objects.entries
	parent := _parent(i, entry)
] if count(objects.entries) != 1

_parent(i, entry) := min(candidates) if {
	candidates := _candidates(i, entry)
	count(candidates) > 0
}

_parent(i, entry) := -1 if count(_candidates(i, entry)) == 0

# The places of the objects that entry's controller reference can mean.
_candidates(i, entry) := [j |
	owner := objects.owner_of(entry.object)
	some j in _workload_places[_key(objects.group_of(owner), owner.kind, entry.resource.namespace, owner.name)]
	j != i
	_same_uid(owner, objects.entries[j].object.metadata)
]

_same_uid(owner, metadata) if owner.uid == metadata.uid

_same_uid(owner, _) if not is_string(owner.uid)

_same_uid(_, metadata) if not is_string(metadata.uid)

_workload_places := {key: places | some key, places in _places}

_places[key] contains i if {
	some i, entry in objects.entries
	entry.template
	key := _key(entry.group, entry.resource.kind, entry.resource.namespace, entry.resource.name)
}

_key(group, kind, namespace, name) := concat("\n", [group, kind, namespace, name])

# METADATA
# description: The entries that are judged themselves, with their index; the others are judged through their owner.
judged := [entry |
	some i, e in objects.entries
	roots[i] == i
	entry := object.union(e, {"index": i})
]
