"""The Estate of a case: the default one, with what the case puts in place of its fields."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from thunderguard.errors import EstateError, UsageError
from thunderguard.estate import Estate, load_estate
from thunderguard.model import JsonObject


def changed(estate: JsonObject, changes: JsonObject) -> JsonObject:
    """Give ``estate`` with ``changes`` in place of whole fields of its spec; null takes a field away."""
    spec: dict[str, Any] = {**estate["spec"], **changes}
    return {**estate, "spec": {field: value for field, value in spec.items() if value is not None}}


def changed_estate(estate: Estate, changes: str, *, where: str, folder: Path) -> Estate:
    """Give the Estate that the case at ``where`` asks for, checked as any other; its file is written below ``folder``.

    ``changes`` is the JSON text of :attr:`Case.estate`. Raises UsageError that begins with ``where``.
    """
    if changes == "{}":
        return estate
    with tempfile.NamedTemporaryFile(mode="w", dir=folder, prefix="estate-", suffix=".yaml", delete=False) as file:
        # JSON is YAML that every reader takes alike.
        json.dump(changed(estate.data, json.loads(changes)), file)
    try:
        return load_estate(Path(file.name))
    except EstateError as error:
        raise UsageError(f"{where}: {error.message.replace(file.name, 'the estate of the case')}") from None
