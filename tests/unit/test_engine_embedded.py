"""What only the embedded engine has to take care of: the guard at load time, threads, panics and interrupts."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from thunderguard.engines._regorus import new_regorus, one_line
from thunderguard.errors import PolicyError
from thunderguard.model import Outcome, OutcomeKind, Status
from tiny_bed import OBJECT_RULES, TINY, documents, opened, pod


class PanicException(BaseException):
    """Stands for the class of PyO3, which cannot be imported or provoked on purpose."""


class Raising:
    """Stands for a regorus engine whose evaluation raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def set_input_json(self, text: str) -> None:
        assert text

    def eval_query_as_json(self, query: str) -> str:
        assert query
        raise self.error


def test_a_policy_that_the_guard_refuses_is_not_judged_by(tmp_path: Path) -> None:
    rego = shutil.copytree(TINY, tmp_path / "rego")
    odd = rego / "thunderguard" / "odd.rego"
    odd.write_text("package thunderguard.odd\n\na := opa.runtime()\n\nb := json.marshal(1)\n")
    with pytest.raises(PolicyError) as caught:
        opened("embedded", rego_dir=rego)
    assert str(caught.value).startswith(f"cannot decide: {odd}:3: opa.runtime is refused")
    assert str(caught.value).endswith("[builtin-refused], and 1 more")
    assert caught.value.exit_code == 3


def test_one_engine_judges_in_many_threads() -> None:
    outcomes: dict[int, list[Outcome]] = {}
    with opened("embedded") as engine:

        def judge(place: int) -> None:
            outcomes[place] = list(engine.judge(documents(pod("a"), pod("b", image="x:latest"))))

        threads = [threading.Thread(target=judge, args=(place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        here = list(engine.judge(documents(pod("a"), pod("b", image="x:latest"))))
    assert [outcomes[place] for place in range(4)] == [here] * 4
    assert [outcome.kind for outcome in here] == [OutcomeKind.PASS, OutcomeKind.FINDINGS]


def test_an_engine_that_was_forgotten_is_dropped_by_no_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    circle: list[object] = [opened("embedded")]
    circle.append(circle)
    gc.disable()
    try:
        del circle
        collector = threading.Thread(target=gc.collect)
        collector.start()
        collector.join(timeout=60)
    finally:
        gc.enable()
    assert told == []
    with opened("embedded") as engine:
        assert [outcome.kind for outcome in engine.judge(documents(pod("a")))] == [OutcomeKind.PASS]


def test_a_panic_is_the_failure_of_one_object_and_the_engine_is_made_anew() -> None:
    with opened("embedded") as engine:
        cast("Any", engine)._engine.put(Raising(PanicException("index out of bounds")))
        (first,) = engine.judge(documents(pod("a")))
        (second,) = engine.judge(documents(pod("b")))
    assert first.kind is OutcomeKind.ENGINE_FAILED
    assert "index out of bounds" in first.reason
    assert first.statuses == dict.fromkeys(OBJECT_RULES, Status.FAILED)
    assert second.kind is OutcomeKind.PASS


def test_a_batch_that_panics_is_asked_about_one_by_one() -> None:
    with opened("embedded") as engine:
        cast("Any", engine)._engine.put(Raising(PanicException("index out of bounds")))
        outcomes = list(engine.judge(documents(pod("a"), pod("b", image="x:latest"))))
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.PASS, OutcomeKind.FINDINGS]


def test_a_batch_is_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened("embedded") as engine:
        questions: list[str] = []
        ask = cast("Any", engine)._ask

        def counted(text: bytes, query: str) -> Any:
            questions.append(query)
            return ask(text, query)

        monkeypatch.setattr(engine, "_ask", counted)
        outcomes = list(engine.judge(documents(pod("a"), pod("b", image="x:latest"), pod("c"))))
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.PASS, OutcomeKind.FINDINGS, OutcomeKind.PASS]
    assert questions == ["data.thunderguard.main.batch"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_verdict(interrupt: type[BaseException]) -> None:
    with opened("embedded") as engine:
        cast("Any", engine)._engine.put(Raising(interrupt()))
        with pytest.raises(interrupt):
            list(engine.judge(documents(pod("a"))))


def test_text_that_is_not_utf_8_is_the_failure_of_one_object() -> None:
    with opened("embedded") as engine:
        broken, fine = engine.judge(documents(b'{"kind": "\xff"}', pod("a")))
    assert broken.kind is OutcomeKind.ENGINE_FAILED
    assert fine.kind is OutcomeKind.PASS


def test_errors_carry_no_backtrace_of_rust(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import os; os.environ['RUST_BACKTRACE'] = '1'\n"
        "from thunderguard.engines._regorus import new_regorus\n"
        "engine = new_regorus()\n"
        "try: engine.add_policy('x.rego', 'package x\\n\\ny if {')\n"
        "except RuntimeError as error: assert 'backtrace' not in str(error), error\n"
        "else: raise SystemExit('no error')\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_error_of_regorus_is_one_line_with_its_place() -> None:
    engine = new_regorus()
    with pytest.raises(RuntimeError) as caught:
        engine.add_policy("some dir/x.rego", "package x\n\ny if {\n  1 +\n}\n")
    text = one_line(caught.value)
    assert text.startswith("some dir/x.rego:")
    assert "\n" not in text
    assert one_line(ValueError("")) == "ValueError"


@pytest.mark.parametrize("absent", ["opa_client", "requests", "yaml", "rich", "kubernetes"])
def test_start_up_imports_only_what_judging_needs(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys\n"
        "import tiny_bed\n"
        "with tiny_bed.opened('embedded') as engine: list(engine.judge(tiny_bed.documents(tiny_bed.pod('a'))))\n"
        f"assert {absent!r} not in sys.modules\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
