"""Asking about many objects at once, since each question to an engine has a price of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from thunderguard.engines.base import failure
from thunderguard.engines.verdict import VerdictError, decode_batch, decode_verdict
from thunderguard.model import Document, Outcome, OutcomeKind

# A value (None: undefined), and why there is none.
Answer: TypeAlias = tuple[Any, str]


def in_batches(documents: Iterable[Document], *, most: int, most_bytes: int) -> Iterator[list[Document]]:
    """Give ``documents`` in lists of at most ``most`` of them, or of little more than ``most_bytes``."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.text)
        if len(batch) >= most or size >= most_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def outcomes_of(
    batch: Sequence[Document],
    ask_batch: Callable[[Sequence[Document]], Answer],
    ask_one: Callable[[Document], Answer],
    rules: Sequence[str],
) -> list[Outcome]:
    """Give the outcomes of a batch.

    One object that the policy cannot be evaluated for spoils the answer about its whole batch. It must not spoil the
    others, so then each is asked about alone.
    """
    if len(batch) > 1:
        value, reason = ask_batch(batch)
        if not reason:
            try:
                return decode_batch(value, len(batch), rules)
            except VerdictError:
                pass
    outcomes = []
    for document in batch:
        value, reason = ask_one(document)
        if reason:
            outcomes.append(failure(OutcomeKind.ENGINE_FAILED, reason, rules))
        else:
            outcomes.append(decode_verdict(value, rules))
    return outcomes
