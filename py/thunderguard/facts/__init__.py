"""What can be read off one Kubernetes object without judging it.

Every function here takes any JSON value and never raises on one: what is not shaped as Kubernetes shapes it counts
as absent. Whether an absent thing is a violation is for the rules to say.
"""
