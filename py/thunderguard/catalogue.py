"""The rule catalogue: the one home of ids, levels, scopes and words (rego/thunderguard/catalogue/data.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard import assets
from thunderguard.errors import CatalogueError
from thunderguard.model import Level, Scope


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``complete`` says that only a whole estate answers it, ``violations`` maps a key to its templates."""

    id: str
    title: str
    why: str
    scope: Scope
    level: Level
    complete: bool
    since: str
    audit: str
    violations: Mapping[str, tuple[str, str]]

    def text(self, key: str, args: Mapping[str, str]) -> tuple[str, str]:
        """Give message and remedy of the violation ``key``; each {word} is replaced by ``args[word]``, once.

        Raises CatalogueError for a violation or word that is not there.
        """
        if key not in self.violations:
            raise CatalogueError(f"rule {self.id} has no violation {key!r}")
        message, remedy = self.violations[key]
        return _render(message, args, self.id), _render(remedy, args, self.id)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All rules by id, in the order of the ids."""

    rules: Mapping[str, Rule]

    @property
    def object_rules(self) -> tuple[str, ...]:
        """The ids of the rules that one object decides."""
        return self._of(Scope.OBJECT)

    @property
    def estate_rules(self) -> tuple[str, ...]:
        """The ids of the rules that need the whole set."""
        return self._of(Scope.ESTATE)

    @property
    def report_rules(self) -> tuple[str, ...]:
        """The ids of the rules about what was found, which no engine is asked: they are answered after judging."""
        return self._of(Scope.REPORT)

    def _of(self, scope: Scope) -> tuple[str, ...]:
        return tuple(rule.id for rule in self.rules.values() if rule.scope is scope)


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue (None: the project's own). Raises CatalogueError when it is damaged."""
    return _load(path or assets.root("rego") / "thunderguard" / "catalogue" / "data.yaml")


@cache
def _load(path: Path) -> Catalogue:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=CSafeLoader)
        rules = {
            name: Rule(
                id=name,
                title=entry["title"],
                why=entry["why"],
                scope=Scope(entry["scope"]),
                level=Level(entry["level"]),
                complete=entry.get("complete", False),
                since=entry["since"],
                audit=entry["audit"],
                violations={key: (words["message"], words["remedy"]) for key, words in entry["violations"].items()},
            )
            for name, entry in sorted(data["rules"].items())
        }
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise CatalogueError(
            f"the rule catalogue {path} is damaged: {error!r}", hint="install Thunderguard again"
        ) from error
    return Catalogue(rules)


def _render(template: str, args: Mapping[str, str], rule: str) -> str:
    head, *parts = template.split("{")
    pieces = [head]
    for part in parts:
        word, _, rest = part.partition("}")
        if word not in args:
            raise CatalogueError(f"rule {rule} gives no argument for {{{word}}}")
        pieces += (args[word], rest)
    return "".join(pieces)
