"""Image references: tags and digests dropped, moved, forbidden, and the registry they come from."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from thunderguard.facts.image import Image, normalise, parse_image
from thunderguard.facts.subject import Subject
from thunderguard.facts.workloads import Container
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import ABSENT, give, put
from thunderguard.replay.effects import OPEN, Effect, Mutated, Place, Promise
from thunderguard.replay.ground import placed
from thunderguard.replay.mutations.base import Apply, Family, judged_workload, one_of, running_the_same, workload

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.replay.ground import Ground

FAMILY = Family("images")
_RULE = "image-reference"
_WHERE = Whole()
_DIGEST = "sha256:" + "5f" * 32


def _of_one_image(change: Apply) -> Apply:
    """Make a mutation of the container that has the image number ``where``, and of the parts of that image."""

    @wraps(change)
    def mutated(view: Subject, ground: Ground, where: int, **arguments: Any) -> Mutated | None:
        found = [c for c in view.containers if isinstance(c.body.get("image"), str) and c.body["image"]]
        chosen = one_of(found, where)
        return None if chosen is None else change(view, ground, chosen, parse_image(chosen.body["image"]), **arguments)

    return mutated


def _place(container: Container) -> frozenset[Place]:
    return placed(_RULE, *container.path, "image")


def _named(view: Subject, container: Container, image: str) -> JsonObject:
    return put(view.obj, (*container.path, "image"), image)


def _changed(view: Subject, ground: Ground, container: Container, image: str, effect: Effect) -> Mutated | None:
    """Set the image; None when the object would run other services than before."""
    return running_the_same(view, ground, _named(view, container, image), effect)


@FAMILY.add("drop-tag", Promise.PLANTS, judged_workload, _RULE, where=_WHERE)
@_of_one_image
def drop_tag(view: Subject, ground: Ground, container: Container, image: Image) -> Mutated | None:
    """An image loses its tag and its digest."""
    return _changed(view, ground, container, image.repository, Effect(plants=_place(container)))


@FAMILY.add("forbid-tag", Promise.PLANTS, judged_workload, _RULE, where=_WHERE, tag=Whole())
@_of_one_image
def forbid_tag(view: Subject, ground: Ground, container: Container, image: Image, tag: int) -> Mutated | None:
    """An image gets a tag that moves, without a digest."""
    name = one_of(sorted(ground.contract.forbidden_tags), tag)
    if name is None:
        return None
    return _changed(view, ground, container, f"{image.repository}:{name}", Effect(plants=_place(container)))


@FAMILY.add(
    "break-version",
    Promise.PLANTS,
    judged_workload,
    _RULE,
    where=_WHERE,
    tag=OneOf(("main", "2", "V9", "v1.2.3\u200b")),
)
@_of_one_image
def break_version(view: Subject, ground: Ground, container: Container, image: Image, tag: str) -> Mutated | None:
    """The image of a service gets a tag that its version rule refuses."""
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
@_of_one_image
def add_digest(view: Subject, ground: Ground, container: Container, image: Image, keep_tag: bool) -> Mutated | None:
    """An image with a sound tag is pinned by its digest, with the tag or without it."""
    if not _is_sound(view, container, image):
        return None
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
@_of_one_image
def change_registry(view: Subject, ground: Ground, container: Container, image: Image, registry: str) -> Mutated | None:
    """An image comes from another registry, perhaps one with a port."""
    if not _is_sound(view, container, image):
        return None
    reference = registry + container.body["image"]
    allowed = [view.contract.service[name].repositories for name in view.services_of(container)]
    is_refused = any(some and normalise(registry + image.repository) not in some for some in allowed)
    effect = Effect(plants=_place(container)) if is_refused else Effect(removes=_place(container))
    return _changed(view, ground, container, reference, effect)


@FAMILY.add(
    "imply-docker-hub", Promise.NEUTRAL, workload, where=_WHERE, prefix=OneOf(("docker.io/", "index.docker.io/"))
)
@_of_one_image
def imply_docker_hub(view: Subject, ground: Ground, container: Container, image: Image, prefix: str) -> Mutated | None:
    """An image of Docker Hub names its registry."""
    if any(sign in image.repository.partition("/")[0] for sign in ".:"):
        return None
    return _changed(view, ground, container, prefix + container.body["image"], Effect())


@FAMILY.add("drop-image", Promise.PLANTS, judged_workload, _RULE, where=_WHERE, value=OneOf((ABSENT, None, "", 7, [])))
@_of_one_image
def drop_image(view: Subject, ground: Ground, container: Container, image: Image, value: object) -> Mutated | None:
    """A container that is no service names no image, or something that is none."""
    del image
    obj = give(view.obj, (*container.path, "image"), value)
    return running_the_same(view, ground, obj, Effect(plants=_place(container)))


@FAMILY.add("upper-case-image", Promise.OPEN, workload, where=_WHERE, whole=OneOf((False, True)))
@_of_one_image
def upper_case_image(view: Subject, ground: Ground, container: Container, image: Image, whole: bool) -> Mutated | None:
    """An image is written in upper case, its name or all of it."""
    del ground
    text: str = container.body["image"]
    changed = text.upper() if whole else text.replace(image.name, image.name.title())
    return Mutated(_named(view, container, changed), OPEN)


@FAMILY.add(
    "blank-in-image",
    Promise.OPEN,
    workload,
    where=_WHERE,
    blank=OneOf((" ", "\t", "\n", "\u00a0", "\u3000")),
    place=OneOf((0, 1, 2)),
)
@_of_one_image
def blank_in_image(
    view: Subject, ground: Ground, container: Container, image: Image, blank: str, place: int
) -> Mutated | None:
    """An image has a blank before it, behind it or before its tag."""
    del ground
    text: str = container.body["image"]
    rest = text[len(image.repository) :]
    changed = (blank + text, text + blank, f"{image.repository}{blank}{rest}")[place]
    return Mutated(_named(view, container, changed), OPEN)


@FAMILY.add(
    "odd-reference",
    Promise.OPEN,
    workload,
    where=_WHERE,
    form=OneOf(("{}:", "{}@", ":{}", "/{}", "{}/", "{}:a:b", "{}@x@y", "//{}", "@{}", "{}:latest@", "http://{}:1")),
)
@_of_one_image
def odd_reference(view: Subject, ground: Ground, container: Container, image: Image, form: str) -> Mutated | None:
    """An image is a reference that no registry would read."""
    del ground
    return Mutated(_named(view, container, form.format(image.repository)), OPEN)
