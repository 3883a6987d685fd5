# METADATA
# description: |
#   The Estate and the catalogue, each read once. An engine keeps what one rule gives for the rest of a verdict, and
#   looks any other path below data up anew.
package thunderguard.contract

import data.thunderguard.quantity
import data.thunderguard.text
import future.keywords.not

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
	called := services[_].name
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
# description: The declared services that have a ceiling.
bounded := {services[i].name | services[i].ceiling}

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
# description: The lists of services, by the names that what is recognised goes by.
declared := {"services": services, "deprecated": deprecated_services}

# METADATA
# description: |
#   What recognises services without a look at the image, by the criterion to look at first: command, labels, name. Each
#   has the alternatives with that criterion and none before it: known, that is list and service, what the criterion
#   wants, and rest, the criteria behind it.
recognisers := {
	"command": [alternative |
		some list, i, j
		wanted := declared[list][i].recognise[j].command
		written := declared[list][i].recognise[j]
		object.get(written, "image", null) == null
		rest := object.filter(written, ["labels", "name"])
		alternative := {"known": [list, declared[list][i].name], "wanted": wanted, "rest": rest}
	],
	"labels": [alternative |
		some list, i, j
		wanted := declared[list][i].recognise[j].labels
		written := declared[list][i].recognise[j]
		object.get(written, "image", null) == null
		object.get(written, "command", null) == null
		rest := object.filter(written, ["name"])
		alternative := {"known": [list, declared[list][i].name], "wanted": wanted, "rest": rest}
	],
	"name": [alternative |
		some list, i, j
		wanted := declared[list][i].recognise[j].name
		written := declared[list][i].recognise[j]
		object.get(written, "image", null) == null
		object.get(written, "command", null) == null
		object.get(written, "labels", null) == null
		alternative := {"known": [list, declared[list][i].name], "wanted": wanted, "rest": {}}
	],
}
