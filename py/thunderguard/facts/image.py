"""Container image references, taken apart."""

from __future__ import annotations

from dataclasses import dataclass

_DOCKER_HUB = ("docker.io/", "index.docker.io/")


@dataclass(frozen=True, slots=True)
class Image:
    """``repository[:tag][@digest]``; ``name`` is the last segment of the repository. Absent parts are empty."""

    repository: str
    name: str
    tag: str
    digest: str

    @property
    def normalised(self) -> str:
        """The repository without the parts that Docker Hub implies."""
        return normalise(self.repository)


def parse_image(text: str) -> Image:
    """Take ``text`` apart. Nothing is refused: what a reference lacks is empty."""
    reference, _, digest = text.partition("@")
    prefix, slash, last = reference.rpartition("/")
    name, _, tag = last.partition(":")
    return Image(repository=f"{prefix}{slash}{name}", name=name, tag=tag, digest=digest)


def normalise(repository: str) -> str:
    """Drop a leading ``docker.io/`` (or ``index.docker.io/``), then a leading ``library/``."""
    for registry in _DOCKER_HUB:
        if repository.startswith(registry):
            repository = repository.removeprefix(registry)
            break
    return repository.removeprefix("library/")
