"""Judging at a real door: each document becomes a dry run at an API server, and its answer the outcome."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from thunderguard.cleanup import on_failure
from thunderguard.engines.askable import InexpressibleError, NotJsonError
from thunderguard.engines.base import ContextManaged, EngineOptions, failure, not_of_a_set, outcome_kind
from thunderguard.engines.messages import MessageError, Messages
from thunderguard.engines.verdict import in_order
from thunderguard.engines.webhook.defaults import as_sent, without_echoes
from thunderguard.engines.webhook.door import Door, give_back, take_door
from thunderguard.engines.webhook.questions import Question, question
from thunderguard.engines.webhook.way import DoorError, Verdict, Way
from thunderguard.errors import ControlPlaneError, EngineError, PolicyError
from thunderguard.model import Document, EstateRequest, Outcome, OutcomeKind, RawFinding, Status

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.estate import Estate

_THREADS = 4
_BATCH = 256
_MOST_REMEMBERED = 20_000
_PASSING = 30.0
_POLL = 0.2


class WebhookEngine(ContextManaged):
    """Judges by a real API server, which is started for it, and by the policies of one way."""

    name: ClassVar[str]
    way: ClassVar[type[Way]]
    needs_documents = False

    def __init__(self, *, estate: Estate, catalogue: Catalogue, options: EngineOptions) -> None:
        """Start the API server, unless one runs already, and put policies and Estate into force.

        Raises PolicyError when a policy does not compile, ToolMissingError and EngineError.
        """
        self._rules = tuple(catalogue.object_rules)
        self._estate_rules = tuple(catalogue.estate_rules)
        self._messages = Messages(catalogue.rules, estate.data)
        self._estate, self._at = estate.data, options.at
        self._answers: OrderedDict[bytes, Outcome | str] = OrderedDict()
        self._lock = threading.Lock()
        self._taken: Door | None = None
        door = self._taken = take_door(self.way, catalogue, options)
        with on_failure(self.close):
            self._version, self._sha256 = door.way.version, door.way.policy_sha256
            with door.judging_by(self._estate, self._at):
                pass

    @property
    def version(self) -> str:
        """What judges, and its version."""
        return self._version

    @property
    def policy_sha256(self) -> str:
        """The hash over the policies as they are in their files."""
        return self._sha256

    @property
    def door(self) -> Door | None:
        """What it asks; None when it is closed."""
        return self._taken

    def cannot_express(self, document: Document) -> str | None:
        """Say why an API server does not take what ``document`` asks; None when it does.

        Nobody knows that but an API server, which is asked, and its verdict kept for :meth:`judge`.
        """
        outcome = self._remembered(document.text)
        if outcome is None and self._taken is not None:
            try:
                with self._taken.judging_by(self._estate, self._at):
                    outcome = self._asked(self._taken, document.text)
            except (PolicyError, EngineError):
                return None
        return outcome if isinstance(outcome, str) else None

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        """Give the outcome of each document, asked by a few threads."""
        left = iter(documents)
        while batch := list(islice(left, _BATCH)):
            yield from self._judge_batch(batch)

    def ask_ahead(self, documents: Iterable[Document]) -> None:
        """Ask about ``documents`` by several threads, and keep what is said for whoever asks one by one."""
        for _ in self.judge(documents):
            pass

    def judge_estate(self, request: EstateRequest) -> Outcome:
        """Give no verdict: an admission policy sees one object, and a rule about the whole set has none."""
        del request
        return not_of_a_set(self.name, self._estate_rules)

    def close(self) -> None:
        """Let go of the API server, which ends with the process at the latest."""
        taken, self._taken = self._taken, None
        if taken is not None:
            give_back(taken)

    def _judge_batch(self, batch: Sequence[Document]) -> list[Outcome]:
        texts = dict.fromkeys(document.text for document in batch)
        found = {text: outcome for text in texts if (outcome := self._remembered(text)) is not None}
        left = [text for text in texts if text not in found]
        door = self._taken
        if door is None:
            found.update(dict.fromkeys(left, self._failed("the engine is closed")))
        elif left:
            try:
                with (
                    door.judging_by(self._estate, self._at),
                    ThreadPoolExecutor(_THREADS) as pool,
                    on_failure(partial(pool.shutdown, wait=False, cancel_futures=True)),
                ):
                    door.asking.expect(_readable(left))
                    found.update(zip(left, pool.map(partial(self._asked, door), left), strict=True))
            except PolicyError as error:
                kind = OutcomeKind.POLICY_DOES_NOT_COMPILE
                found.update(dict.fromkeys(left, self._failed(error.message, kind)))
            except EngineError as error:
                found.update(dict.fromkeys(left, self._failed(error.message)))
            except DoorError as error:
                found.update(dict.fromkeys(left, self._failed(str(error), error.kind)))
        return [self._outcome(found[document.text]) for document in batch]

    def _outcome(self, found: Outcome | str) -> Outcome:
        if isinstance(found, str):
            return self._failed(found, OutcomeKind.NO_ANSWER)
        return found

    def _remembered(self, text: bytes) -> Outcome | str | None:
        with self._lock:
            return self._answers.get(text)

    def _asked(self, door: Door, text: bytes) -> Outcome | str:
        """Give the outcome, or why it cannot be asked; what was decided is remembered."""
        try:
            asked = question(text)
            outcome: Outcome | str = self._judged(asked, _answered(door, asked))
        except InexpressibleError as error:
            outcome = f"an API server cannot be asked: {error}"
        except NotJsonError as error:
            outcome = self._failed(str(error))
        except DoorError as error:
            return self._failed(str(error), error.kind)
        except ControlPlaneError as error:
            return self._failed(f"{error.message}{f' ({ended})' if (ended := door.plane.ended()) else ''}")
        with self._lock:
            self._answers[text] = outcome
            if len(self._answers) > _MOST_REMEMBERED:
                self._answers.popitem(last=False)
        return outcome

    def _judged(self, asked: Question, verdict: Verdict) -> Outcome:
        """Read findings from lines. Raises DoorError when they are not in the words of the catalogue."""
        statuses: dict[str, Status] = {}
        findings: list[RawFinding] = []
        for rule in sorted(self._rules):
            if text := verdict.lines.get(rule):
                statuses[rule] = Status.VIOLATED
                try:
                    told = self._messages.findings(rule, as_sent(text, asked.obj), asked.resource)
                except MessageError as error:
                    raise DoorError(f"the answer of {rule} cannot be used: {error}") from None
                findings += without_echoes(told, asked.obj)
            else:
                statuses[rule] = Status.PASSED if rule in verdict.spoken else Status.NOT_MATCHED
        if strangers := verdict.lines.keys() - set(self._rules):
            raise DoorError(f"it answers by {', '.join(sorted(strangers))}, which is no rule of scope object")
        return Outcome(outcome_kind(findings, statuses), in_order(findings), statuses)

    def _failed(self, reason: str, kind: OutcomeKind = OutcomeKind.ENGINE_FAILED) -> Outcome:
        return failure(kind, reason, self._rules)


def _answered(door: Door, asked: Question) -> Verdict:
    """Ask until there is an answer that does not pass. Raises what asking and reading raise."""
    until = time.monotonic() + _PASSING
    while True:
        try:
            return door.way.verdict(door.asking.ask(asked))
        except DoorError as error:
            if not error.is_passing or time.monotonic() > until:
                raise
        time.sleep(_POLL)


def _readable(texts: Iterable[bytes]) -> Iterator[Question]:
    for text in texts:
        with suppress(NotJsonError, InexpressibleError):
            yield question(text)
