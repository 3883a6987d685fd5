"""What the page shows beside the report: the clean-up plan, and what changed since the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thunderguard.model import Report
    from thunderguard.plan.steps import Step
    from thunderguard.recorded import Changes, Recorded
    from thunderguard.reports.setting import PlannedStep

# A plan tries each step on a model of all objects; for more of them `thunderguard plan` is worth waiting for, while a
# report is not: its page then lists the commands of the remedies.
MOST_OBJECTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What :class:`thunderguard.reports.setting.Setting` takes of these; None for what is not known."""

    changes: Changes | None = None
    compared: str = ""
    plan: tuple[PlannedStep, ...] | None = None


def beside(report: Report, sources: Sequence[str], *, estate: Path | None, before: Recorded | None) -> Beside:
    """Give what the page of ``report`` shows beside it.

    ``sources`` are the files that were judged: a plan is made when they are one snapshot, judged whole. ``before`` is
    the baseline.
    """
    from thunderguard.recorded import Recorded, changes

    changed = None if before is None else changes(before, Recorded.of("", report))
    return Beside(
        changes=changed,
        compared="" if before is None else before.name,
        plan=_plan(report, sources[0], estate) if len(sources) == 1 and _is_modelled(report) else None,
    )


def _is_modelled(report: Report) -> bool:
    small = (report.source.get("objects") or 0) <= MOST_OBJECTS
    whole = not report.problems and report.source.get("kind") in {"snapshot", "cluster"}
    return small and whole and bool(report.findings)


def _plan(report: Report, source: str, estate: Path | None) -> tuple[PlannedStep, ...]:
    from thunderguard.estate import DEFAULT_ESTATE, load_estate
    from thunderguard.plan.build import make_plan
    from thunderguard.plan.read import read_objects

    contract = load_estate(estate or DEFAULT_ESTATE)
    objects = read_objects(source)
    made = make_plan(objects, report.findings, contract.data, source=source, shown=dict(report.estate))
    return (
        *(_step(step, by_hand=False) for step in made.steps),
        *(_step(step, by_hand=True) for step in made.by_hand),
    )


def _step(step: Step, *, by_hand: bool) -> PlannedStep:
    from thunderguard.reports.plan import lines
    from thunderguard.reports.setting import PlannedStep

    return PlannedStep(
        title=step.title,
        reason=step.reason,
        commands=tuple(lines(step)),
        resolves=tuple(finding.fingerprint for finding in step.findings),
        warnings=step.warnings,
        back=step.back,
        by_hand=by_hand,
    )
