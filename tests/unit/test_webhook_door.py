"""When a door puts an Estate and a day into force, without servers."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

import pytest
from fake_plane import FakePlane

from thunderguard.catalogue import load_catalogue
from thunderguard.controlplane.api import Answer
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.webhook import door as module
from thunderguard.engines.webhook import engine as engine_module
from thunderguard.engines.webhook.door import Door
from thunderguard.engines.webhook.engine import WebhookEngine
from thunderguard.engines.webhook.probe import RULE
from thunderguard.engines.webhook.way import Said, Verdict, Way
from thunderguard.errors import PolicyError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document, JsonObject, OutcomeKind

DAY, NEXT = date(2026, 12, 31), date(2027, 1, 1)
ONE: JsonObject = {"spec": {"services": []}}
OTHER: JsonObject = {"spec": {"services": [{"name": "mlflow"}]}}


class FakeWay:
    """A way that has every Estate in force at once."""

    name = "fake"
    version = policy_sha256 = "1"
    flags = ()

    def __init__(self) -> None:
        self.used: list[tuple[list[Any], date | None]] = []
        self.refuses = False
        self._estate: JsonObject = {}

    def open(self, *_: object) -> None:
        """Do nothing."""

    def use(self, estate: JsonObject, at: date | None = None) -> None:
        if self.refuses:
            raise PolicyError("no")
        self._estate = estate
        self.used.append((estate["spec"]["services"], at))

    def verdict(self, said: Said) -> Verdict:
        del said
        *_, service = self._estate["spec"]["deprecated"]["services"]
        return Verdict({RULE: f"{RULE}: {service['name']}"}, frozenset({RULE}))


@pytest.fixture
def way() -> FakeWay:
    return FakeWay()


@pytest.fixture
def door(way: FakeWay, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(module, "Plane", lambda *_, **__: FakePlane(lambda _: Said(Answer(201, {}))))
    monkeypatch.setattr(module, "Asking", lambda _: None)
    return Door(cast("Way", way), load_catalogue(), EngineOptions())


def test_what_is_in_force_is_an_estate_on_a_day(door: Door, way: FakeWay) -> None:
    for estate, at in ((ONE, None), (ONE, None), (ONE, DAY), (ONE, DAY), (ONE, NEXT), (OTHER, NEXT), (OTHER, None)):
        with door.judging_by(estate, at):
            pass
    assert way.used == [([], None), ([], DAY), ([], NEXT), ([{"name": "mlflow"}], NEXT), ([{"name": "mlflow"}], None)]


def test_what_could_not_be_put_into_force_is_tried_again(door: Door, way: FakeWay) -> None:
    with door.judging_by(ONE, DAY):
        pass
    way.refuses = True
    with pytest.raises(PolicyError), door.judging_by(ONE, NEXT):
        pass
    way.refuses = False
    with door.judging_by(ONE, DAY):
        pass
    assert way.used == [([], DAY), ([], DAY)]


def test_an_engine_judges_by_its_day_and_what_cannot_be_put_into_force_is_no_verdict(
    door: Door, way: FakeWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine(WebhookEngine):
        name = "fake"
        way = cast("type[Way]", FakeWay)

    def taken(*_: object) -> Door:
        door.users += 1
        return door

    monkeypatch.setattr(engine_module, "take_door", taken)
    estate = load_estate(DEFAULT_ESTATE)
    with Engine(estate=estate, catalogue=load_catalogue(), options=EngineOptions(at=DAY)) as engine:
        assert way.used == [(estate.data["spec"]["services"], DAY)]
        door.forget_estate()
        way.refuses = True
        document = Document(0, b"{}")
        assert engine.cannot_express(document) is None
        (outcome,) = engine.judge([document])
        assert (outcome.kind, outcome.reason) == (OutcomeKind.POLICY_DOES_NOT_COMPILE, "no")
