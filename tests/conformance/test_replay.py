"""A few examples of every property on every engine there is: whoever can judge agrees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from replay_bed import replayed

from thunderguard import assets
from thunderguard.catalogue import load_catalogue
from thunderguard.engines import USUAL_ENGINES, EngineOptions
from thunderguard.model import ExitCode
from thunderguard.render import rendered, write
from thunderguard.replay import State

# Where a program starts for each set of objects, few examples take long enough.
EXAMPLES = 24


@pytest.mark.parametrize("engine", [name for name in USUAL_ENGINES if name not in {"embedded", "reference"}])
def test_every_property_holds_on_an_engine(engine: str) -> None:
    result = replayed(engine, examples=EXAMPLES, profile="ci", seed=11)
    for id_, _, cell in result.each():
        shown = "\n".join(f"{one.manifest}{one.mismatch}\n{one.command}" for one in cell.counterexamples)
        assert cell.state in (State.AGREES, State.NOTHING), f"{id_}: {cell.reason}\n{shown}"
    assert result.cells["a"][engine].examples >= EXAMPLES


def test_a_broken_line_of_cel_is_shown_in_a_few_lines(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(assets.root("policies"), policies)
    file = policies / "facts.cel.yaml"
    line = '["containers", "initContainers", "ephemeralContainers"]'
    text = file.read_text("utf-8")
    assert line in text
    file.write_text(text.replace(line, '["containers", "ephemeralContainers"]'), encoding="utf-8")
    write(policies, rendered(policies, load_catalogue()))
    options = EngineOptions(policies_dir=policies)
    result = replayed("native", properties=("a",), examples=60, seed=0, options=options)
    assert result.exit_code == ExitCode.FINDINGS
    example = result.cells["a"]["native"].counterexamples[0]
    assert len(example.manifest.splitlines()) < 20
    assert "initContainers" in example.manifest
