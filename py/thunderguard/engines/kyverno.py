"""The kyverno engine: the ValidatingPolicies that a cluster with Kyverno enforces, judged offline by its real CLI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from thunderguard.engines.kyvernocli import CliEngine, Flavour
from thunderguard.engines.kyvernocli.policies import Kind
from thunderguard.facts.waivers import Waivers
from thunderguard.model import JsonObject
from thunderguard.render.waivers import NOW, moment


class KyvernoEngine(CliEngine):
    """Judges by ``policies/<rule>/kyverno.yaml``; the policies read the Estate as an object of the cluster."""

    name = "kyverno"
    flavour = Flavour(
        file="kyverno.yaml",
        kind=Kind("policies.kyverno.io", "ValidatingPolicy", None),
        # An UPDATE has the object itself as its old object.
        operations=frozenset({"CREATE", "UPDATE", "DELETE"}),
    )

    def waiving(self, waivers: Waivers, at: date | None, rule: str) -> Mapping[str, str]:
        """Stop the clock; the policies read the waivers of the Estate themselves."""
        del waivers, rule
        return {} if at is None else {NOW: moment(at)}

    def estate_arguments(self, path: str) -> list[str]:
        """Hand the Estate over as what ``resource.Get`` finds."""
        return ["--context-file", path]

    def estate_documents(self, estates: Sequence[JsonObject]) -> list[JsonObject]:
        """Give what that file holds."""
        kind = {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Context", "metadata": {"name": "context"}}
        return [{**kind, "spec": {"resources": list(estates)}}]
