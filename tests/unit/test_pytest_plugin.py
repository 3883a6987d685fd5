"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from replay_bed import SNAPSHOT

from thunderguard import pytest_plugin


def run(folder: Path, source: str, *words: str, ini: str = "") -> tuple[int, str]:
    (folder / "test_it.py").write_text(textwrap.dedent(source), encoding="utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\n{textwrap.dedent(ini)}", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *words, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_test_gets_many_objects_of_the_snapshot(tmp_path: Path) -> None:
    code, told = run(
        tmp_path,
        """
        import pytest
        from hypothesis import settings

        seen = []

        @pytest.fixture(scope="module")
        def limit():
            return 12

        @pytest.mark.parametrize("number", [1, 2])
        @settings(max_examples=12)
        def test_objects(estate_object, limit, number):
            seen.append(estate_object)

        class TestInAClass:
            @settings(max_examples=5)
            def test_objects(self, estate_object):
                assert isinstance(estate_object, dict)

        def test_the_other_way(limit):
            assert len(seen) == 2 * limit
            assert all("kind" in obj or "version" in obj for obj in seen)
            assert any(obj != seen[0] for obj in seen)
        """,
        f"--thunderguard-snapshot={SNAPSHOT}",
    )
    assert code == 0, told
    assert "4 passed" in told


def test_a_failing_test_shrinks_to_few_mutations(tmp_path: Path) -> None:
    code, told = run(
        tmp_path,
        """
        def test_limits(estate_object):
            containers = estate_object.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
            assert not any(one.get("name") == "unbounded" for one in containers)
        """,
        f"--thunderguard-snapshot={SNAPSHOT}",
        # With another one Hypothesis may stop at a simplest example of another shape.
        "--hypothesis-seed=1",
        ini="thunderguard_mutations = add-unbounded, add-label\nthunderguard_most = 2",
    )
    assert code == 1
    assert "test_limits(" in told
    assert "'name': 'unbounded'" in told
    assert ", after add-unbounded(initial=False)" in told
    assert "add-label" not in told


def test_a_path_of_the_ini_file_is_seen_from_there(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_bytes(Path(SNAPSHOT).read_bytes())
    source = """
        def test_objects(estate_object):
            assert estate_object
        """
    ini = "thunderguard_snapshot = mine.jsonl\nthunderguard_most = 0"
    code, told = run(tmp_path, source, ini=ini)
    assert code == 0, told


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("", "test_objects wants an estate_object: name a snapshot with --thunderguard-snapshot"),
        ("thunderguard_snapshot = nowhere.jsonl", "nowhere.jsonl"),
        (f"thunderguard_snapshot = {SNAPSHOT}\nthunderguard_estate = nowhere.yaml", "nowhere.yaml"),
        (f"thunderguard_snapshot = {SNAPSHOT}\nthunderguard_mutations = guess", "no mutation is called 'guess'"),
        (f"thunderguard_snapshot = {SNAPSHOT}\nthunderguard_most = many", "'many', which is no number"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, ini: str, message: str) -> None:
    code, told = run(tmp_path, "def test_objects(estate_object):\n    pass\n", ini=ini)
    assert code == 2
    assert message in told
    assert "Traceback" not in told


def test_other_tests_are_left_alone(tmp_path: Path) -> None:
    code, told = run(
        tmp_path,
        """
        import sys

        import pytest
        from hypothesis import given, strategies as st

        @pytest.fixture
        def other():
            return 1

        def test_plain(other):
            assert "thunderguard.replay" not in sys.modules

        @given(estate_object=st.integers())
        def test_of_ones_own(estate_object):
            assert isinstance(estate_object, int)

        def helper(estate_object):
            raise AssertionError
        """,
    )
    assert code == 0, told
    assert "2 passed" in told


class Collector:
    """As much of a collector as the plugin asks."""

    CollectError = pytest.Module.CollectError

    def __init__(self, **options: str) -> None:
        self.obj = SimpleNamespace()
        self.collected: list[Any] = []
        self.config = SimpleNamespace(
            getoption=lambda name: options.get(name.removeprefix("thunderguard_")),
            getini=lambda _: None,
            invocation_params=SimpleNamespace(dir=Path.cwd()),
        )
        self.ihook = SimpleNamespace(pytest_pycollect_makeitem=self._collect)

    def _collect(self, **asked: Any) -> list[str]:
        self.collected.append(asked)
        return ["item"]

    def istestfunction(self, function: Any, name: str) -> bool:
        return callable(function) and name.startswith("test")


def test_a_test_is_put_below_given_where_it_stands() -> None:
    def test_it(estate_object: Any) -> None:
        assert estate_object

    collector: Any = Collector(snapshot=SNAPSHOT, most="0")
    assert pytest_plugin.pytest_pycollect_makeitem(collector, "test_it", test_it) == ["item"]
    assert collector.obj.test_it.is_hypothesis_test
    assert collector.collected[0]["obj"] is collector.obj.test_it
    collector.obj.test_it()
    for name, function in (("helper", test_it), ("test_it", collector.obj.test_it), ("test_it", int)):
        assert pytest_plugin.pytest_pycollect_makeitem(collector, name, function) is None


@pytest.mark.parametrize("options", [{}, {"snapshot": "nowhere"}, {"snapshot": SNAPSHOT, "most": "many"}])
def test_what_cannot_be_collected_is_told(options: dict[str, str]) -> None:
    def test_it(estate_object: Any) -> None:
        assert estate_object

    collector: Any = Collector(**options)
    with pytest.raises(pytest.Module.CollectError):
        pytest_plugin.pytest_pycollect_makeitem(collector, "test_it", test_it)


def test_the_plugin_imports_next_to_nothing() -> None:
    asked = (
        "import sys, thunderguard.pytest_plugin; print([m for m in sys.modules if 'hypothesis' in m or 'replay' in m])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
