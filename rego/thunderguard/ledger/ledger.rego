# METADATA
# description: |
#   The statuses and records of all entries as conftest warnings, for a harness that drives conftest and wants more
#   than failures from it: `conftest test --namespace thunderguard.ledger`.
package thunderguard.ledger

import data.thunderguard.facts.inventory
import data.thunderguard.main

# METADATA
# description: One warning an entry.
warn contains answer if {
	some i, row in main.rows
	answer := {"msg": sprintf("%v", [i]), "index": i, "statuses": row.statuses, "resource": row.resource}
}

# METADATA
# description: One warning a record.
warn contains answer if {
	some i, record in inventory.records
	answer := {"msg": sprintf("record %v", [i]), "record": record}
}

# METADATA
# description: One warning a finding of level info, which conftest itself has no place for.
warn contains answer if {
	some found in main.findings
	found.level == "info"
	answer := object.union({"msg": found.message}, found)
}
