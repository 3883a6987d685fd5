"""Engines as a replay uses them: whole batches in, nothing asked twice, and trouble kept as what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import orjson

from thunderguard.engines import ADMISSION_ENGINES, EngineOptions, open_engine
from thunderguard.engines.base import AsksAhead
from thunderguard.errors import CannotJudgeError, ToolMissingError
from thunderguard.facts.ownership import roots_of
from thunderguard.facts.resources import resource_of
from thunderguard.model import Document, EstateRequest, JsonObject, Key, Outcome, OutcomeKind, RawFinding
from thunderguard.replay.cases import texts_of

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.engines import Engine
    from thunderguard.estate import Estate

#: The arbiter: every other engine is compared with it, and none with another.
ARBITER = "reference"

#: Engines that judge inside this process; each of the others starts a program and wants whole batches.
IN_PROCESS = frozenset({"embedded", "reference"})

_MOST_REMEMBERED = 20_000


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
        return self.name not in ADMISSION_ENGINES

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
        return self.outcomes([text])[0].kind.is_verdict

    def cannot_express(self, text: bytes) -> str | None:
        """Say why the engine cannot be asked about ``text``; None when it can."""
        return None if self.engine is None else self.engine.cannot_express(Document(0, text))

    def ask_ahead(self, texts: Iterable[bytes]) -> None:
        """Tell the engine what it will be asked, if it wants to know."""
        if isinstance(self.engine, AsksAhead):
            self.engine.ask_ahead(Document(place, text) for place, text in enumerate(texts))

    def judge_set(self, objects: Sequence[JsonObject]) -> SetVerdict:
        """Judge ``objects`` by every rule, as an audit does: what owns speaks for what it owns.

        What the engine cannot be asked about is left out, and rules of scope estate by one that does not know them.
        """
        texts = [text for obj in objects for text in texts_of(obj) if self.cannot_express(text) is None]
        outcomes = self.outcomes(texts)
        values = [orjson.loads(text) for text in texts]
        roots = roots_of(values)
        trouble = next((outcome.told for outcome in outcomes if not outcome.kind.is_verdict), "")
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
        if not answer.kind.is_verdict:
            return SetVerdict(found, answer.told)
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
    """The engines of a replay, and the arbiter. Closing it closes all of them."""

    def __init__(
        self,
        names: Iterable[str],
        *,
        estate: Estate,
        catalogue: Catalogue,
        options: EngineOptions | None = None,
    ) -> None:
        """Open every engine of ``names``; one that does not open is there all the same, with why."""

        def engine(name: str) -> Engine:
            return opened.enter_context(open_engine(name, estate=estate, catalogue=catalogue, options=options))

        def judge(name: str) -> Judge:
            try:
                return Judge(name, engine(name))
            except (CannotJudgeError, ToolMissingError) as error:
                return Judge(name, None, error.told)

        # When one of them cannot even be tried, those that are open are closed.
        with ExitStack() as opened:
            self.arbiter = Judge(ARBITER, engine(ARBITER))
            self.judges = {name: self.arbiter if name == ARBITER else judge(name) for name in names}
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close every engine."""
        self._opened.close()
