# METADATA
# description: |
#   The answer to an AdmissionReview, for a webhook at OPA's /v0/data/thunderguard/webhook, which gives the bare
#   document. All that is no function in this package is part of the answer.
package thunderguard.webhook

import data.thunderguard.contract
import data.thunderguard.facts.review
import data.thunderguard.main
import future.keywords.not

# METADATA
# description: The version that was asked in.
apiVersion := version if {
	review.is_review(input)
	version := input.apiVersion
} else := "admission.k8s.io/v1"

# METADATA
# description: The kind of the answer.
kind := "AdmissionReview"

# METADATA
# description: |
#   The verdict. What cannot be read and what cannot be judged is refused; whatever the input is, there is an answer.
response := answer if {
	not input
	answer := _refused("", 400, "thunderguard cannot read the AdmissionReview: there is none", [])
} else := answer if {
	reason := review.unreadable(input)
	answer := _refused(_uid(input), 400, concat("", ["thunderguard cannot read the AdmissionReview: ", reason]), [])
} else := answer if {
	not contract.spec.namespaces.allowed
	answer := _refused(_uid(input), 500, "thunderguard cannot judge: there is no Estate; load it as data.estate", [])
} else := answer if {
	denied := _lines("deny")
	count(denied) > 0
	refused := _refused(_uid(input), 403, concat("\n", denied), _warnings(input))
	answer := object.union(refused, {"auditAnnotations": _annotations(input)})
} else := {"uid": uid, "allowed": true, "warnings": warnings, "auditAnnotations": annotations} if {
	uid := _uid(input)
	warnings := _warnings(input)
	annotations := _annotations(input)
}

# What the API server's audit log says besides: the rules that had something to say about the object, good or bad.
_annotations(_) := {"rules": concat(",", spoken) |
	spoken := sort(main.spoken)
	spoken != []
}

_refused(uid, code, message, warnings) := {
	"uid": uid,
	"allowed": false,
	"status": {"code": code, "message": message},
	"warnings": warnings,
}

_uid(asked) := uid if {
	uid := asked.request.uid
	is_string(uid)
} else := ""

# What does not deny, and what a waiver lets in, which nobody should forget.
_warnings(_) := array.concat(_lines("warn"), [concat("", ["waived until ", expires, ": ", line]) |
	some expires in {borne.waiver.expires | some borne in main.waived}
	some line in _told([borne.finding | some borne in main.waived; borne.waiver.expires == expires])
])

# A line for each place of each rule; of several findings there, the first one speaks.
_lines(level) := _told([found | some found in main.findings; found.level == level])

_told(findings) := [line |
	some place in {[found.rule, found.path] | some found in findings}
	words := min({[found.service, found.message, found.remedy] |
		some found in findings
		[found.rule, found.path] == place
	})
	line := concat("", [place[0], ": ", place[1], ": ", words[1], ". ", words[2]])
]
