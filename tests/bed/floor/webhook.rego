# METADATA
# description: |
#   The least that a policy can say, for `make bench-admission`: what it costs to ask OPA at all.
package thunderguard.webhook

apiVersion := "admission.k8s.io/v1"

kind := "AdmissionReview"

response := {"uid": input.request.uid, "allowed": false, "status": {"message": "no limits"}} if {
	some container in input.request.object.spec.template.spec.containers
	not container.resources.limits
} else := {"uid": input.request.uid, "allowed": true}
