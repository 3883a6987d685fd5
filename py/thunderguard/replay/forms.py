"""The ways to write an object down, read again as a file of them is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import yaml

from thunderguard.documents.limits import DEFAULT_LIMITS
from thunderguard.documents.texts import load, split
from thunderguard.model import JsonObject
from thunderguard.replay.cases import held
from thunderguard.yamltext import WholeDumper


class _Dumper(WholeDumper):
    """Writes every text in quotes, since plain ones mean other things to other readers."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_Dumper.add_representer(str, _quoted)


def written(obj: Any) -> str:
    """Give ``obj`` as YAML in which nothing is left to the reader's guess."""
    # What JSON cannot hold is not in an object, and what stands there twice is written twice.
    text: str = yaml.dump(orjson.loads(orjson.dumps(obj)), Dumper=_Dumper, sort_keys=False, width=1 << 20)
    return text


def as_yaml(obj: JsonObject) -> list[bytes]:
    """Write ``obj`` as YAML, and give the texts of what is read."""
    return list(_read(written(obj)))


def as_stream(obj: JsonObject) -> list[bytes]:
    """Write ``obj`` into a stream of YAML documents, between two others, and give the text of what is read of it."""
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"
    return list(_read(f"{other}---\n# a comment\n{written(obj)}---\n{other}"))[1:-1]


def as_list(obj: JsonObject) -> list[bytes]:
    """Write ``obj`` into a List, as YAML, and give the texts of what is read."""
    return list(_read(written({"apiVersion": "v1", "kind": "List", "items": [obj]})))


def _read(text: str) -> Iterator[bytes]:
    for part in split(text, json_only=False):
        yield from held(*load(part, DEFAULT_LIMITS))
