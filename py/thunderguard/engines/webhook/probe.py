"""Proof that an Estate is in force: a service that it alone deprecates, and an object that runs it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from thunderguard.controlplane.api import path_of
from thunderguard.engines.webhook.completion import completed
from thunderguard.engines.webhook.way import Verdict
from thunderguard.facts.values import as_list, as_object
from thunderguard.model import JsonObject

#: The rule that speaks of the service.
RULE = "deprecated-service"
NAMESPACE = "default"
#: Where a dry run creates the object.
PATH = path_of("deployments", api_version="apps/v1", namespace=NAMESPACE) + "?dryRun=All"

_NAME = "thunderguard-probe"


@dataclass(frozen=True, slots=True)
class Probe:
    """One such service, which no Estate has had before, by its ``name``."""

    name: str

    @classmethod
    def make(cls) -> Probe:
        """Make a new one."""
        return cls(f"{_NAME}-{secrets.token_hex(6)}")

    def planted(self, estate: JsonObject) -> JsonObject:
        """Give ``estate`` with the service among those that are deprecated."""
        spec = as_object(estate.get("spec"))
        deprecated = as_object(spec.get("deprecated"))
        service = {
            "name": self.name,
            "recognise": [{"image": f"^{self.name}$"}],
            "reason": "it shows that the Estate is in force",
            "remedy": "none is needed",
        }
        services = [*as_list(deprecated.get("services")), service]
        return {**estate, "spec": {**spec, "deprecated": {**deprecated, "services": services}}}

    @property
    def workload(self) -> JsonObject:
        """The object that runs the service, whole."""
        return workload(self.name)

    def is_seen(self, verdict: Verdict) -> bool:
        """Say whether ``verdict``, about :attr:`workload`, was reached by the Estate with the service."""
        return self.name in verdict.lines.get(RULE, "")


def workload(name: str) -> JsonObject:
    """Give a Deployment that runs the image ``name``, with the label of a chart called so."""
    return completed(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"helm.sh/chart": f"{name}-0.1.0"}},
            "spec": {"template": {"spec": {"containers": [{"name": "probe", "image": f"{name}:1.0.0"}]}}},
        }
    )
