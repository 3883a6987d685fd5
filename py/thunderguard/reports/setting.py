"""What a report format may know besides the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thunderguard.catalogue import Rule
    from thunderguard.recorded import Changes

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Give the present moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step of a clean-up, as a report shows it.

    ``resolves`` are the fingerprints of the findings that it resolves (of one by hand: those it is about), ``notes``
    say what has to be so before, ``warnings`` what may be lost, ``back`` how it is undone.
    """

    title: str
    reason: str = ""
    commands: tuple[str, ...] = ()
    resolves: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    by_hand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """``rules`` are the catalogue's by id, ``exit_code`` is what the command ends with, ``version`` is Thunderguard's.

    ``clock`` gives the time that a report bears. ``changes`` are those since an earlier report, called ``compared``;
    ``plan`` is the clean-up. A report without them says nothing about either.
    """

    rules: Mapping[str, Rule]
    exit_code: int
    version: str
    clock: Clock = field(default=utc_now)
    changes: Changes | None = None
    compared: str = ""
    plan: tuple[PlannedStep, ...] | None = None

    def title(self, rule: str) -> str:
        """Give the title of ``rule``; its id when the catalogue does not have it."""
        known = self.rules.get(rule)
        return known.title if known is not None else rule


def writable(value: Any) -> Any:
    """Give a JSON value whose texts can all be written in UTF-8.

    A file name that is not UTF-8 reaches Python with lone surrogates; they become backslash escapes.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [writable(item) for item in value]
    if isinstance(value, dict):
        return {writable(key): writable(item) for key, item in value.items()}
    return value
