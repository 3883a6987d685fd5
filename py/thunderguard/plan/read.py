"""Reading the objects of a source whole, for a model that is changed step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thunderguard.admission import is_review
from thunderguard.documents import open_source
from thunderguard.facts.values import load_json
from thunderguard.model import Document

if TYPE_CHECKING:
    from thunderguard.model import JsonObject


def read_objects(path: str) -> list[JsonObject]:
    """Read the objects of ``path``. What cannot be read, an audit of it says; what is only asked for is left out.

    Raises SourceError when the source cannot be opened.
    """
    with open_source([path]) as source:
        values = (load_json(item.text) for item in source if isinstance(item, Document))
        return [value for value in values if isinstance(value, dict) and not is_review(value)]
