"""What a document of a source is about: the object that it is, or the one that an AdmissionReview brings."""

from __future__ import annotations

from dataclasses import dataclass

from thunderguard.admission import is_review
from thunderguard.facts import admission
from thunderguard.facts.resources import resource_of
from thunderguard.facts.shape import shape_problems
from thunderguard.model import JsonObject, Resource
from thunderguard.paths import Segment


@dataclass(frozen=True, slots=True)
class Subject:
    """The object ``obj`` with the address ``resource``, which stands at ``inside`` in its document.

    ``malformed`` says what Kubernetes would refuse in it. ``exists`` is false for what is only asked for: it is no part
    of the set that it was read with.
    """

    obj: JsonObject
    resource: Resource
    inside: tuple[Segment, ...]
    malformed: tuple[str, ...]
    exists: bool


def subject_of(document: JsonObject) -> Subject:
    """Say what ``document`` is about."""
    if not is_review(document):
        return Subject(document, resource_of(document), (), tuple(shape_problems(document)), exists=True)
    obj, resource = admission.subject_of(document)
    reason = admission.unreadable(document)
    malformed = (f"no webhook can answer this AdmissionReview: {reason}",) if reason else tuple(shape_problems(obj))
    return Subject(obj, resource, ("request", "object"), malformed, exists=False)
