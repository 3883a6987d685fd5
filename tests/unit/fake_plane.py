"""A plane without servers: it holds what is put into it, and answers as a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from thunderguard.controlplane.api import Answer
from thunderguard.engines.webhook.way import Said
from thunderguard.errors import ControlPlaneError
from thunderguard.model import JsonObject


class FakeApi:
    """Objects by their paths, and the paths of what was applied, in turn."""

    def __init__(self) -> None:
        self.objects: dict[str, JsonObject] = {}
        self.applied: list[str] = []
        self.refused: str | None = None

    def apply(self, path: str, obj: JsonObject) -> JsonObject:
        self.applied.append(path)
        if self.refused is not None and path.endswith(self.refused):
            raise ControlPlaneError(f"apply to {path}: it is refused")
        self.objects[path] = obj
        return obj

    def get(self, path: str) -> JsonObject | None:
        return self.objects.get(path)

    def create(self, path: str, obj: JsonObject) -> JsonObject:
        made = {**obj, "metadata": {**obj["metadata"], "resourceVersion": "1"}}
        self.objects[f"{path}/{obj['metadata']['name']}"] = made
        return made

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        if method == "PUT":
            self.objects[path] = body
        return Answer(200, body)

    def named(self, name: str, collection: str = "") -> JsonObject:
        """Give the object called ``name`` of the collection."""
        (found,) = [one for path, one in self.objects.items() if path.endswith(f"{collection}/{name}")]
        return found


class FakePlane:
    """A plane whose doors are one, and which answers questions by ``answer``."""

    version = "fake 1"

    def __init__(self, answer: Callable[[FakeApi], Said]) -> None:
        self.back = self.door = FakeApi()
        self._answer = answer

    def ask(self, _method: str, _path: str, _body: Any = None) -> Said:
        return self._answer(self.back)
