"""The commands of each action: what is asked before, kept, done and shown, and how it is undone.

Every word is a list item of its own: nothing is quoted here, and nothing needs to be.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thunderguard.facts.resources import type_of
from thunderguard.facts.values import as_list, dig
from thunderguard.facts.workloads import REPLICAS, replicas_of, template_path
from thunderguard.paths import lookup
from thunderguard.plan.amounts import EDITABLE
from thunderguard.plan.apply import changed, merged
from thunderguard.plan.names import is_image, is_name, typed, where
from thunderguard.plan.steps import Change, Command, Create, Delete, DeleteNamespace, Edit, Move, Uninstall

if TYPE_CHECKING:
    from thunderguard.model import JsonObject, Resource
    from thunderguard.paths import Segment
    from thunderguard.plan.steps import Action

PATIENCE = "--timeout=5m"
# What stands in a namespace that something is still done in; Kubernetes itself keeps other things in each.
_CONTENTS = "deployments,statefulsets,daemonsets,replicasets,jobs,cronjobs,pods,services,persistentvolumeclaims"
_ROLLED_OUT = {("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")}


@dataclass(frozen=True, slots=True)
class Told:
    """An action in commands."""

    backups: tuple[Command, ...]
    commands: tuple[Command, ...]
    checks: tuple[Command, ...]
    back: tuple[str, ...]


def one(*words: str, stdin: str | None = None, file: str | None = None) -> Command:
    """Give a command of one program."""
    return Command((words,), stdin, file)


def rollout(resource: Resource) -> Command | None:
    """Give the command that waits until a workload serves; None for a kind that kubectl cannot wait for."""
    group = resource.apiVersion.rpartition("/")[0]
    if (group, resource.kind) not in _ROLLED_OUT:
        return None
    return one("kubectl", "rollout", "status", f"{typed(resource)}/{resource.name}", *where(resource), PATIENCE)


def told(action: Action, there: JsonObject | None, *, serves: bool = True) -> Told:
    """Give an action in commands.

    ``there`` is the object that it is about, as it was before; ``serves`` says that it is worth waiting for.
    """
    match action:
        case Uninstall():
            return _uninstall(action, there)
        case Delete(resource):
            return _delete(resource)
        case DeleteNamespace(name):
            return _namespace(name)
        case Edit():
            return _edit(action, there or {})
        case Move():
            return _move(action, there or {}, serves=serves)
        case Create(made):
            return _create(made)


def _uninstall(action: Uninstall, record: JsonObject | None) -> Told:
    file = f"release-{action.namespace}-{action.name}.yaml"
    records = f"owner=helm,name={action.name}"
    revision = dig(record, ("spec", "revision"))
    number = (str(revision),) if isinstance(revision, int) and not isinstance(revision, bool) else ()
    undo = shlex.join(("helm", "rollback", action.name, *number, "-n", action.namespace))
    return Told(
        (one("kubectl", "get", "secret", "-n", action.namespace, "-l", records, "-o", "yaml", file=file),),
        (one("helm", "uninstall", action.name, "-n", action.namespace),),
        (one("kubectl", "get", "pods", "-n", action.namespace),),
        (f"{_restore(file)} && {undo}",),
    )


def _delete(resource: Resource) -> Told:
    file = _file(resource)
    return Told(
        (_kept(resource, file),),
        (one("kubectl", "delete", typed(resource), resource.name, *where(resource)),),
        (),
        (_restore(file),),
    )


def _namespace(name: str) -> Told:
    contents = ("kubectl", "get", _CONTENTS, "-n", name, "-o", "name")
    return Told(
        (),
        (
            # What was deleted a moment ago may still be on its way out.
            Command((contents,), silent=True),
            one("kubectl", "delete", "namespace", name),
        ),
        (),
        (shlex.join(("kubectl", "create", "namespace", name)),),
    )


def _create(made: Iterable[JsonObject]) -> Told:
    commands, back = [], []
    for obj in made:
        kind, name, namespace = obj["kind"].lower(), obj["metadata"]["name"], obj["metadata"]["namespace"]
        if obj["kind"] == "ResourceQuota":
            hard = ",".join(f"{key}={value}" for key, value in obj["spec"]["hard"].items())
            commands.append(one("kubectl", "create", "quota", name, f"--hard={hard}", "-n", namespace))
        else:
            commands.append(one("kubectl", "create", "-f", "-", stdin=json.dumps(obj)))
        back.append(shlex.join(("kubectl", "delete", kind, name, "-n", namespace)))
    return Told((), tuple(commands), (), tuple(back))


# ---------------------------------------------------------------------------------------------------- edits


def _edit(action: Edit, obj: JsonObject) -> Told:
    resource = action.resource
    file = _file(resource)
    plain = _scaled(action, obj) or _set_image(action, obj) or _set_resources(action, obj)
    if plain is None:
        ops = json.dumps(operations(obj, action.changes))
        plain = [one("kubectl", "patch", typed(resource), resource.name, *where(resource), "--type=json", "-p", ops)]
    return Told((_kept(resource, file),), tuple(plain), (), (_undone(action, obj, file),))


def _undone(action: Edit, obj: JsonObject, file: str) -> str:
    resource, kind = action.resource, type_of(obj)
    if kind in REPLICAS and action.how == "replicas":
        before = f"--replicas={replicas_of(obj)}"
        return shlex.join(("kubectl", "scale", typed(resource), resource.name, *where(resource), before))
    if kind in _ROLLED_OUT:
        return shlex.join(("kubectl", "rollout", "undo", f"{typed(resource)}/{resource.name}", *where(resource)))
    return f'kubectl replace --force -f "$backup"/{shlex.quote(file)}'


def _scaled(action: Edit, obj: JsonObject) -> list[Command] | None:
    resource, field = action.resource, REPLICAS.get(type_of(obj))
    if field is None or [change.path for change in action.changes] != [field]:
        return None
    number = f"--replicas={action.changes[0].value}"
    return [one("kubectl", "scale", typed(resource), resource.name, *where(resource), number)]


def _set_image(action: Edit, obj: JsonObject) -> list[Command] | None:
    words = []
    if action.how != "image":
        return None
    for change in action.changes:
        name = _container_name(obj, change.path[:-1])
        if change.path[-1] != "image" or name is None or not is_image(str(change.value)):
            return None
        words.append(f"{name}={change.value}")
    resource = action.resource
    if type_of(obj) not in EDITABLE:
        return None
    return [one("kubectl", "set", "image", f"{typed(resource)}/{resource.name}", *where(resource), *words)]


def _set_resources(action: Edit, obj: JsonObject) -> list[Command] | None:
    groups: dict[str, dict[str, list[str]]] = {}
    if action.how != "resources":
        return None
    for change in action.changes:
        *container, field, group, name = change.path
        label = _container_name(obj, tuple(container))
        if field != "resources" or label is None or type_of(obj) not in EDITABLE:
            return None
        groups.setdefault(label, {}).setdefault(str(group), []).append(f"{name}={change.value}")
    resource = action.resource
    return [
        one(
            "kubectl",
            "set",
            "resources",
            typed(resource),
            resource.name,
            *where(resource),
            "-c",
            label,
            *(f"--{group}={','.join(amounts)}" for group, amounts in sorted(given.items())),
        )
        for label, given in groups.items()
    ]


def _container_name(obj: JsonObject, path: Sequence[Segment]) -> str | None:
    """Give the name of the regular container at ``path`` that kubectl finds it by; None when it cannot."""
    template = template_path(obj)
    if template is None or len(path) != len(template) + 3 or path[-2] != "containers":
        return None
    spec = dig(obj, (*template, "spec"))
    names = [dig(one, ("name",)) for key in ("containers", "initContainers") for one in as_list(dig(spec, (key,)))]
    body, depth = lookup(obj, path)
    name = dig(body, ("name",)) if depth == len(path) else None
    return name if isinstance(name, str) and is_name(name) and names.count(name) == 1 else None


def operations(obj: JsonObject, changes: Sequence[Change]) -> list[JsonObject]:
    """Give ``changes`` as a JSON patch (RFC 6902) of ``obj``, which makes the objects that are not there yet.

    The amounts of one container become one operation, which people read more easily.
    """
    whole = changed(obj, changes)
    places = dict.fromkeys(_put_at(change.path) for change in changes)
    done = []
    for place in places:
        if lookup(whole, place)[1] < len(place):
            done += [{"op": "remove", "path": _pointer(place)}] if lookup(obj, place)[1] == len(place) else []
            continue
        path = _there(obj, place)
        operation = {"op": "add", "path": _pointer(path), "value": lookup(whole, path)[0]}
        if operation not in done:
            done.append(operation)
    return done


def _there(obj: JsonObject, path: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Give the first part of ``path`` that can be added to ``obj``: what holds it is there."""
    holder, depth = lookup(obj, path[:-1])
    if depth == len(path) - 1 and isinstance(holder, dict | list):
        return path
    return _there(obj, path[:-1])


def _put_at(path: tuple[Segment, ...]) -> tuple[Segment, ...]:
    return path[: path.index("resources") + 1] if "resources" in path[:-1] else path


def _pointer(path: Sequence[Segment]) -> str:
    return "".join("/" + str(segment).replace("~", "~0").replace("/", "~1") for segment in path)


# ---------------------------------------------------------------------------------------------------- moves


def _move(move: Move, obj: JsonObject, *, serves: bool) -> Told:
    source, target = move.source, move.target
    file = _file(source)
    pipeline = [
        ("kubectl", "get", typed(source), source.name, *where(source), "-o", "json"),
        ("kubectl", "patch", "--local", "-f", "-", "--type=merge", "-p", json.dumps(move.merge), "-o", "json"),
    ]
    if move.changes:
        ops = json.dumps(operations(merged(obj, move.merge), move.changes))
        pipeline.append(("kubectl", "patch", "--local", "-f", "-", "--type=json", "-p", ops, "-o", "json"))
    pipeline.append(("kubectl", "create", "-f", "-"))
    commands = [Command(tuple(pipeline))]
    undo = [f"{_restore(file)} && {_deleted(target)}"]
    if any(change.path == ("spec", "replicas") for change in move.changes):
        scale = ("kubectl", "scale", typed(source), source.name, *where(source))
        commands.insert(0, Command(((*scale, "--replicas=0"),)))
        undo.append(f"{shlex.join((*scale, f'--replicas={replicas_of(obj)}'))}, when it is still there")
    waiting = rollout(target) if serves else None
    if waiting is not None:
        commands.append(waiting)
    commands.append(one("kubectl", "delete", typed(source), source.name, *where(source)))
    return Told((_kept(source, file),), tuple(commands), (), tuple(undo))


def _deleted(resource: Resource) -> str:
    return shlex.join(("kubectl", "delete", typed(resource), resource.name, *where(resource)))


def _kept(resource: Resource, file: str) -> Command:
    return one("kubectl", "get", typed(resource), resource.name, *where(resource), "-o", "yaml", file=file)


def _file(resource: Resource) -> str:
    return "-".join(part for part in (typed(resource), resource.namespace, resource.name) if part) + ".yaml"


def _restore(file: str) -> str:
    return f'kubectl create -f "$backup"/{shlex.quote(file)}'
