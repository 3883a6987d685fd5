"""Asking a plane: namespaces and old objects are put where a question needs them, then it is asked as a dry run."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from thunderguard.controlplane.api import Answer, Api
from thunderguard.engines.askable import InexpressibleError
from thunderguard.engines.webhook.completion import LABELS
from thunderguard.engines.webhook.kinds import Kinds, Served
from thunderguard.engines.webhook.plane import Plane
from thunderguard.engines.webhook.questions import Question
from thunderguard.engines.webhook.way import DoorError, Said
from thunderguard.facts.values import as_list, as_object, as_text, dig
from thunderguard.model import JsonObject

_DRY = "?dryRun=All&fieldValidation=Ignore"
_LOCKS = 256
_HOLD = "thunderguard.dev/hold"
_FINAL = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "propagationPolicy": "Background"}
#: What an answer of an API server that refuses the shape of an object begins with; those of admission come after it.
_SHAPE = frozenset({400, 404, 405, 406, 409, 410, 413, 415, 422})
_ADMISSION = ("admission webhook ", "failed calling webhook", "ValidatingAdmissionPolicy ")


class Asking:
    """Asks one plane, from any number of threads."""

    def __init__(self, plane: Plane) -> None:
        """Find out what the plane serves. Raises ControlPlaneError."""
        self._plane = plane
        self._kinds = Kinds(plane.door, plane.back)
        self._namespaces: set[str] = set()
        # One address is asked about once at a time, since an old object may have to be there or not to be there.
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def expect(self, questions: Iterable[Question]) -> None:
        """Have the kinds of ``questions`` served, so that none of them has to be waited for alone.

        Raises DoorError and ControlPlaneError.
        """
        self._kinds.expect(one.type for one in questions)

    def ask(self, asked: Question) -> Said:
        """Give what the door says.

        Raises InexpressibleError when an API server does not take the question, DoorError when there is no answer that
        counts, and ControlPlaneError when there is none at all.
        """
        served = self._served(asked)
        self._make_namespace(asked.namespace if served.namespaced else "")
        # Under every version it is one object, and a subresource is of the object that it belongs to.
        address = (asked.type[0], served.resource, asked.namespace, asked.name)
        with self._locks[hash(address) % _LOCKS], self._there(asked, served) as held:
            try:
                said = self._asked(asked, served, held)
            except ValueError as error:
                raise InexpressibleError(f"HTTP cannot carry it: {error}") from None
            _check_change(asked, said.answer, held)
        answer = said.answer
        if answer.is_good or said.is_too_late or any(word in answer.message for word in _ADMISSION):
            return said
        if answer.status in _SHAPE:
            raise InexpressibleError(f"the API server refuses it before admission: {_told(answer)}")
        raise DoorError(f"the API server answers {_told(answer)}")

    def _served(self, asked: Question) -> Served:
        group, version, kind = asked.type
        if kind:
            served = self._kinds.kind(group, version, kind)
        elif (found := self._kinds.resource(group, version, asked.resource_name)) is not None:
            served = found
        else:
            raise InexpressibleError(f"the API server knows no {asked.resource_name:.60} of {group or 'the core'}")
        if asked.resource_name not in ("", served.resource):
            raise InexpressibleError(f"the resource of {served.kind} is {served.resource}, not {asked.resource_name}")
        if asked.subresource and asked.subresource not in served.subresources:
            raise InexpressibleError(f"{served.resource} have no subresource {asked.subresource:.60}")
        if served.namespaced and not asked.namespace:
            raise InexpressibleError("an object is sent to a namespace, and it does not say which")
        if not served.namespaced and asked.namespace:
            raise InexpressibleError(f"{served.resource} are in no namespace, and it names one")
        return served

    def _make_namespace(self, name: str) -> None:
        if not name or name in self._namespaces:
            return
        answer = self._plane.back.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        if not answer.is_good and answer.reason != "AlreadyExists":
            _check_stored(answer, f"the namespace {name!r:.80}")
        self._namespaces.add(name)

    def _asked(self, asked: Question, served: Served, held: JsonObject | None) -> Said:
        path = served.path(asked.namespace, asked.name, asked.subresource)
        caller = asked.caller
        if asked.operation == "DELETE":
            return self._plane.ask("DELETE", f"{path}?dryRun=All", caller=caller)
        if asked.operation == "UPDATE":
            return self._plane.ask("PUT", f"{path}{_DRY}", _over(asked.obj, held), caller=caller)
        if not asked.subresource:
            path = served.path(asked.namespace)
        return self._plane.ask("POST", f"{path}{_DRY}", asked.obj, caller=caller)

    # ------------------------------------------------------------------------------------------ what is there before

    @contextmanager
    def _there(self, asked: Question, served: Served) -> Iterator[JsonObject | None]:
        """Put the old object where it belongs, and take it away afterwards."""
        wanted = self._wanted(asked, served)
        if wanted is None:
            yield None
            return
        back, path = self._plane.back, served.path(asked.namespace, asked.name)
        held = _store(back, served.path(asked.namespace), path, wanted)
        try:
            if isinstance(dig(asked.obj, ("metadata", "deletionTimestamp")), str):
                held = _going(back, path, held)
            yield held
        finally:
            if served.resource != "namespaces":
                _remove(back, path)
            elif "deletionTimestamp" in held["metadata"]:
                self._namespaces.discard(asked.name)
                _remove_namespace(back, path)

    def _wanted(self, asked: Question, served: Served) -> JsonObject | None:
        if asked.subresource == "scale":
            return _scaled(asked, served)
        if asked.old is not None:
            return asked.old
        if asked.subresource:
            raise InexpressibleError(f"nothing says whose {asked.subresource:.60} it is")
        return None


def _store(back: Api, collection: str, path: str, obj: JsonObject) -> JsonObject:
    answer = back.request("POST", f"{collection}?fieldValidation=Ignore", obj)
    if answer.reason == "AlreadyExists":
        there = back.get(path)
        answer = back.request("PUT", f"{path}?fieldValidation=Ignore", _over(obj, there))
    _check_stored(answer, "the old object")
    made: JsonObject = answer.body
    return made


def _going(back: Api, path: str, held: JsonObject) -> JsonObject:
    """Delete an object that something still holds, so that it is going and not gone."""
    metadata = held["metadata"]
    finalizers = [*as_list(metadata.get("finalizers")), _HOLD]
    answer = back.request("PUT", path, {**held, "metadata": {**metadata, "finalizers": finalizers}})
    _check_stored(answer, "the old object, held by a finalizer")
    _check_stored(back.request("DELETE", path, _FINAL), "the deletion of the old object")
    return back.get(path) or held


def _remove(back: Api, path: str) -> None:
    answer = back.request("DELETE", path, _FINAL)
    there = back.get(path) if answer.is_good else None
    if there is not None and as_list(dig(there, ("metadata", "finalizers"))):
        free = {**there, "metadata": {**there["metadata"], "finalizers": None}}
        back.request("PUT", path, free)
    if not answer.is_good and answer.status != 404:
        raise DoorError(f"the old object cannot be removed: {_told(answer)}")


def _remove_namespace(back: Api, path: str) -> None:
    """End a namespace that is going. Any other one stays: it would wait for a controller that is not there."""
    there = back.get(path)
    if there is not None:
        free = {**there, "metadata": {**there["metadata"], "finalizers": None}, "spec": {"finalizers": []}}
        answer = back.request("PUT", f"{path}/finalize", free)
        if answer.is_good and (there := back.get(path)) is not None:
            back.request("PUT", path, {**there, "metadata": {**there["metadata"], "finalizers": None}})


def _over(obj: JsonObject | None, held: JsonObject | None) -> JsonObject | None:
    """Give ``obj`` as the next version of the object that is there."""
    if obj is None or held is None or not isinstance(obj.get("metadata"), dict):
        return obj
    known = as_object(held.get("metadata"))
    own = {key: known[key] for key in ("resourceVersion", "uid", "deletionTimestamp") if key in known}
    metadata = {**obj["metadata"], **own}
    if "deletionTimestamp" in own:
        # The finalizer that holds it may not be taken away, or it would be gone.
        metadata["finalizers"] = [*as_list(metadata.get("finalizers")), _HOLD]
    return {**obj, "metadata": metadata}


def _scaled(asked: Question, served: Served) -> JsonObject:
    """Give a workload that a request to scale is about, with as many replicas as it had."""
    replicas = dig(asked.old, ("spec", "replicas"))
    labels = dict(LABELS)
    spec: dict[str, Any] = {
        "replicas": 0 if replicas is None else replicas,
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "scratch"}]}},
        "selector": labels if served.kind == "ReplicationController" else {"matchLabels": labels},
    }
    metadata = {"name": asked.name, "namespace": asked.namespace}
    return {"apiVersion": served.api_version, "kind": served.kind, "metadata": metadata, "spec": spec}


def _check_change(asked: Question, answer: Answer, held: JsonObject | None) -> None:
    """Raise InexpressibleError when what changes is only how an object is spelled, and so nothing to an API server."""
    if asked.operation != "UPDATE" or asked.subresource or not answer.is_good:
        return
    before, after = (dig(obj, ("spec",)) for obj in (asked.old, asked.obj))
    if before != after and dig(answer.body, ("spec",)) == dig(held, ("spec",)):
        raise InexpressibleError("to an API server the old and the new object are spelled alike")


def _check_stored(answer: Answer, what: str) -> None:
    """Raise InexpressibleError when the API server cannot hold ``what``, DoorError when it fails to."""
    if answer.is_good and isinstance(answer.body, dict):
        return
    if answer.status in _SHAPE:
        raise InexpressibleError(f"the API server cannot hold {what}: {_told(answer)}")
    raise DoorError(f"the API server fails to store {what}: {_told(answer)}")


def _told(answer: Answer) -> str:
    return f"{answer.status} {' '.join(as_text(answer.message).split())[:400]}".rstrip()
