"""What another contract or other rules would deny and allow: each snapshot is judged by both sides and compared.

An object of a snapshot is judged as in an audit, so that memory and time are those of two audits, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thunderguard.audit import opener, run_audit
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Level
from thunderguard.recorded import Changes, Recorded, changes

if TYPE_CHECKING:
    from datetime import date

    from thunderguard.audit.run import Progress
    from thunderguard.engines import Engine
    from thunderguard.model import Finding, JsonObject, Resource


@dataclass(frozen=True, slots=True)
class Side:
    """What is judged by: an Estate (None: the default one) and a folder of rules (None: the project's own)."""

    estate: Path | None = None
    rego: Path | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What one side turned out to be: its Estate and engine as in a report."""

    estate: JsonObject
    engine: JsonObject


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What changes in one snapshot. ``denied_before`` and ``denied_after`` are the objects with a finding of deny.

    ``problems`` says why not everything could be judged, by either side.
    """

    path: str
    objects: int
    changes: Changes
    denied_before: frozenset[Resource]
    denied_after: frozenset[Resource]
    problems: tuple[str, ...]

    @property
    def denied(self) -> tuple[Finding, ...]:
        """What becomes denied, by rule and object."""
        return _denials(self.changes.new)

    @property
    def allowed(self) -> tuple[Finding, ...]:
        """What is not denied any more, by rule and object; another rule may deny the object still."""
        return _denials(self.changes.fixed)

    @property
    def others(self) -> tuple[tuple[str, Finding], ...]:
        """What is found or not found any more below deny, each with ``new`` or ``gone``."""
        new = (("new", one) for one in self.changes.new if one.level is not Level.DENY)
        gone = (("gone", one) for one in self.changes.fixed if one.level is not Level.DENY)
        return (*new, *gone)


@dataclass(frozen=True, slots=True)
class Whatif:
    """What changes between two sides, snapshot by snapshot."""

    before: Judged
    after: Judged
    snapshots: tuple[Verdicts, ...]

    @property
    def incomplete(self) -> bool:
        """Whether something could not be judged."""
        return any(one.problems or one.changes.unknown for one in self.snapshots)

    def count(self, what: str) -> int:
        """Give how many findings are ``denied`` or ``allowed`` over all snapshots."""
        return sum(len(getattr(one, what)) for one in self.snapshots)

    @property
    def is_any(self) -> bool:
        """Whether anything changes at all."""
        return any(one.denied or one.allowed or one.others for one in self.snapshots)


def compare(
    paths: Sequence[str],
    before: Side,
    after: Side,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    at: date | None = None,
) -> Whatif:
    """Judge each of ``paths`` by both sides, as on the day ``at`` (None: today).

    Raises what :func:`thunderguard.audit.run_audit` raises.
    """
    if not paths:
        raise ValueError("there is nothing to judge")
    found = []
    with _opened(before) as one_engine, _opened(after) as other_engine:
        for path in paths:
            options: dict[str, Any] = {"at": at, "workers": workers, "progress": progress}
            one = _audit(path, before, one_engine, **options)
            other = _audit(path, after, other_engine, **options)
            told = dict.fromkeys((*one.problems, *other.problems))
            compared = changes(one.recorded, other.recorded)
            found.append(Verdicts(path, other.objects, compared, one.denied, other.denied, tuple(told)))
    return Whatif(one.judged, other.judged, tuple(found))


def _opened(side: Side) -> Engine:
    return opener(load_estate(side.estate or DEFAULT_ESTATE), rego_dir=side.rego)()


@dataclass(frozen=True, slots=True)
class _Audited:
    """What of an audit counts here; the rest of it is forgotten before the next begins."""

    judged: Judged
    recorded: Recorded
    objects: int
    denied: frozenset[Resource]
    problems: tuple[str, ...]


def _audit(path: str, side: Side, engine: Engine, **options: Any) -> _Audited:
    report = run_audit([path], estate=side.estate, rego_dir=side.rego, using=engine, **options)
    return _Audited(
        Judged(report.estate, report.engine),
        # What is waived is let in.
        replace(Recorded.of(path, report), findings=tuple(one for one in report.findings if one.waived is None)),
        int(report.source["objects"]),
        frozenset(one.resource for one in report.findings if one.level is Level.DENY and one.waived is None),
        tuple(f"{problem.object or problem.file or path}: {problem.message}" for problem in report.problems),
    )


def _denials(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(one for one in findings if one.level is Level.DENY)
