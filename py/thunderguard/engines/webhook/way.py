"""What a way is to have an API server judge: native policies, OPA or Kyverno behind it.

Each way is a class in a module of its own beside this one. The engine asks the questions; a way puts policies into
force, and reads from an answer what they said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Protocol

from thunderguard.controlplane.api import Answer
from thunderguard.model import JsonObject, OutcomeKind

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.engines.base import EngineOptions
    from thunderguard.engines.webhook.plane import Plane


class DoorError(Exception):
    """An answer that is no verdict; the message says why, ``kind`` what it counts as.

    ``is_passing`` says that another answer is to be had in a moment.
    """

    def __init__(self, reason: str, kind: OutcomeKind = OutcomeKind.ENGINE_FAILED, *, is_passing: bool = False) -> None:
        """Take the reason in one line."""
        super().__init__(reason)
        self.kind = kind
        self.is_passing = is_passing


@dataclass(frozen=True, slots=True)
class Said:
    """What an API server answers to one question.

    ``answer`` is the answer itself, with its warnings; ``annotations`` are those of its audit event, where policies and
    webhooks may leave words as well (those of a webhook begin with the webhook's name and a slash).
    """

    answer: Answer
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_denied(self) -> bool:
        """Whether admission refused the request; an answer that reaches a way is an admission or a refusal."""
        return not self.answer.is_good and not self.is_too_late

    @property
    def is_too_late(self) -> bool:
        """Whether the request was admitted and failed after that, since the object is there already."""
        return self.answer.status == 409 and self.answer.reason == "AlreadyExists"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policies of a way say of one object.

    ``lines`` is by rule what it found: lines ``<rule>: <path>: <message>. <remedy>``, joined by `` | ``. ``spoken`` are
    the rules that speak about the object, whether they found anything or not.
    """

    lines: Mapping[str, str]
    spoken: frozenset[str]


class Way(Protocol):
    """One way to enforce at the door. It is opened once for a plane, and then has one Estate after another."""

    name: ClassVar[str]
    #: The flags that the API server at the door needs for it, besides those of every plane.
    flags: ClassVar[tuple[str, ...]]

    @property
    def version(self) -> str:
        """What judges, and its version; "" until it is opened."""

    @property
    def policy_sha256(self) -> str:
        """The SHA-256 over the policies; "" until it is opened."""

    def open(self, plane: Plane, catalogue: Catalogue, options: EngineOptions) -> None:
        """Install the policies, without an Estate.

        Raises PolicyError when one does not compile, ToolMissingError and EngineError.
        """

    def use(self, estate: JsonObject, at: date | None = None) -> None:
        """Put the Estate object ``estate`` in the place of any other, under every name that the policies ask for.

        Its waivers are held against the day ``at`` (None: the present one). The engine proves by a probe that the
        Estate is in force; whoever sees it sees the day, too. Raises PolicyError when what the waivers are written into
        cannot be used, and EngineError.
        """

    def verdict(self, said: Said) -> Verdict:
        """Read what the policies say. Raises DoorError for what is no verdict, such as a webhook that is not there."""

    def close(self) -> None:
        """End and remove what :meth:`open` made outside of the plane, whose processes end by themselves."""
