"""The conftest engine: the real ``conftest test``, as a team runs it in its pipeline.

Documents are written to a folder of their own, and conftest runs in it with every choice on its command line, so that
no conftest.toml and no CONFTEST_ variable of the user has a say.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from thunderguard.cleanup import on_failure
from thunderguard.engines.base import ContextManaged, EngineOptions, failure
from thunderguard.engines.batches import in_batches
from thunderguard.engines.external import HangError, RunError, in_halves, trying_out
from thunderguard.engines.pins import check_version, find_program, pinned
from thunderguard.engines.sources import data_of, load_sources, rego_root
from thunderguard.engines.verdict import (
    NO_VERDICT,
    VerdictError,
    decode_finding,
    decode_statuses,
    estate_outcome,
    object_outcome,
)
from thunderguard.errors import ToolMissingError
from thunderguard.model import Document, EstateRequest, Outcome, OutcomeKind, RawFinding

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.estate import Estate

_MAIN = "thunderguard.main"
_LEDGER = "thunderguard.ledger"
_CHUNK_DOCUMENTS = 1000
_CHUNK_BYTES = 16 * 1024 * 1024
_OPA_MODULE = "github.com/open-policy-agent/opa"
_PROBE = {"probe.json": b"{}"}
_POLICY_TROUBLE = ("load policies", "load:", "compil", "rego_", "parse error", "loading policies")


class ConftestEngine(ContextManaged):
    """Judges by the real conftest binary."""

    name = "conftest"
    needs_documents = True

    def __init__(self, *, estate: Estate, catalogue: Catalogue, options: EngineOptions) -> None:
        """Find conftest and let it load the policies once.

        Raises ToolMissingError, EngineError and, with conftest's own words, PolicyError.
        """
        self._deadline = options.deadline
        self._sources = load_sources(rego_root(options))
        self._object_rules = tuple(catalogue.object_rules)
        self._estate_rules = tuple(catalogue.estate_rules)
        self._all_rules = frozenset({*self._object_rules, *self._estate_rules})
        self._gone = ""
        self._program = find_program("conftest", options).absolute()
        self._version = _version(self._program, options.deadline)
        self._folder = Path(tempfile.mkdtemp(prefix="thunderguard-conftest-"))
        with on_failure(self.close):
            loaded = self._folder / "loaded"
            self._sources.stage(loaded)
            (loaded / "data.json").write_bytes(orjson.dumps(data_of(self._sources, estate.data, options.at)))
            with trying_out(_POLICY_TROUBLE):
                self._run_on(_PROBE)

    @property
    def version(self) -> str:
        """Conftest and its version, with that of the OPA inside it."""
        return self._version

    @property
    def policy_sha256(self) -> str:
        """The hash over the Rego sources."""
        return self._sources.sha256

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        """Give the outcome of each document, judged in chunks."""
        for chunk in in_batches(documents, most=_CHUNK_DOCUMENTS, most_bytes=_CHUNK_BYTES):
            yield from self._judge_chunk(chunk)

    def judge_estate(self, request: EstateRequest) -> Outcome:
        """Give the outcome of the rules of scope estate, from all documents at once (``--combine``)."""
        folder = self._folder / "set"
        folder.mkdir()
        try:
            for place, document in enumerate(request.documents()):
                (folder / f"{place:07}.json").write_bytes(document.text)
            results = self._run(["--combine", folder.name])
            mine = [result for result in results if result["namespace"] == _MAIN]
            if not mine:
                return failure(OutcomeKind.NO_ANSWER, "conftest gives no result for the set", self._estate_rules)
            findings = [finding for result in results for finding in self._findings(result, self._all_rules)]
            return estate_outcome([f for f in findings if f.rule in self._estate_rules], self._estate_rules)
        except RunError as error:
            return failure(OutcomeKind.ENGINE_FAILED, str(error), self._estate_rules)
        except VerdictError as error:
            reason = f"the answer of conftest cannot be used: {error}"
            return failure(OutcomeKind.ENGINE_FAILED, reason, self._estate_rules)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove the files; no process outlives a run."""
        self._gone = self._gone or "the engine is closed"
        shutil.rmtree(self._folder, ignore_errors=True)

    def _judge_chunk(self, chunk: list[Document]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        texts: dict[str, bytes] = {}
        for place, document in enumerate(chunk):
            if reason := _unusable(document.text):
                outcomes[place] = failure(OutcomeKind.ENGINE_FAILED, reason, self._object_rules)
            else:
                texts[f"{place:07}.json"] = document.text
        answers = in_halves(texts, self._results, self._still_works)
        for name in texts:
            outcomes[int(name.split(".")[0])] = self._outcome(answers[name])
        return [outcomes[place] for place in range(len(chunk))]

    def _results(self, texts: Mapping[str, bytes]) -> dict[str, list[dict[str, Any]]]:
        """Give the results of each file, by its name. Raises RunError."""
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in texts}
        for result in self._run_on(texts):
            if result["filename"] in found:
                found[result["filename"]].append(result)
        return found

    def _still_works(self) -> bool:
        try:
            self._run_on(_PROBE)
        except RunError as error:
            self._gone = str(error)
            return False
        return True

    def _outcome(self, answer: list[dict[str, Any]] | str) -> Outcome:
        if isinstance(answer, str):
            return failure(OutcomeKind.ENGINE_FAILED, answer, self._object_rules)
        if {result["namespace"] for result in answer} != {_MAIN, _LEDGER}:
            return failure(OutcomeKind.NO_ANSWER, "conftest gives no result for it", self._object_rules)
        try:
            rows = [said for result in answer if result["namespace"] == _LEDGER for said in _said(result)]
            statuses = [row["statuses"] for row in rows if "statuses" in row]
            records = [row["record"] for row in rows if row.get("record") is not None]
            if not statuses:
                return failure(OutcomeKind.NO_ANSWER, NO_VERDICT, self._object_rules)
            if len(statuses) > 1 or len(records) > 1:
                raise VerdictError("one object has several rows")
            findings = [finding for result in answer for finding in self._findings(result, self._object_rules)]
            read = decode_statuses(statuses[0], self._object_rules)
            return object_outcome(findings, read, records[0] if records else None)
        except VerdictError as error:
            reason = f"the answer of conftest cannot be used: {error}"
            return failure(OutcomeKind.ENGINE_FAILED, reason, self._object_rules)

    def _findings(self, result: dict[str, Any], rules: Collection[str]) -> list[RawFinding]:
        """Give the findings in one result. A failure that is no finding is not passed over."""
        for said in _said(result, ("failures", "exceptions")):
            if "rule" not in said:
                raise VerdictError(f"conftest says {said.get('msg')!r:.200}")
        return [decode_finding(said, rules) for said in _said(result) if "rule" in said]

    def _run_on(self, texts: Mapping[str, bytes]) -> list[dict[str, Any]]:
        folder = self._folder / "objects"
        folder.mkdir()
        try:
            for name, text in texts.items():
                (folder / name).write_bytes(text)
            # The names stand on the command line, so that each must be answered for.
            results = self._run([f"{folder.name}/{name}" for name in texts])
            return [{**result, "filename": result["filename"].rsplit("/", 1)[-1]} for result in results]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, arguments: list[str]) -> list[dict[str, Any]]:
        """Run conftest once and give its results. Raises RunError."""
        if self._gone:
            raise RunError(self._gone)
        command = [str(self._program), "test", "--output", "json", "--no-color", "--no-fail", "--parser", "json"]
        command += ["--policy", "loaded", "--data", "loaded", "--namespace", _MAIN, "--namespace", _LEDGER]
        try:
            done = subprocess.run(
                [*command, *arguments],
                cwd=self._folder,
                env={key: value for key, value in os.environ.items() if not key.startswith("CONFTEST_")},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._deadline,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self._gone = f"conftest gives no answer within {self._deadline:g} s"
            raise HangError(self._gone) from None
        except OSError as error:
            self._gone = f"conftest does not start: {error}"
            raise RunError(self._gone) from None
        words = " ".join(done.stderr.decode(errors="replace").split())
        words = self._sources.real_paths(words, self._folder / "loaded").replace("loaded/", f"{self._sources.root}/")
        if done.returncode != 0:
            raise RunError(f"conftest ends with status {done.returncode}: {words[-600:]}")
        return _read(done.stdout)


def _version(program: Path, deadline: float) -> str:
    wanted, inner = pinned("conftest"), pinned("conftest", _OPA_MODULE)
    # A conftest built from its module calls itself dev; the OPA it carries still tells its version.
    own = check_version(program, ["--version"], "Conftest", None, deadline)
    opa = check_version(program, ["--version"], "OPA", inner, deadline)
    if wanted is not None and own not in {wanted, "dev"}:
        raise ToolMissingError(f"{program} is conftest {own}, not the pinned {wanted}", hint="run `make tools`")
    return f"conftest {wanted if own == 'dev' and wanted else own} (OPA {opa})"


def _read(output: bytes) -> list[dict[str, Any]]:
    try:
        results = orjson.loads(output)
    except ValueError:
        raise RunError(f"conftest answers {output[:80]!r}, which is not JSON") from None
    if not isinstance(results, list) or not all(
        isinstance(item, dict) and isinstance(item.get("filename"), str) and isinstance(item.get("namespace"), str)
        for item in results
    ):
        raise RunError(f"conftest answers {output[:80]!r}, which is not a list of results")
    return results


def _said(
    result: dict[str, Any], groups: tuple[str, ...] = ("failures", "warnings", "exceptions")
) -> list[dict[str, Any]]:
    """Give what a result says, each with its metadata on top."""
    said = []
    for group in groups:
        for item in result.get(group) or []:
            if not isinstance(item, dict):
                raise VerdictError(f"a result is {item!r:.80}")
            said.append({"msg": item.get("msg"), **(item.get("metadata") or {})})
    return said


def _unusable(text: bytes) -> str:
    """Say why conftest cannot be given a document, "" when it can: a file that is no object ends the whole run."""
    try:
        value = orjson.loads(text)
    except ValueError as error:
        return f"it is not JSON: {error}"
    return "" if isinstance(value, dict) else "it is not a JSON object"
