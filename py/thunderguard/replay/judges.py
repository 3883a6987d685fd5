"""Engines as a replay uses them: whole batches in, nothing asked twice, and trouble kept as what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import orjson

from thunderguard.engines import EngineOptions, open_engine
from thunderguard.errors import CannotJudgeError, ThunderguardError, ToolMissingError
from thunderguard.facts.ownership import identity_of, resolve_roots
from thunderguard.facts.resources import resource_of
from thunderguard.model import (
    Document,
    EstateRequest,
    JsonObject,
    Outcome,
    OutcomeKind,
    RawFinding,
    Resource,
)
from thunderguard.replay.cases import texts_of

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from thunderguard.catalogue import Catalogue
    from thunderguard.engines import Engine
    from thunderguard.estate import Estate

UNDECIDED = frozenset({OutcomeKind.POLICY_DOES_NOT_COMPILE, OutcomeKind.ENGINE_FAILED, OutcomeKind.NO_ANSWER})

#: The arbiter: every other engine is compared with it, and none with another.
ARBITER = "reference"

#: Engines that judge inside this process; each of the others starts a program and wants whole batches.
IN_PROCESS = frozenset({"embedded", "reference"})

#: Engines that know the rules of scope object only, because a rule of scope estate has no twin at admission.
_WITHOUT_SETS = frozenset({"kyverno", "native"})

_MOST_REMEMBERED = 20_000

Key = tuple[str, Resource, str]


@dataclass(frozen=True, slots=True)
class SetVerdict:
    """What an engine says of a whole set. ``trouble`` says why a part of it was not judged, "" when all was."""

    findings: dict[Key, RawFinding]
    trouble: str = ""


@dataclass
class Judge:
    """One engine. ``trouble`` says why it could not be opened, "" when it was."""

    name: str
    engine: Engine | None
    trouble: str = ""
    _known: dict[bytes, Outcome] = field(default_factory=dict)

    @property
    def judges_sets(self) -> bool:
        """Whether it knows the rules of scope estate."""
        return self.name not in _WITHOUT_SETS

    def outcomes(self, texts: Sequence[bytes]) -> list[Outcome]:
        """Judge every text, each once, all new ones in one call.

        Never raises for what an engine does: texts it gave no outcome for have one that says so.
        """
        wanted = list(dict.fromkeys(text for text in texts if text not in self._known))
        if len(self._known) + len(wanted) > _MOST_REMEMBERED:
            self._known.clear()
            wanted = list(dict.fromkeys(texts))
        if wanted:
            self._known.update(zip(wanted, self._asked(wanted), strict=True))
        return [self._known[text] for text in texts]

    def is_alive(self, text: bytes) -> bool:
        """Say whether the engine decides about ``text``, asked anew."""
        self._known.pop(text, None)
        return self.outcomes([text])[0].kind not in UNDECIDED

    def cannot_express(self, text: bytes) -> str | None:
        """Say why the engine cannot be asked about ``text``; None when it can."""
        return None if self.engine is None else self.engine.cannot_express(Document(0, text))

    def judge_set(self, objects: Sequence[JsonObject]) -> SetVerdict:
        """Judge ``objects`` by every rule, as an audit does: what owns speaks for what it owns.

        What the engine cannot be asked about is left out, and rules of scope estate by one that does not know them.
        """
        texts = [text for obj in objects for text in texts_of(obj) if self.cannot_express(text) is None]
        outcomes = self.outcomes(texts)
        values = [orjson.loads(text) for text in texts]
        roots = resolve_roots([identity_of(value) for value in values])
        trouble = next((reason(outcome) for outcome in outcomes if outcome.kind in UNDECIDED), "")
        found = {
            finding.key: finding
            for place, outcome in enumerate(outcomes)
            if roots[place] == place
            for finding in outcome.findings
        }
        if trouble or self.engine is None or not self.judges_sets:
            return SetVerdict(found, trouble)
        documents = [Document(place, text) for place, text in enumerate(texts)]
        answer = self.engine.judge_estate(EstateRequest(_records(outcomes, values, roots), lambda: documents))
        if answer.kind in UNDECIDED:
            return SetVerdict(found, reason(answer))
        return SetVerdict({**found, **{finding.key: finding for finding in answer.findings}})

    def _asked(self, texts: Sequence[bytes]) -> list[Outcome]:
        if self.engine is None:
            return [Outcome(OutcomeKind.ENGINE_FAILED, reason=self.trouble)] * len(texts)
        documents = [Document(place, text) for place, text in enumerate(texts)]
        outcomes: list[Outcome] = []
        try:
            outcomes.extend(self.engine.judge(documents))
        except CannotJudgeError as error:
            outcomes += [Outcome(OutcomeKind.ENGINE_FAILED, reason=error.message)] * (len(texts) - len(outcomes))
        silent = Outcome(OutcomeKind.NO_ANSWER, reason="the engine stopped before it")
        return (outcomes + [silent] * (len(texts) - len(outcomes)))[: len(texts)]


def reason(outcome: Outcome) -> str:
    """Say why an outcome is no verdict."""
    return f"{outcome.kind}: {outcome.reason}" if outcome.reason else str(outcome.kind)


def _records(outcomes: Sequence[Outcome], values: Sequence[JsonObject], roots: Sequence[int]) -> list[bytes]:
    records = []
    for place, outcome in enumerate(outcomes):
        if outcome.record is None:
            continue
        record = outcome.record
        if roots[place] != place:
            record = {**record, "root": asdict(resource_of(values[roots[place]]))}
        records.append(orjson.dumps(record))
    return records


class Bench:
    """The engines of a replay, and the arbiter. A context manager that closes all of them."""

    def __init__(
        self,
        names: Iterable[str],
        *,
        estate: Estate,
        catalogue: Catalogue,
        options: EngineOptions | None = None,
    ) -> None:
        """Open every engine of ``names``; one that does not open is there all the same, with why."""
        self._estate, self._catalogue, self._options = estate, catalogue, options
        self.judges: dict[str, Judge] = {}
        self.arbiter = Judge(ARBITER, self._engine(ARBITER))
        for name in names:
            self.judges[name] = self.arbiter if name == ARBITER else self._judge(name)

    def _engine(self, name: str) -> Engine:
        return open_engine(name, estate=self._estate, catalogue=self._catalogue, options=self._options)

    def _judge(self, name: str) -> Judge:
        try:
            return Judge(name, self._engine(name))
        except (CannotJudgeError, ToolMissingError) as error:
            return Judge(name, None, _told(error))

    def close(self) -> None:
        """Close every engine."""
        for judge in (self.arbiter, *self.judges.values()):
            if judge.engine is not None:
                judge.engine.close()

    def __enter__(self) -> Self:
        """Give the bench itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every engine."""
        self.close()


def _told(error: ThunderguardError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
