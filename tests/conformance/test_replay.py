"""A few examples of every property on every engine there is: whoever can judge agrees."""

from __future__ import annotations

import pytest
from replay_bed import replayed

from thunderguard.engines import ENGINE_NAMES
from thunderguard.replay import State

# Where a program starts for each set of objects, few examples take long enough.
EXAMPLES = 24


@pytest.mark.parametrize("engine", [name for name in ENGINE_NAMES if name not in {"embedded", "reference"}])
def test_every_property_holds_on_an_engine(engine: str) -> None:
    result = replayed(engine, examples=EXAMPLES, profile="ci", seed=11)
    for id_, _, cell in result.each():
        shown = "\n".join(f"{one.manifest}{one.mismatch}\n{one.command}" for one in cell.counterexamples)
        assert cell.state in (State.AGREES, State.NOTHING), f"{id_}: {cell.reason}\n{shown}"
    assert result.cells["a"][engine].examples >= EXAMPLES
