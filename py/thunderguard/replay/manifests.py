"""A counterexample as a manifest for people, and as a case of the declared suite."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import yaml

from thunderguard.conformance.load import REGRESSIONS
from thunderguard.errors import UsageError
from thunderguard.files import replacing
from thunderguard.model import JsonObject, Outcome, Status
from thunderguard.replay.properties.askable import is_askable
from thunderguard.yamltext import WholeDumper

# Where cases are kept, seen from the root of a repository.
_FOLDER = Path("tests/cases") / REGRESSIONS
_ITEM = re.compile(r"^( *)- name:", re.MULTILINE)
_FIRST = ("apiVersion", "kind", "metadata", "spec")


def manifest(objects: Sequence[JsonObject]) -> str:
    """Give ``objects`` as YAML, one document each."""
    return "---\n".join(_dumped(_ordered(obj)) for obj in objects)


def _dumped(value: Any) -> str:
    text: str = yaml.dump(
        orjson.loads(orjson.dumps(value)), Dumper=WholeDumper, sort_keys=False, width=100, allow_unicode=False
    )
    return text


def _ordered(obj: JsonObject) -> JsonObject:
    known = {key: obj[key] for key in _FIRST if key in obj}
    return {**known, **obj}


def keep(
    obj: JsonObject, rule: str, outcome: Outcome, *, folder: Path = _FOLDER, old: JsonObject | None = None
) -> Path:
    """Add ``obj`` to the suite as a case that wants what ``outcome`` says, and give the file.

    With ``old`` it is an UPDATE of that. The file is ``<rule>.yaml`` in ``folder``, and holds afterwards all that it
    held before; the same case is added once. Raises UsageError when it cannot be written.
    """
    # Only where the suite is: what would be read by nobody is not kept.
    if not folder.parent.is_dir():
        raise UsageError(f"{folder.parent} is not here, so nothing can be kept", hint="run it at the root of the suite")
    digest = hashlib.sha256(orjson.dumps([obj, old], option=orjson.OPT_SORT_KEYS)).hexdigest()[:10]
    case: JsonObject = {"name": f"replayed-{digest}", "object": _ordered(obj)}
    if old is not None:
        case |= {"operation": "UPDATE", "oldObject": _ordered(old)}
    elif not is_askable(obj):
        case["as"] = ["manifest"]
    case["findings"] = [_expected(finding.rule, finding.path, rule) for finding in outcome.findings]
    if unjudged := sorted(known for known, status in outcome.statuses.items() if status is Status.NOT_JUDGED):
        case["unjudged"] = unjudged
    path = folder / f"{rule}.yaml"
    try:
        folder.mkdir(exist_ok=True)
        known = path.read_text(encoding="utf-8") if path.exists() else f"{rule}:\n"
        if case["name"] not in known:
            found = _ITEM.search(known)
            added = textwrap.indent(_dumped([case]), found[1] if found else "  ")
            with replacing(path, mode=0o644) as file:
                file.write(f"{known.rstrip()}\n{added}".encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def _expected(found: str, path: str, rule: str) -> JsonObject:
    return {"path": path} if found == rule else {"rule": found, "path": path}
