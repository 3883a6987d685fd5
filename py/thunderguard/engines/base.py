"""What an engine is: documents in, one outcome for each out.

A document is a manifest, or an AdmissionReview, which asks about the object in it.

Every engine is a class in a module of its own, opened by name through :func:`thunderguard.engines.open_engine`,
which calls it with the keywords ``estate``, ``catalogue`` and ``options``. Engines do not know each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from thunderguard.model import Document, EstateRequest, Outcome, OutcomeKind, RawFinding, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What a user may choose about an engine; each engine reads what concerns it and ignores the rest.

    ``rego_dir`` is the folder of the Rego sources, ``policies_dir`` that of the admission policies (None: the project's
    own, see ``assets``). ``opa_url`` is an OPA server that already runs. ``tools_dir`` is the folder where binaries are
    looked for before ``PATH`` (None: ``.tools/bin`` at the repository root). ``deadline`` is the number of seconds
    after which one answer of an external program counts as missing. ``at`` is the day that waivers are held against
    (None: today, in UTC).
    """

    rego_dir: Path | None = None
    policies_dir: Path | None = None
    opa_url: str | None = None
    tools_dir: Path | None = None
    deadline: float = 120.0
    at: date | None = None


@runtime_checkable
class Engine(Protocol):
    """One way to get a verdict. A context manager: leaving it ends every process and file it made.

    Opening an engine raises PolicyError when its policy does not compile or is refused, ToolMissingError when an
    external program is missing or is not the pinned version, and EngineError when the program does not start.
    After that nothing raises for a single document: whatever goes wrong is an outcome, and never a pass.
    """

    @property
    def name(self) -> str:
        """The name by which the engine is chosen, one of ``ENGINE_NAMES``."""

    @property
    def version(self) -> str:
        """The program or library that judges, and its version."""

    @property
    def policy_sha256(self) -> str:
        """The SHA-256 (hex) over every policy and data file that was loaded, the Estate left out."""

    @property
    def needs_documents(self) -> bool:
        """Whether :meth:`judge_estate` reads the raw documents again (else only the records)."""

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        """Give the outcome of the rules of scope object for each of ``documents``.

        Exactly one outcome for each document, in their order, while they stream in.
        """

    def cannot_express(self, document: Document) -> str | None:
        """Say why this engine has no way to be asked what ``document`` asks; None when it has one.

        It is about the kind of question, such as the user of an admission request, and never about an answer.
        """

    def judge_estate(self, request: EstateRequest) -> Outcome:
        """Give the outcome of the rules of scope estate for the whole set."""

    def close(self) -> None:
        """End every process and remove every file the engine made. Closing twice is harmless."""

    def __enter__(self) -> Self:
        """Give the engine itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine."""


@runtime_checkable
class AsksAhead(Engine, Protocol):
    """An engine that finds out by asking what it cannot express, and would rather ask about many documents at once."""

    def ask_ahead(self, documents: Iterable[Document]) -> None:
        """Be asked about ``documents`` soon, by ``cannot_express`` and ``judge``. Raises nothing."""


class ContextManaged:
    """What most engines have in common: entering and leaving, and being able to express every document."""

    def cannot_express(self, document: Document) -> str | None:
        """Say that nothing stands against ``document``; an engine that lacks something overrides this."""
        del document
        return None

    def close(self) -> None:
        """Release what the engine holds; an engine that holds something overrides this."""

    def __enter__(self) -> Self:
        """Give the engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine."""
        self.close()


def outcome_kind(findings: Iterable[RawFinding], statuses: Mapping[str, Status]) -> OutcomeKind:
    """Say what kind of outcome ``findings`` and ``statuses`` are.

    Findings come first. Without any, it is a pass only when at least one rule really passed; when every rule is
    not matched (or could not be judged for want of a fact, which the ledger shows), nothing was passed.
    """
    if any(True for _ in findings):
        return OutcomeKind.FINDINGS
    if Status.PASSED in statuses.values():
        return OutcomeKind.PASS
    return OutcomeKind.NOT_MATCHED


def failure(kind: OutcomeKind, reason: str, rules: Iterable[str]) -> Outcome:
    """Give the outcome of a request that has no verdict: each of ``rules`` is failed, for ``reason``."""
    return Outcome(kind=kind, statuses=dict.fromkeys(rules, Status.FAILED), reason=reason)


def not_of_a_set(engine: str, rules: Iterable[str]) -> Outcome:
    """Give the outcome about a whole set from an engine by admission policies, for which ``rules`` have none.

    Such a policy sees one object.
    """
    reason = f"the engine {engine} judges one object at a time, as admission does"
    return Outcome(OutcomeKind.NO_ANSWER, statuses=dict.fromkeys(sorted(rules), Status.NOT_JUDGED), reason=reason)


def digest(files: Mapping[str, bytes]) -> str:
    """Hash named files, in the order of their names: the ``policy_sha256`` of an engine."""
    total = hashlib.sha256()
    for name in sorted(files):
        content = files[name]
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()
