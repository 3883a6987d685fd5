# METADATA
# description: |
#   Who may ask this server what. Whoever reaches its port may ask for a verdict; nobody may read or change what it
#   judges by.
package system.authz

default allow := false

allow if {
	input.method == "POST"
	input.path in [
		["v0", "data", "thunderguard", "webhook"],
		["v0", "data", "thunderguard", "advice"],
	]
}

# The kubelet's probes.
allow if {
	input.method == "GET"
	input.path == ["health"]
}
