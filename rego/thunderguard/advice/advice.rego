# METADATA
# description: |
#   The answer to an AdmissionReview where nothing is denied yet, for a webhook at OPA's /v0/data/thunderguard/advice:
#   what data.thunderguard.webhook would deny is let in with a warning.
package thunderguard.advice

import data.thunderguard.webhook
import future.keywords.not

# METADATA
# description: The version that was asked in.
apiVersion := webhook.apiVersion

# METADATA
# description: The kind of the answer.
kind := webhook.kind

# METADATA
# description: A verdict that lets everything in.
response := {"uid": told.uid, "allowed": true, "warnings": warnings} if {
	told := webhook.response
	warnings := array.concat(_denied(told), told.warnings)
}

_denied(told) := [concat("", ["would be denied: ", line]) |
	not told.allowed
	some line in split(told.status.message, "\n")
]
