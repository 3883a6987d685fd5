"""The embedded engine: Rego judged inside this process by regorus, behind the guard.

It is the default because nothing has to be installed or started. What it may judge by is limited to what it does as
OPA does (see :mod:`thunderguard.engines.guard`), and every test run compares it with OPA.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import orjson

from thunderguard.engines._regorus import EngineOfThread, new_regorus, one_line
from thunderguard.engines.base import ContextManaged, EngineOptions, failure
from thunderguard.engines.batches import Answer, in_batches, outcomes_of
from thunderguard.engines.guard import guard_engine
from thunderguard.engines.sources import data_of, load_sources, rego_root
from thunderguard.engines.verdict import (
    BATCH,
    BATCH_VERDICT,
    INVENTORY,
    INVENTORY_VERDICT,
    VERDICT,
    decode_inventory_verdict,
)
from thunderguard.errors import PolicyError
from thunderguard.model import Document, EstateRequest, Outcome, OutcomeKind

if TYPE_CHECKING:
    from regorus import Engine as Regorus

    from thunderguard.catalogue import Catalogue
    from thunderguard.estate import Estate


# A question costs two milliseconds before anything is judged, since the Estate is read for each; larger batches gain
# little more.
_BATCH_DOCUMENTS = 128
_BATCH_BYTES = 1 << 19


class EmbeddedEngine(ContextManaged):
    """Judges by the Rego sources without another program."""

    name = "embedded"
    needs_documents = False

    def __init__(self, *, estate: Estate, catalogue: Catalogue, options: EngineOptions) -> None:
        """Load and guard the policies. Raises PolicyError when they do not compile or the guard refuses them."""
        self._sources = load_sources(rego_root(options))
        self._data = orjson.dumps(data_of(self._sources, estate.data, options.at)).decode()
        self._object_rules = tuple(catalogue.object_rules)
        self._estate_rules = tuple(catalogue.estate_rules)
        self._engine = EngineOfThread()
        self._engine.put(self._load(guarded=True))

    def close(self) -> None:
        """Let go of the engine of this thread, which may be dropped in no other."""
        self._engine.drop()

    @property
    def version(self) -> str:
        """The version of the bindings."""
        # Only reports ask, and the import takes as long as judging a hundred objects.
        from importlib.metadata import version

        return f"regorus {version('gordon-to-regorus')}"

    @property
    def policy_sha256(self) -> str:
        """The hash over the Rego sources."""
        return self._sources.sha256

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        """Give the outcome of each document in turn."""
        for batch in in_batches(documents, most=_BATCH_DOCUMENTS, most_bytes=_BATCH_BYTES):
            yield from outcomes_of(batch, self._ask_batch, self._ask_one, self._object_rules)

    def judge_estate(self, request: EstateRequest) -> Outcome:
        """Give the outcome of the rules of scope estate, from the records."""
        value, reason = self._ask(_with_texts(INVENTORY, "records", request.records), INVENTORY_VERDICT)
        # An engine keeps its last input, and this one is as large as the estate.
        engine = self._engine.get()
        if engine is not None:
            engine.set_input_json("null")
        if reason:
            return failure(OutcomeKind.ENGINE_FAILED, reason, self._estate_rules)
        return decode_inventory_verdict(value, self._estate_rules)

    def _ask_batch(self, batch: Sequence[Document]) -> Answer:
        return self._ask(_with_texts(BATCH, "objects", [document.text for document in batch]), BATCH_VERDICT)

    def _ask_one(self, document: Document) -> Answer:
        return self._ask(document.text, VERDICT)

    def _load(self, *, guarded: bool) -> Regorus:
        engine = new_regorus()
        try:
            self._fill(engine, guarded=guarded)
        except PolicyError as error:
            # Whoever keeps the error keeps its frames, and the engine may be dropped in no other thread.
            del engine
            raise error.with_traceback(None) from None
        return engine

    def _fill(self, engine: Regorus, *, guarded: bool) -> None:
        for name, text in self._sources.policies.items():
            try:
                engine.add_policy(str(self._sources.root / name), text)
            except RuntimeError as error:
                raise PolicyError(f"the policy does not compile: {one_line(error)}") from None
        if guarded:
            violations = guard_engine(engine)
            if violations:
                more = f", and {len(violations) - 1} more" if len(violations) > 1 else ""
                raise PolicyError(
                    f"cannot decide: {violations[0]}{more}",
                    hint="rewrite it (thunderguard guard lists all), or judge with --engine opa",
                )
        engine.add_data_json(self._data)

    def _ask(self, text: bytes, query: str) -> Answer:
        """Evaluate ``query`` with the JSON ``text`` as input: (value or None when undefined, why it failed)."""
        engine = self._engine.get()
        try:
            if engine is None:
                engine = self._load(guarded=False)
                self._engine.put(engine)
            engine.set_input_json(text.decode())
            # Of a whole estate it is tens of megabytes, which the engine has in its own form now.
            del text
            answer = orjson.loads(engine.eval_query_as_json(query))
        except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
            raise
        # A panic of Rust is no Exception; whatever else is none goes on.
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            # A panic may leave the engine half-way through an evaluation.
            if not isinstance(error, Exception):
                self._engine.drop()
            return None, f"the embedded engine cannot evaluate it: {one_line(error)}"
        results = answer.get("result")
        return (results[0]["expressions"][0]["value"] if results else None), ""


def _with_texts(head: Mapping[str, str], key: str, texts: Sequence[bytes]) -> bytes:
    """Give ``head`` as JSON text with the list ``key`` of ``texts``, which are passed on without being parsed."""
    return b"".join((orjson.dumps(head)[:-1], f',"{key}":['.encode(), b",".join(texts), b"]}"))
