"""Image references: tags and digests dropped, moved, forbidden, and the registry they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thunderguard.facts.image import Image, normalise, parse_image
from thunderguard.facts.subject import Subject
from thunderguard.facts.workloads import Container
from thunderguard.paths import format_path
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import drop, put
from thunderguard.replay.effects import OPEN, Effect, Mutated, Place, Promise
from thunderguard.replay.ground import planted
from thunderguard.replay.mutations.base import Family, judged_workload, one_of, workload

if TYPE_CHECKING:
    from thunderguard.replay.ground import Ground

FAMILY = Family("images")
_RULE = "image-reference"
_WHERE = Whole()
_DIGEST = "sha256:" + "5f" * 32


def _container(view: Subject, where: int) -> tuple[Container, Image] | None:
    found = [c for c in view.containers if isinstance(c.body.get("image"), str) and c.body["image"]]
    chosen: Container | None = one_of(found, where)
    return None if chosen is None else (chosen, parse_image(chosen.body["image"]))


def _place(container: Container) -> frozenset[Place]:
    return planted(format_path((*container.path, "image")), rule=_RULE)


def _changed(view: Subject, ground: Ground, container: Container, image: str, effect: Effect) -> Mutated | None:
    """Set the image; None when the object would run other services than before."""
    obj = put(view.obj, (*container.path, "image"), image)
    return Mutated(obj, effect) if ground.runs_the_same(view, obj) else None


@FAMILY.add("drop-tag", Promise.PLANTS, judged_workload, _RULE, where=_WHERE)
def drop_tag(view: Subject, ground: Ground, where: int) -> Mutated | None:
    """An image loses its tag and its digest."""
    found = _container(view, where)
    if found is None:
        return None
    container, image = found
    return _changed(view, ground, container, image.repository, Effect(plants=_place(container)))


@FAMILY.add("forbid-tag", Promise.PLANTS, judged_workload, _RULE, where=_WHERE, tag=Whole())
def forbid_tag(view: Subject, ground: Ground, where: int, tag: int) -> Mutated | None:
    """An image gets a tag that moves, without a digest."""
    found, name = _container(view, where), one_of(sorted(ground.contract.forbidden_tags), tag)
    if found is None or name is None:
        return None
    container, image = found
    return _changed(view, ground, container, f"{image.repository}:{name}", Effect(plants=_place(container)))


@FAMILY.add(
    "break-version",
    Promise.PLANTS,
    judged_workload,
    _RULE,
    where=_WHERE,
    tag=OneOf(("main", "2", "V9", "v1.2.3\u200b")),
)
def break_version(view: Subject, ground: Ground, where: int, tag: str) -> Mutated | None:
    """The image of a service gets a tag that its version rule refuses."""
    found = _container(view, where)
    if found is None:
        return None
    container, image = found
    services = [view.contract.service[name] for name in view.services_of(container)]
    if all(service.tag is None or service.tag.found_in(tag) for service in services):
        return None
    return _changed(view, ground, container, f"{image.repository}:{tag}", Effect(plants=_place(container)))


def _is_sound(view: Subject, container: Container, image: Image) -> bool:
    """Say whether nothing is said of the tag of an image."""
    services = [view.contract.service[name] for name in view.services_of(container)]
    is_pinned = bool(image.digest) or (bool(image.tag) and image.tag not in view.contract.forbidden_tags)
    return is_pinned and all(not s.tag or not image.tag or s.tag.found_in(image.tag) for s in services)


@FAMILY.add("add-digest", Promise.NEUTRAL, workload, where=_WHERE, keep_tag=OneOf((True, False)))
def add_digest(view: Subject, ground: Ground, where: int, keep_tag: bool) -> Mutated | None:
    """An image with a sound tag is pinned by its digest, with the tag or without it."""
    found = _container(view, where)
    if found is None or not _is_sound(view, *found):
        return None
    container, image = found
    tag = f":{image.tag}" if keep_tag and image.tag else ""
    return _changed(view, ground, container, f"{image.repository}{tag}@{_DIGEST}", Effect())


@FAMILY.add(
    "change-registry",
    Promise.EXACT,
    judged_workload,
    _RULE,
    where=_WHERE,
    registry=OneOf(
        ("mirror.example.com/", "mirror.example.com:5000/", "localhost:5000/cache/", "docker.io/library/x/")
    ),
)
def change_registry(view: Subject, ground: Ground, where: int, registry: str) -> Mutated | None:
    """An image comes from another registry, perhaps one with a port."""
    found = _container(view, where)
    if found is None or not _is_sound(view, *found):
        return None
    container, image = found
    reference = registry + container.body["image"]
    allowed = [view.contract.service[name].repositories for name in view.services_of(container)]
    is_refused = any(some and normalise(registry + image.repository) not in some for some in allowed)
    effect = Effect(plants=_place(container)) if is_refused else Effect(removes=_place(container))
    return _changed(view, ground, container, reference, effect)


@FAMILY.add(
    "imply-docker-hub", Promise.NEUTRAL, workload, where=_WHERE, prefix=OneOf(("docker.io/", "index.docker.io/"))
)
def imply_docker_hub(view: Subject, ground: Ground, where: int, prefix: str) -> Mutated | None:
    """An image of Docker Hub names its registry."""
    found = _container(view, where)
    if found is None or any(sign in found[1].repository.partition("/")[0] for sign in ".:"):
        return None
    container, _ = found
    return _changed(view, ground, container, prefix + container.body["image"], Effect())


@FAMILY.add(
    "drop-image", Promise.PLANTS, judged_workload, _RULE, where=_WHERE, value=OneOf(("absent", None, "", 7, []))
)
def drop_image(view: Subject, ground: Ground, where: int, value: object) -> Mutated | None:
    """A container that is no service names no image, or something that is none."""
    found = _container(view, where)
    if found is None:
        return None
    path = (*found[0].path, "image")
    obj = drop(view.obj, path) if value == "absent" else put(view.obj, path, value)
    return Mutated(obj, Effect(plants=_place(found[0]))) if ground.runs_the_same(view, obj) else None


@FAMILY.add("upper-case-image", Promise.OPEN, workload, where=_WHERE, whole=OneOf((False, True)))
def upper_case_image(view: Subject, ground: Ground, where: int, whole: bool) -> Mutated | None:
    """An image is written in upper case, its name or all of it."""
    del ground
    found = _container(view, where)
    if found is None:
        return None
    container, image = found
    text: str = container.body["image"]
    changed = text.upper() if whole else text.replace(image.name, image.name.title())
    return Mutated(put(view.obj, (*container.path, "image"), changed), OPEN)


@FAMILY.add(
    "blank-in-image",
    Promise.OPEN,
    workload,
    where=_WHERE,
    blank=OneOf((" ", "\t", "\n", "\u00a0", "\u3000")),
    place=OneOf((0, 1, 2)),
)
def blank_in_image(view: Subject, ground: Ground, where: int, blank: str, place: int) -> Mutated | None:
    """An image has a blank before it, behind it or before its tag."""
    del ground
    found = _container(view, where)
    if found is None:
        return None
    container, image = found
    text: str = container.body["image"]
    rest = text[len(image.repository) :]
    changed = (blank + text, text + blank, f"{image.repository}{blank}{rest}")[place]
    return Mutated(put(view.obj, (*container.path, "image"), changed), OPEN)


@FAMILY.add(
    "odd-reference",
    Promise.OPEN,
    workload,
    where=_WHERE,
    form=OneOf(("{}:", "{}@", ":{}", "/{}", "{}/", "{}:a:b", "{}@x@y", "//{}", "@{}", "{}:latest@", "http://{}:1")),
)
def odd_reference(view: Subject, ground: Ground, where: int, form: str) -> Mutated | None:
    """An image is a reference that no registry would read."""
    del ground
    found = _container(view, where)
    if found is None:
        return None
    container, image = found
    return Mutated(put(view.obj, (*container.path, "image"), form.format(image.repository)), OPEN)
