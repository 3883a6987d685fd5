"""A replay as a whole: broken engines are found out and shown small, and what could not be judged is no pass."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from replay_bed import SNAPSHOT, Breaker, Broken, breaking, ground, replayed, without, written

from thunderguard import assets
from thunderguard.engines import USUAL_ENGINES, EngineOptions, open_engine
from thunderguard.errors import CannotJudgeError, EstateError, PolicyError, SourceError, ToolMissingError, UsageError
from thunderguard.model import Document, ExitCode, JsonObject, Level, Outcome, OutcomeKind, RawFinding, Resource, Status
from thunderguard.replay import Settings, State, run_replay
from thunderguard.replay.cases import Case
from thunderguard.replay.properties import PROPERTIES
from thunderguard.replay.run import PROFILES
from thunderguard.replay.shrink import fewer, shrunk

__all__ = ["breaking"]


def says_the_same(document: Document, outcome: Outcome) -> Outcome:
    del document
    return outcome


def forgets_init_containers(document: Document, outcome: Outcome) -> Outcome:
    del document
    return without(outcome, "resource-limits", "initContainers")


def test_an_engine_that_forgets_init_containers_is_shown_in_a_few_lines(breaking: Breaker) -> None:
    breaking(forgets_init_containers)
    result = replayed("embedded", "reference", properties=("a",))
    cell = result.cells["a"]["embedded"]
    assert cell.state is State.DISAGREES
    assert result.exit_code == ExitCode.FINDINGS
    example = cell.counterexamples[0]
    assert len(example.manifest.splitlines()) < 20
    objects = list(yaml.safe_load_all(example.manifest))
    assert "initContainers" in example.manifest
    assert all(obj["kind"] and obj["apiVersion"] for obj in objects)
    assert (example.mismatch.left, example.mismatch.right) == ("reference", "embedded")
    assert any("initContainers" in line for line in example.mismatch.left_lines)
    assert result.cells["a"]["reference"].state is State.AGREES


def test_a_broken_line_of_rego_is_shown_in_a_few_lines(tmp_path: Path) -> None:
    rego = tmp_path / "rego"
    shutil.copytree(assets.root("rego"), rego)
    file = rego / "thunderguard" / "facts" / "containers.rego"
    line = '["containers", "initContainers", "ephemeralContainers"]'
    text = file.read_text("utf-8")
    assert line in text
    file.write_text(text.replace(line, '["containers", "ephemeralContainers"]'), encoding="utf-8")
    result = replayed("embedded", properties=("a", "b"), seed=0, options=EngineOptions(rego_dir=rego))
    assert result.exit_code == ExitCode.FINDINGS
    for id_ in ("a", "b"):
        example = result.cells[id_]["embedded"].counterexamples[0]
        assert len(example.manifest.splitlines()) < 20
        assert "initContainers" in example.manifest


def test_the_command_repeats_the_first_failure(breaking: Breaker) -> None:
    breaking(forgets_init_containers)
    result = replayed("embedded", properties=("b",), seed=5)
    (example,) = result.cells["b"]["embedded"].counterexamples
    words = example.command.split()
    assert words[:2] == ["thunderguard", "replay"]
    count = int(words[words.index("--examples") + 1])
    assert words[words.index("--seed") + 1] == "5"
    again = replayed("embedded", properties=("b",), seed=5, examples=count)
    assert again.cells["b"]["embedded"].counterexamples[0].manifest == example.manifest
    assert replayed("embedded", properties=("b",), seed=5, examples=count - 1).cells["b"]["embedded"].failures == 0


def hides_labels(document: Document, outcome: Outcome) -> Outcome:
    """Find nothing in an object with annotations."""
    if b'"annotations"' not in document.text:
        return outcome
    return replace(
        outcome,
        kind=OutcomeKind.NOT_MATCHED,
        findings=(),
        statuses=dict.fromkeys(outcome.statuses, Status.NOT_MATCHED),
    )


@pytest.mark.parametrize("id_", ["c", "d", "f"])
def test_properties_without_an_arbiter_find_a_fault_by_themselves(breaking: Breaker, id_: str) -> None:
    def change(document: Document, outcome: Outcome) -> Outcome:
        if id_ == "d":
            return outcome if len(outcome.findings) < 3 else replace(outcome, findings=outcome.findings[1:])
        if id_ == "f":
            return hides_labels(Document(0, b'"annotations"'), outcome) if b"***" in document.text else outcome
        return hides_labels(document, outcome)

    breaking(change)
    result = replayed("embedded", properties=(id_,), examples=200)
    assert result.cells[id_]["embedded"].state is State.DISAGREES
    assert result.cells[id_]["embedded"].counterexamples


def test_a_verdict_on_a_request_that_is_another_is_found(breaking: Breaker) -> None:
    def change(document: Document, outcome: Outcome) -> Outcome:
        return hides_labels(Document(0, b'"annotations"'), outcome) if b"AdmissionReview" in document.text else outcome

    breaking(change)
    assert replayed("embedded", properties=("h",)).cells["h"]["embedded"].state is State.DISAGREES


def test_a_remedy_that_helps_nothing_is_found(breaking: Breaker) -> None:
    def change(document: Document, outcome: Outcome) -> Outcome:
        del document
        findings = tuple(
            replace(one, remedy=one.remedy.replace("-n thunder", "-n nowhere"))
            if one.rule == "singleton-service"
            else one
            for one in outcome.findings
        )
        return replace(outcome, findings=findings)

    breaking(change)
    cell = replayed("embedded", properties=("e",), examples=300).cells["e"]["embedded"]
    assert cell.state is State.DISAGREES
    assert cell.counterexamples[0].mismatch.right_lines[0].startswith("still singleton-service")


def test_a_fault_about_sets_is_shown_with_the_objects_that_show_it(
    breaking: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking(says_the_same)
    extra = RawFinding("parked-workload", Resource("v1", "x", "", "x"), "", Level.WARN)
    monkeypatch.setattr(
        "replay_bed.Broken.judge_estate",
        lambda *_: Outcome(OutcomeKind.FINDINGS, (extra,)),
    )
    cell = replayed("embedded", properties=("a",), examples=20).cells["a"]["embedded"]
    assert cell.state is State.DISAGREES
    assert any("parked-workload" in line for line in cell.counterexamples[0].mismatch.right_lines)
    assert len(list(yaml.safe_load_all(cell.counterexamples[0].manifest))) == 1


def test_an_input_that_an_engine_cannot_judge_is_shown(breaking: Breaker) -> None:
    def change(document: Document, outcome: Outcome) -> Outcome:
        if b"ephemeralContainers" in document.text:
            return Outcome(OutcomeKind.ENGINE_FAILED, reason="what is that?")
        return outcome

    breaking(change)
    result = replayed("embedded", properties=("a", "i"), examples=300)
    assert result.cells["i"]["embedded"].state is State.DISAGREES
    (example,) = result.cells["i"]["embedded"].counterexamples
    assert "ephemeralContainers" in example.manifest
    assert len(example.manifest.splitlines()) < 20
    assert example.mismatch.right_lines == ("engine failed: what is that?",)
    # Where outcomes are compared, what was not judged is counted as such.
    assert result.cells["a"]["embedded"].state is State.UNJUDGED
    assert result.exit_code == ExitCode.INCOMPLETE


def test_an_engine_that_is_killed_half_way_could_not_judge(breaking: Breaker) -> None:
    left = [100]

    def change(document: Document, outcome: Outcome) -> Outcome:
        del document
        left[0] -= 1
        if left[0] < 0:
            raise CannotJudgeError("the engine is gone")
        return outcome

    breaking(change)
    result = replayed("embedded", properties=("a", "i"))
    assert {cell.state for _, _, cell in result.each()} == {State.UNJUDGED}
    assert result.cells["i"]["embedded"].counterexamples == []
    assert "the engine is gone" in result.cells["a"]["embedded"].reason
    assert result.exit_code == ExitCode.INCOMPLETE


def test_an_engine_that_answers_too_little_could_not_judge(breaking: Breaker) -> None:
    breaking(lambda *_: None)
    result = replayed("embedded", properties=("a",))
    assert result.cells["a"]["embedded"].state is State.UNJUDGED
    assert result.cells["a"]["embedded"].examples == 0
    assert "no answer" in result.cells["a"]["embedded"].reason


@pytest.mark.parametrize(
    "error",
    [ToolMissingError("opa is nowhere", hint="run `make tools`"), PolicyError("the policy does not compile: x")],
)
def test_an_engine_that_does_not_open_could_not_judge(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    from thunderguard.engines import open_engine

    def opened(name: str, **options: Any) -> Any:
        if name == "opa":
            raise error
        return open_engine(name, **options)

    monkeypatch.setattr("thunderguard.replay.judges.open_engine", opened)
    result = replayed("opa", "reference", properties=("a", "g"), examples=10)
    assert {result.cells[id_]["opa"].state for id_ in ("a", "g")} == {State.UNJUDGED}
    assert {result.cells[id_]["reference"].state for id_ in ("a", "g")} == {State.AGREES}
    assert str(error) in result.cells["a"]["opa"].reason
    assert result.exit_code == ExitCode.INCOMPLETE
    assert result.versions["opa"] == ""


def test_what_an_engine_cannot_be_asked_is_no_example(breaking: Breaker, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(says_the_same)
    monkeypatch.setattr(
        "replay_bed.Broken.cannot_express",
        lambda _, document: "it knows no reviews" if b"AdmissionReview" in document.text else None,
    )
    result = replayed("embedded", properties=("a", "h"))
    assert result.cells["h"]["embedded"].state is State.NOTHING
    assert result.cells["h"]["embedded"].why_inexpressible == "it knows no reviews"
    assert result.cells["a"]["embedded"].state is State.AGREES
    assert result.cells["a"]["embedded"].inexpressible > 0
    assert result.exit_code == ExitCode.CLEAN


def test_ctrl_c_keeps_what_was_done(breaking: Breaker) -> None:
    seen = [0]

    def change(document: Document, outcome: Outcome) -> Outcome:
        del document
        seen[0] += 1
        if seen[0] > 400:
            raise KeyboardInterrupt
        return outcome

    breaking(change)
    result = replayed("embedded", examples=120)
    assert result.interrupted
    assert result.cells["a"]["embedded"].examples > 0
    assert set(result.cells) < set(PROPERTIES)


def test_ctrl_c_waits_for_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    is_closed = threading.Event()
    heard: list[bool] = []

    class Slow(Broken):
        def close(self) -> None:
            is_closed.set()

    def waits_to_be_closed(document: Document, outcome: Outcome) -> Outcome:
        del document, outcome
        heard.append(is_closed.wait(30))
        raise CannotJudgeError("the engine is closed")

    def opened(name: str, **options: Any) -> Any:
        inner: Any = open_engine("reference", **options)
        return {
            "opa": Broken("opa", inner, says_the_same),
            "conftest": Slow("conftest", inner, waits_to_be_closed),
        }.get(name, inner)

    def interrupt(what: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thunderguard.replay.judges.open_engine", opened)
    settings = Settings(engines=("opa", "conftest"), properties=("a",), examples=5)
    result = run_replay([SNAPSHOT], settings, written=written, progress=interrupt)
    assert result.interrupted
    assert heard == [True]
    assert result.cells["a"]["opa"].examples == 5


def test_the_recorded_report_is_reproduced_or_the_policy_changed(tmp_path: Path) -> None:
    snapshot = tmp_path / "estate.jsonl"
    snapshot.write_bytes(Path(SNAPSHOT).read_bytes())
    none = replayed("embedded", snapshot=str(snapshot), properties=("g",))
    assert none.cells["g"]["embedded"].state is State.NOTHING
    recorded = json.loads(Path(SNAPSHOT.replace(".jsonl", ".findings.json")).read_text())
    beside = tmp_path / "estate.findings.json"
    beside.write_text(json.dumps(recorded))
    same = replayed("embedded", "reference", snapshot=str(snapshot), properties=("g",))
    assert {cell.state for _, _, cell in same.each()} == {State.AGREES}
    recorded["findings"] = recorded["findings"][1:]
    beside.write_text(json.dumps(recorded))
    other = replayed("embedded", snapshot=str(snapshot), properties=("g",))
    cell = other.cells["g"]["embedded"]
    assert cell.state is State.CHANGED
    assert "the rules are others" in cell.notes[0]
    assert "\n+ deprecated-chart at cerebros/Deployment/mlflow-tracking" in cell.notes[0]
    assert other.exit_code == ExitCode.CLEAN
    recorded["estate"]["sha256"] = "0"
    beside.write_text(json.dumps(recorded))
    cell = replayed("embedded", snapshot=str(snapshot), properties=("g",)).cells["g"]["embedded"]
    assert "the Estate is another one" in cell.notes[0]
    beside.write_text("{}")
    broken = replayed("embedded", snapshot=str(snapshot), properties=("g",))
    assert broken.cells["g"]["embedded"].state is State.UNJUDGED


def test_an_engine_that_reports_something_else_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    import thunderguard.replay.properties.g_recorded as module

    original = module._report

    def report(world: Any, snapshot: str, engine: str) -> JsonObject:
        value = json.loads(json.dumps(original(world, snapshot, engine)))
        if engine == "embedded":
            value["findings"].pop()
        return dict(value)

    monkeypatch.setattr(module, "_report", report)
    cell = replayed("embedded", properties=("g",)).cells["g"]["embedded"]
    assert cell.state is State.DISAGREES
    assert cell.counterexamples[0].mismatch.left_lines


def test_bad_settings_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no engine is called 'guess'"):
        replayed("guess")
    with pytest.raises(UsageError, match="no property is called 'z'"):
        replayed("embedded", properties=("z",))
    empty = tmp_path / "empty.jsonl"
    empty.write_text(Path(SNAPSHOT).read_text().splitlines()[0] + "\n")
    with pytest.raises(SourceError, match="no Kubernetes object"):
        replayed("embedded", snapshot=str(empty))
    with pytest.raises(SourceError):
        replayed("embedded", snapshot=str(tmp_path / "nowhere.jsonl"))
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}\nnonsense\n')
    with pytest.raises(SourceError, match=r"broken\.jsonl:2: "):
        replayed("embedded", snapshot=str(broken))
    with pytest.raises(EstateError):
        replayed("embedded", estate=tmp_path / "no-estate.yaml")


def test_any_number_of_workers_counts_the_same() -> None:
    options: dict[str, Any] = {"properties": ("i",), "examples": 600, "seed": 3}
    one = replayed("embedded", "reference", workers=1, **options)
    two = replayed("embedded", "reference", workers=2, **options)
    for id_, name, cell in one.each():
        other = two.cells[id_][name]
        assert (cell.examples, cell.failures, cell.unjudged) == (other.examples, other.failures, other.unjudged)


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int | None]] = []
    run_replay(
        [SNAPSHOT],
        Settings(engines=("reference",), examples=10, properties=("a",), workers=1, options=EngineOptions()),
        written=written,
        progress=lambda *said: told.append(said),
    )
    assert told[0] == ("a  Every engine gives the reference's outcome", 10, 10)


def test_a_result_becomes_json(breaking: Breaker) -> None:
    breaking(forgets_init_containers)
    value = replayed("embedded", properties=("a",)).to_json()
    assert json.loads(json.dumps(value)) == value
    (one,) = value["properties"]
    assert one["id"] == "a"
    assert one["engines"][0]["state"] == "disagrees"
    assert set(one["engines"][0]["counterexamples"][0]) == {"manifest", "steps", "outcomes", "command", "kept"}


def test_defaults() -> None:
    assert Settings().engines == USUAL_ENGINES
    assert set(PROFILES) == {"dev", "ci", "deep"}


# --- the shrinker alone


def counted(fails: Any) -> tuple[Any, list[int]]:
    calls: list[int] = []

    def asked(cases: Sequence[Case]) -> list[bool]:
        calls.append(len(cases))
        return [fails(case.base) for case in cases]

    return asked, calls


def test_shrinking_keeps_what_is_needed_and_asks_seldom() -> None:
    obj = ground().samples.loose[2]

    def fails(base: JsonObject) -> bool:
        spec = base.get("spec", {}).get("template", {}).get("spec", {})
        return any("image" in one for one in spec.get("initContainers", []) if isinstance(one, dict))

    asked, calls = counted(fails)
    small = shrunk(Case(obj), asked).base
    assert small == {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "metadata": {"name": "x"},
        "spec": {"template": {"spec": {"initContainers": [{"image": "x"}]}}},
    }
    assert len(calls) < 60


def test_parts_that_are_needed_together_stay() -> None:
    obj: JsonObject = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "spec": dict.fromkeys("abcdefgh", 1)}

    def fails(base: JsonObject) -> bool:
        left = base.get("spec", {})
        return isinstance(left, dict) and ("a" in left or "b" in left) and ("g" in left or "h" in left)

    asked, _ = counted(fails)
    assert len(shrunk(Case(obj), asked).base["spec"]) == 2


def test_fewer_objects() -> None:
    objects: list[JsonObject] = [{"n": n} for n in range(20)]
    small = fewer(objects, lambda some: {3, 17} <= {obj["n"] for obj in some})
    assert [obj["n"] for obj in small] == [3, 17]
    assert fewer(objects[:1], lambda _: True) == objects[:1]
