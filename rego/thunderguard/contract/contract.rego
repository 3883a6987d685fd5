# METADATA
# description: |
#   The Estate and the catalogue, each read once. An engine keeps what one rule gives for the rest of a verdict, and
#   looks any other path below data up anew.
package thunderguard.contract

import data.thunderguard.quantity
import data.thunderguard.text

# METADATA
# description: The Estate's spec.
spec := data.estate.spec

# METADATA
# description: The Estate's name.
name := data.estate.metadata.name

# METADATA
# description: The rules of the catalogue by id.
rules := data.thunderguard.catalogue.rules

# METADATA
# description: The declared services.
services := object.get(spec, "services", [])

# METADATA
# description: "name → the declared services with it."
services_by_name := {called: named |
	some called in {service.name | some service in services}
	named := [service | some service in services; service.name == called]
}

# METADATA
# description: The deprecated services.
deprecated_services := object.get(spec, ["deprecated", "services"], [])

# METADATA
# description: The deprecated charts.
deprecated_charts := object.get(spec, ["deprecated", "charts"], [])

# METADATA
# description: What is borne for a while.
waivers := object.get(spec, "waivers", [])

# METADATA
# description: The namespaces that are left to others.
exempt := {namespace | some namespace in object.get(spec, ["namespaces", "exempt"], [])}

# METADATA
# description: The namespaces where the estate may be.
allowed := {namespace | some namespace in spec.namespaces.allowed}

# METADATA
# description: "The requests and limits that every container has to set, such as limits.cpu."
required := {field | some field in object.get(spec, ["resources", "require"], [])}

# METADATA
# description: "The ceilings of cpu and of memory: amount → [{milli, service, text}], the smallest first."
ceilings := {amount: ranked |
	some amount in ["cpu", "memory"]
	ranked := sort([ceiling |
		some service in services
		written := service.ceiling[amount]
		ceiling := {"milli": quantity.milli(written), "service": service.name, "text": text.value(written)}
	])
}

# METADATA
# description: |
#   What recognises services, by the criterion to look at first: image, command, labels, name. Each has the alternatives
#   with that criterion and none before it, their rest being the criteria behind it, and any, a pattern that finds itself
#   where one of theirs does.
recognisers := {first: {"any": any, "alternatives": alternatives} |
	some first in ["image", "command", "labels", "name"]
	alternatives := [alternative | some alternative in _alternatives; alternative.first == first]
	patterns := {concat("", ["(", alternative[first], ")"]) |
		some alternative in alternatives
		is_string(alternative[first])
	}
	any := concat("|", sort(patterns))
}

_alternatives := [alternative |
	some declared, list in {"services": services, "deprecated": deprecated_services}
	some service in list
	some written in service.recognise
	criteria := [criterion | some criterion in ["image", "command", "labels", "name"]; written[criterion]]
	alternative := {
		"first": criteria[0],
		"rest": array.slice(criteria, 1, count(criteria)),
		"list": declared,
		"service": service.name,
		"image": object.get(written, "image", ""),
		"command": object.get(written, "command", ""),
		"name": object.get(written, "name", ""),
		"labels": object.get(written, "labels", {}),
	}
]
