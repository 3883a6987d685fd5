"""Comparing engines: the one place that says when two answers are the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from thunderguard.model import Document, Outcome, RawFinding

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """Two engines that disagree about one request. ``document`` is None for the whole set."""

    document: Document | None
    left: str
    right: str
    left_lines: tuple[str, ...]
    right_lines: tuple[str, ...]

    def __str__(self) -> str:
        """Give the object and what only one side says, each on lines of its own."""
        subject = "the whole set"
        if self.document is not None:
            text = self.document.text.decode("utf-8", "replace")
            subject = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        lines = [subject]
        lines += [f"  only {self.left}: {line}" for line in self.left_lines]
        lines += [f"  only {self.right}: {line}" for line in self.right_lines]
        return "\n".join(lines)


def differences(
    documents: Iterable[Document],
    left: tuple[str, Iterable[Outcome]],
    right: tuple[str, Iterable[Outcome]],
    *,
    texts: bool = False,
) -> Iterator[Difference]:
    """Give what two engines, each a name and its outcomes, say differently about ``documents``.

    Two outcomes are the same when their kinds and statuses are, and their findings agree on (rule, resource, path);
    with ``texts`` level, service, message and remedy count as well. Raises ValueError when an outcome is missing.
    """
    for document, one, other in zip(documents, left[1], right[1], strict=True):
        found = difference(document, (left[0], one), (right[0], other), texts=texts)
        if found is not None:
            yield found


def difference(
    document: Document | None, left: tuple[str, Outcome], right: tuple[str, Outcome], *, texts: bool = False
) -> Difference | None:
    """Give what two engines say differently about one document (None: the whole set); None when it is the same."""
    one, other = (set(_lines(outcome, texts=texts)) for _, outcome in (left, right))
    if one == other:
        return None
    return Difference(document, left[0], right[0], tuple(sorted(one - other)), tuple(sorted(other - one)))


def _lines(outcome: Outcome, *, texts: bool) -> Iterator[str]:
    yield f"outcome {outcome.kind}"
    for rule, status in outcome.statuses.items():
        yield f"{rule}: {status}"
    for finding in outcome.findings:
        yield _line(finding, texts=texts)


def _line(finding: RawFinding, *, texts: bool) -> str:
    line = f"{finding.rule} at {finding.resource} {finding.path}"
    if texts:
        line += f" [{finding.level}, {finding.service}] {finding.message} -> {finding.remedy}"
    return line
