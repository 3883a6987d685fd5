"""Judging by admission policies offline: the real ``kubectl-kyverno``, asked about many objects at once.

A start costs about a second and each object a few hundredths, so objects are asked about in runs of dozens, several
runs at a time, and what documents ask alike is asked once. One run has one user and one operation, and knows each
address once.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import orjson

from thunderguard.cleanup import on_failure
from thunderguard.engines.askable import InexpressibleError, NotJsonError
from thunderguard.engines.base import ContextManaged, EngineOptions, digest, failure, not_of_a_set, outcome_kind
from thunderguard.engines.batches import in_batches
from thunderguard.engines.external import HangError, RunError, in_halves, trying_out
from thunderguard.engines.kyvernocli.joined import joined
from thunderguard.engines.kyvernocli.matching import matches
from thunderguard.engines.kyvernocli.policies import NO_SUBJECT, Kind, Policy, Variant, load_policies
from thunderguard.engines.kyvernocli.program import Program, Row, shortened
from thunderguard.engines.kyvernocli.questions import Question, as_yaml, question
from thunderguard.engines.kyvernocli.runs import Run, first_places, planned
from thunderguard.engines.kyvernocli.stubs import definitions
from thunderguard.engines.messages import MessageError, Messages
from thunderguard.engines.pins import check_version, find_program, pinned
from thunderguard.engines.verdict import in_order
from thunderguard.errors import PolicyError
from thunderguard.facts.waivers import Waivers
from thunderguard.model import Document, EstateRequest, JsonObject, Outcome, OutcomeKind, RawFinding, Status

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.estate import Estate

_PROGRAM = "kubectl-kyverno"
_BATCH_DOCUMENTS = 1000
_BATCH_BYTES = 16 << 20
_MOST_PROCESSES = 4

# Rules that a known namespace may decide otherwise, each with a kind it does not concern.
_NEED_NAMESPACE = {"namespace-boundary": "", "singleton-service": "HorizontalPodAutoscaler"}

_ESTATE_FILE = "estate.yaml"
# The forms in which policies are staged.
_ALONE = "alone"
_JOINED = "joined"
_CANARY = "thunderguard-canary"
_CANARIES: tuple[tuple[str, str, JsonObject], ...] = (
    ("apps/v1", "Deployment", {"template": {"spec": {"containers": [{"name": _CANARY, "image": _CANARY}]}}}),
    ("v1", "Pod", {"containers": [{"name": _CANARY, "image": _CANARY}]}),
    ("v1", "Namespace", {}),
    ("autoscaling/v2", "HorizontalPodAutoscaler", {"maxReplicas": 1}),
)

# What was tried out in this process. Another Estate needs no other trial: of what a policy cannot do by it, each object
# is told.
_TRIED_OUT: set[tuple[str, str, int, str]] = set()

_NO_COMPILE = ("compilation error", "compilation failed", "failed to compile")

# The rows about each document by policy.
_Rows: TypeAlias = dict[int, dict[str, list[Row]]]
# Those about one of them, or why there are none.
_Answer: TypeAlias = Mapping[str, Sequence[Row]] | str


@dataclass(frozen=True, slots=True)
class Flavour:
    """What one kind of admission policy needs.

    ``file`` is the name of each rule's policy. ``operations`` are those that the program can be told.
    """

    file: str
    kind: Kind
    operations: frozenset[str]


class CliEngine(ContextManaged, ABC):
    """Judges by the policies of one flavour, through the real kubectl-kyverno."""

    name: ClassVar[str]
    flavour: ClassVar[Flavour]
    needs_documents = False

    def __init__(self, *, estate: Estate, catalogue: Catalogue, options: EngineOptions) -> None:
        """Find the program, load the policies and try each of them out.

        Raises ToolMissingError and EngineError, and PolicyError when a policy is missing, is not loaded, or does not
        compile.
        """
        self._rules = tuple(catalogue.object_rules)
        self._estate_rules = tuple(catalogue.estate_rules)
        waiving = partial(self.waiving, Waivers.of(estate.data), options.at)
        self._policies = load_policies(options, self._rules, self.flavour.file, self.flavour.kind, waiving)
        self._joined = {one.name: one for one in joined(self._policies.by_rule.values())}
        self._messages = Messages(catalogue.rules, estate.data)
        path = find_program(_PROGRAM, options).absolute()
        self._version = check_version(path, ["version"], "Version", pinned(_PROGRAM), options.deadline)
        self._folder = Path(tempfile.mkdtemp(prefix=f"thunderguard-{self.name}-"))
        self._program = Program(path, self._folder, options.deadline)
        self._runs = 0
        self._lock = threading.Lock()
        with on_failure(self.close):
            told = (str(path), self._version, path.stat().st_mtime_ns, self._write_policies())
            self._write_estate(estate)
            if told not in _TRIED_OUT:
                self._try_out()
                _TRIED_OUT.add(told)

    @property
    def version(self) -> str:
        """The program and its version."""
        return f"{_PROGRAM} {self._version}"

    @property
    def policy_sha256(self) -> str:
        """The hash over the policies as they are in their files."""
        return self._policies.sha256

    def cannot_express(self, document: Document) -> str | None:
        """Say why the program cannot be asked about ``document``; None when it can."""
        try:
            question(document.text, operations=self.flavour.operations)
        except InexpressibleError as error:
            return f"{_PROGRAM} cannot be asked: {error}"
        except NotJsonError:
            return None
        return None

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        """Give the outcome of each document, judged in batches."""
        for batch in in_batches(documents, most=_BATCH_DOCUMENTS, most_bytes=_BATCH_BYTES):
            yield from self._judge_batch(batch)

    def judge_estate(self, request: EstateRequest) -> Outcome:
        """Give no verdict: an admission policy sees one object, and a rule about the whole set has none."""
        del request
        return not_of_a_set(self.name, self._estate_rules)

    def close(self) -> None:
        """End what runs and remove the files."""
        self._program.end("the engine is closed")
        shutil.rmtree(self._folder, ignore_errors=True)

    @abstractmethod
    def waiving(self, waivers: Waivers, at: date | None, rule: str) -> Mapping[str, str]:
        """Give the expressions of variables by which a copy of the policy of ``rule`` waives as on the day ``at``."""

    @abstractmethod
    def estate_arguments(self, path: str) -> list[str]:
        """Give the options that hand over the Estate, which is in the file ``path``."""

    @abstractmethod
    def estate_documents(self, estates: Sequence[JsonObject]) -> list[JsonObject]:
        """Give the documents of that file; ``estates`` is the Estate by each name that policies ask for."""

    def _write_policies(self) -> str:
        """Write the copies that the program loads; give a hash over them."""
        written: dict[str, bytes] = {}
        for variant in Variant:
            for form, copies in ((_ALONE, self._policies.by_rule.items()), (_JOINED, self._joined.items())):
                (self._folder / variant / form).mkdir(parents=True)
                for name, copied in copies:
                    written[f"{variant}/{form}/{name}.yaml"] = copied.copy(variant).encode()
        for name, text in written.items():
            (self._folder / name).write_bytes(text)
        return digest(written)

    def _write_estate(self, estate: Estate) -> None:
        names = {name for policy in self._policies.by_rule.values() for name in policy.estates} or {estate.name}
        estates = [{**estate.data, "metadata": {"name": name}} for name in sorted(names)]
        text = "\n---\n".join(as_yaml(document) for document in self.estate_documents(estates))
        (self._folder / _ESTATE_FILE).write_text(text, encoding="utf-8")

    def _try_out(self) -> None:
        """Ask every policy about an object that it has to answer for. Raises PolicyError and EngineError."""
        run = self._canaries(Variant.PLACED, "CREATE", b'{"username":"canary","groups":["canaries"]}')
        with trying_out(_NO_COMPILE):
            answers, complaints = self._ask(run, _ALONE, complaining=True)
        for policy in self._policies.by_rule.values():
            asked = [(place, one) for place, one in run.questions.items() if matches(policy.constraints, one.target)]
            if not asked:
                raise PolicyError(f"{policy.path} cannot be tried out: it asks about no workload")
            for place, one in asked:
                rows = answers[place].get(policy.name, [])
                _check_canary(policy, rows, complaints)
                try:
                    self._status(policy.rule, one, rows[0], [])
                except MessageError as error:
                    raise PolicyError(f"the policy {policy.path} says what cannot be used: {error}") from None

    def _canaries(self, variant: Variant, operation: str, user: bytes) -> Run:
        labels = {"helm.sh/chart": f"{_CANARY}-0.1.0"}
        questions = {}
        for place, (api_version, kind, spec) in enumerate(_CANARIES):
            metadata = {"name": _CANARY, "labels": labels}
            if kind != "Namespace":
                metadata["namespace"] = _CANARY
            obj = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
            questions[place] = Question(obj, operation, user)
        return Run(variant, operation, user, questions)

    def _judge_batch(self, batch: Sequence[Document]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        questions: dict[int, Question] = {}
        for place, document in enumerate(batch):
            try:
                questions[place] = question(document.text, operations=self.flavour.operations)
            except InexpressibleError as error:
                outcomes[place] = self._failed(f"{_PROGRAM} cannot be asked: {error}", OutcomeKind.NO_ANSWER)
            except NotJsonError as error:
                outcomes[place] = self._failed(str(error))
        firsts = first_places(questions)
        asked = {first: questions[first] for first in firsts.values()}
        for place, answer in self._answers(planned(asked, _processes())).items():
            outcomes[place] = self._outcome(asked[place], answer)
        return [outcomes[firsts.get(place, place)] for place in range(len(batch))]

    def _answers(self, runs: Sequence[Run]) -> dict[int, _Answer]:
        answers: dict[int, _Answer] = {}
        # Leaving the pool waits for what runs, so that it has to be ended before.
        with ThreadPoolExecutor(_processes()) as pool, on_failure(partial(self._interrupt, pool)):
            for part in pool.map(self._answer, runs):
                answers.update(part)
        return answers

    def _interrupt(self, pool: ThreadPoolExecutor) -> None:
        pool.shutdown(wait=False, cancel_futures=True)
        self._program.end("the engine was interrupted")

    def _answer(self, run: Run) -> dict[int, _Answer]:
        def ask(questions: Mapping[int, Question]) -> _Rows:
            return self._told(replace(run, questions=questions))

        return dict(in_halves(run.questions, ask, partial(self._still_works, run)))

    def _told(self, run: Run) -> _Rows:
        """Give what each policy says about each question of a run. Raises RunError."""
        answers, _ = self._ask(run, _JOINED)
        told = {place: apart for place, rows in answers.items() if (apart := self._told_apart(rows)) is not None}
        left = {place: asked for place, asked in run.questions.items() if place not in told}
        if left:
            told.update(self._ask(replace(run, questions=left), _ALONE)[0])
        return told

    def _told_apart(self, answer: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]] | None:
        """Give what each policy says; None when they have to be asked one by one."""
        told: dict[str, list[Row]] = {}
        for name, rows in answer.items():
            for row in rows:
                parts = self._joined[name].told_apart(row) if name in self._joined else [row]
                if parts is None:
                    return None
                for part in parts:
                    told.setdefault(part.policy, []).append(part)
        return told

    def _still_works(self, run: Run) -> bool:
        try:
            self._ask(self._canaries(run.variant, run.operation, run.user), _ALONE)
        except RunError as error:
            if not isinstance(error, HangError):
                self._program.end(str(error))
            return False
        return True

    def _ask(self, run: Run, form: str, *, complaining: bool = False) -> tuple[_Rows, tuple[str, ...]]:
        """Give the rows about each question by policy, and what the program passed over. Raises RunError."""
        names = self._policies.by_rule if form == _ALONE else self._joined
        with self._lock:
            self._runs += 1
            folder = self._folder / f"run-{self._runs}"
        try:
            folder.mkdir()
            (folder / "objects.yaml").write_text(
                "\n---\n".join(one.text(str(place)) for place, one in run.questions.items())
            )
            (folder / "kinds.yaml").write_text(definitions(one.type for one in run.questions.values()))
            (folder / "user.yaml").write_text(as_yaml(_user_file(run.user)))
            (folder / "values.yaml").write_text(as_yaml(_values_file(run.operation)))
            said = self._program.apply(
                [
                    *(f"{run.variant}/{form}/{name}.yaml" for name in names),
                    *("--resource", f"{folder.name}/objects.yaml"),
                    *("--crd-paths", f"{folder.name}/kinds.yaml"),
                    *("--userinfo", f"{folder.name}/user.yaml"),
                    *("--values-file", f"{folder.name}/values.yaml"),
                    *self.estate_arguments(_ESTATE_FILE),
                ],
                complaining=complaining,
            )
        except OSError as error:
            raise RunError(f"the objects cannot be written for {_PROGRAM}: {error}") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return run.sorted_out(said.rows), said.complaints

    def _outcome(self, asked: Question, answer: _Answer) -> Outcome:
        if isinstance(answer, str):
            return self._failed(answer)
        statuses: dict[str, Status] = {}
        findings: list[RawFinding] = []
        for rule in sorted(self._policies.by_rule):
            policy = self._policies.by_rule[rule]
            rows = answer.get(policy.name, ())
            if not matches(policy.constraints, asked.target):
                if rows:
                    return self._failed(f"{_PROGRAM} answers by {policy.name}, which does not match the object")
                statuses[rule] = Status.NOT_MATCHED
                continue
            if not rows:
                reason = f"{_PROGRAM} says nothing about it by the policy {policy.name}"
                return self._failed(reason, OutcomeKind.NO_ANSWER)
            if len(rows) > 1:
                return self._failed(f"{_PROGRAM} answers {len(rows)} times by the policy {policy.name}")
            row = rows[0]
            if row.result == "error":
                unread = row.message.startswith(_NO_COMPILE)
                kind = OutcomeKind.POLICY_DOES_NOT_COMPILE if unread else OutcomeKind.ENGINE_FAILED
                return self._failed(f"the policy {policy.name} cannot be evaluated: {shortened(row.message)}", kind)
            try:
                statuses[rule] = self._status(rule, asked, row, findings)
            except MessageError as error:
                return self._failed(f"the answer by {policy.name} cannot be used: {error}")
        if strangers := answer.keys() - {policy.name for policy in self._policies.by_rule.values()}:
            return self._failed(f"{_PROGRAM} answers by {', '.join(sorted(strangers))}, which it was not given")
        return Outcome(outcome_kind(findings, statuses), in_order(findings), statuses)

    def _status(self, rule: str, asked: Question, row: Row, findings: list[RawFinding]) -> Status:
        """Give the status that ``row`` says, and put its findings to the others. Raises MessageError."""
        if row.result == "skip" or (row.result == "fail" and row.message == NO_SUBJECT):
            return Status.NOT_MATCHED
        if row.result == "fail":
            findings += self._messages.findings(rule, row.message, asked.resource)
            return Status.VIOLATED
        if row.result != "pass":
            raise MessageError(f"the result is {row.result!r:.80}")
        decided = rule not in _NEED_NAMESPACE or asked.resource.kind == _NEED_NAMESPACE[rule]
        return Status.PASSED if decided or not asked.is_unknown else Status.NOT_JUDGED

    def _failed(self, reason: str, kind: OutcomeKind = OutcomeKind.ENGINE_FAILED) -> Outcome:
        return failure(kind, reason, self._rules)


def _check_canary(policy: Policy, rows: Sequence[Row], complaints: Sequence[str]) -> None:
    if not rows:
        said = [one for one in complaints if policy.name in one or f"{policy.rule}.yaml" in one] or complaints
        why = f": {shortened(said[0])}" if said else ""
        raise PolicyError(f"the policy does not compile: {_PROGRAM} does not load {policy.path}{why}")
    for row in rows:
        if row.result == "error":
            raise PolicyError(f"the policy does not compile: {policy.path}: {shortened(row.message)}")


def _user_file(user: bytes) -> object:
    kind = {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "UserInfo", "metadata": {"name": "user"}}
    return {**kind, "userInfo": orjson.loads(user)}


def _values_file(operation: str) -> object:
    kind = {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Values", "metadata": {"name": "values"}}
    return {**kind, "globalValues": {"request.operation": operation}}


def _processes() -> int:
    return min(_MOST_PROCESSES, os.cpu_count() or 1)
