package thunderguard.ledger

import data.thunderguard.main

warn contains answer if {
	count(main.objects) == 1
	answer := {"msg": "row", "statuses": main.statuses, "record": main.objects[0]}
}
