"""The native engine: the ValidatingAdmissionPolicies of the API server itself, judged offline by Kyverno's real CLI.

It evaluates them with the API server's own code, but does not ask whether they match. The copies it is given say so
in their bindings, which it does heed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from thunderguard.engines.kyvernocli import CliEngine, Flavour
from thunderguard.engines.kyvernocli.policies import Kind
from thunderguard.facts.waivers import Waivers, today
from thunderguard.model import JsonObject
from thunderguard.render.waivers import WAIVED, condition

_NOWHERE = "thunderguard-parameters"


class NativeEngine(CliEngine):
    """Judges by ``policies/<rule>/native.yaml``; the Estate is the parameter of the policies."""

    name = "native"
    flavour = Flavour(
        file="native.yaml",
        kind=Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        operations=frozenset({"CREATE"}),
    )

    def waiving(self, waivers: Waivers, at: date | None, rule: str) -> Mapping[str, str]:
        """Write the waivers in force into the policy, as the renderer does: the API server has no clock."""
        day = at or today()
        return {WAIVED: condition(rule, [waiver for waiver in waivers.all if waiver.is_in_force(day)])}

    def estate_arguments(self, path: str) -> list[str]:
        """Hand the Estate over as a parameter."""
        return ["--parameter-resource", path]

    def estate_documents(self, estates: Sequence[JsonObject]) -> list[JsonObject]:
        """Give what that file holds."""
        # With a namespace, which policies do not ask for, they are not taken for an Estate among the objects.
        return [{**estate, "metadata": {**estate["metadata"], "namespace": _NOWHERE}} for estate in estates]
