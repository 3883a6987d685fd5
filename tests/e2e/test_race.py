"""However many ask at once, there is one MLflow."""

from __future__ import annotations

import pytest

from bed.race import CLIENTS, creates, estate, opened, race
from bed.ways import OWN


@pytest.mark.parametrize("name", OWN)
def test_of_many_simultaneous_creates_one_instance_comes(name: str) -> None:
    wanted = creates()
    assert len(wanted) == CLIENTS
    with opened(name, estate()) as door:
        result = race(name, door, 5)
    assert result.trouble == []
    assert dict(result.instances) == {1: 5}
