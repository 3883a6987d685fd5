"""Chooses one example that fails and one that passes for each rule, ``py/thunderguard/explain/examples.json``.

    python tools/rule_examples.py --write      write the file
    python tools/rule_examples.py --check      exit 1 when the file differs from what this chooses

For a rule that one object decides they are cases of ``tests/cases``; for one that needs the whole set, the file below
``examples/bad``, and the same with the remedy followed. The reference judges every one of them before it is taken.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from generated import run
from thunderguard.catalogue import load_catalogue
from thunderguard.conformance.cases import Case, Form
from thunderguard.conformance.load import load_cases
from thunderguard.engines.reference import ReferenceEngine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.facts.resources import resource_of
from thunderguard.model import JsonObject, RawFinding, Status
from thunderguard.replay.corpus import read_objects
from thunderguard.replay.edit import at, put
from thunderguard.replay.ground import Ground
from thunderguard.replay.remedies import Remedies

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "py" / "thunderguard" / "explain" / "examples.json"
Pair = dict[str, dict[str, str]]


class Chooser:
    """Chooses examples by what the reference says of them."""

    def __init__(self) -> None:
        """Read the Estate, the catalogue and the cases."""
        estate = load_estate(DEFAULT_ESTATE)
        self.catalogue = load_catalogue()
        self.reference = ReferenceEngine(estate=estate, catalogue=self.catalogue)
        self.remedies = Remedies(Ground.of(estate.data), self.catalogue)
        self.cases = load_cases(ROOT / "tests" / "cases", self.catalogue.object_rules)
        self.good = read_objects([str(ROOT / "examples" / "good")])

    def all(self) -> dict[str, Pair]:
        """Give the examples of every rule that an object or a set can break."""
        found = {rule: self.of_object(rule) for rule in self.catalogue.object_rules}
        found |= {rule: self.of_set(rule) for rule in self.catalogue.estate_rules}
        return dict(sorted(found.items()))

    # ------------------------------------------------------------------------------------------ one object

    def of_object(self, rule: str) -> Pair:
        """Take the first case in which the rule alone finds something, and the first in which all pass."""
        cases = [case for case in self.cases if case.rule == rule and self._is_plain(case)]
        fails = next(case for case in cases if self._found(case.objects[0]) == {rule})
        passes = next(
            case
            for case in cases
            if not self._found(case.objects[0])
            and self.reference.judge_object(case.objects[0]).statuses[rule] is Status.PASSED
        )
        return {
            name: {"source": f"tests/cases/{rule}.yaml, {case.name}", "text": as_yaml(case.objects[:1])}
            for name, case in (("fails", fails), ("passes", passes))
        }

    def _is_plain(self, case: Case) -> bool:
        return Form.MANIFEST in case.forms and case.estate == "{}"

    def _found(self, obj: JsonObject) -> set[str]:
        return {finding.rule for finding in self.reference.judge_object(obj).findings}

    # ------------------------------------------------------------------------------------------ the whole set

    def of_set(self, rule: str) -> Pair:
        """Take the file of ``examples/bad``, and what mends it."""
        source = f"examples/bad/{rule}.yaml"
        bad = read_objects([str(ROOT / source)])
        # A second one is a second one only beside the first.
        objects = bad if self._in_set(rule, bad) else [*self.good, *bad]
        first = self._in_set(rule, objects)[0]
        failing = [*bad, *(obj for obj in self._of_service(first, objects) if obj not in bad)]
        name, passing = self._passing(rule, source, bad) or (f"{source}, with its remedy followed", [])
        if not passing:
            now = self._followed(rule, objects)
            passing = [obj for obj in now if obj in bad or obj not in objects] or list(self._of_service(first, now))
        taken = {resource_of(obj) for obj in passing}
        beside = [obj for obj in self.good if resource_of(obj) not in taken]
        if not passing or self._in_set(rule, [*beside, *passing]):
            raise SystemExit(f"{source}: what is to pass does not")
        return {
            "fails": {"source": source, "text": as_yaml(failing)},
            "passes": {"source": name, "text": as_yaml(passing)},
        }

    def _passing(self, rule: str, source: str, bad: list[JsonObject]) -> tuple[str, list[JsonObject]] | None:
        """Give what passes where a followed remedy leaves nothing to look at."""
        good = {"namespace-quota": "namespace.yaml", "undeclared-workload": "mlflow-tracking.yaml"}
        if rule in good:
            return f"examples/good/{good[rule]}", read_objects([str(ROOT / "examples" / "good" / good[rule])])
        if rule in ("missing-service", "parked-workload"):
            return f"{source}, with one replica", [put(obj, ("spec", "replicas"), 1) for obj in bad]
        if rule == "runaway-usage":
            usage = ("containers", 0, "usage")
            less = [put(obj, usage, {"cpu": "250m", "memory": "256Mi"}) if at(obj, usage) else obj for obj in bad]
            return f"{source}, with less use", less
        return None

    def _followed(self, rule: str, objects: list[JsonObject]) -> list[JsonObject]:
        while left := self._in_set(rule, objects):
            mended = self.remedies.follow(left[0], objects)
            if mended is None:
                raise SystemExit(f"the remedy of {left[0].resource} cannot be followed")
            objects = mended
        return objects

    def _of_service(self, finding: RawFinding, objects: Sequence[JsonObject]) -> Iterator[JsonObject]:
        for obj in objects:
            if finding.service in self.remedies.ground.view(obj).services or resource_of(obj) == finding.resource:
                yield obj

    def _in_set(self, rule: str, objects: Sequence[JsonObject]) -> list[RawFinding]:
        return [finding for finding in self.reference.judge_objects(objects).findings if finding.rule == rule]


def as_yaml(objects: Sequence[JsonObject]) -> str:
    """Write objects as people do, one after the other."""
    plain = json.loads(json.dumps(objects))
    return "---\n".join(yaml.safe_dump(obj, sort_keys=False, width=100) for obj in plain)


def render() -> bytes:
    """Give the file."""
    return (json.dumps(Chooser().all(), indent=2, ensure_ascii=False) + "\n").encode()


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the file; give 0, or 1 when the check finds a difference."""
    return run("rule_examples", ROOT, TARGET, render, argv)


if __name__ == "__main__":
    sys.exit(main())
