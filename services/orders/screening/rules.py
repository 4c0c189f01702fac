"""The rules: read from a TOML file, checked as a whole, every mistake named with its place."""

import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from services.orders.screening.domain import Decision, Hit, Verdict
from services.orders.screening.signals import Condition, Facts

BUNDLED = Path(__file__).with_name("rules.toml")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,47}$")]


class BadRules(ValueError):
    """The file cannot be used. `mistakes` has one line for each fault."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Rule(BaseModel):
    """Fires where all of its conditions hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    then: Literal["review", "block"]
    reason: Annotated[str, StringConstraints(min_length=10, max_length=160)]
    when: Annotated[tuple[Condition, ...], Field(min_length=1)]

    def fires(self, facts: Facts) -> bool:
        """Whether all conditions hold."""
        return all(condition.holds(facts) for condition in self.when)


class Rules(BaseModel):
    """A file of rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,40}$")]
    rule: tuple[Rule, ...] = ()

    @field_validator("rule")
    @classmethod
    def _named_once(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        twice = [name for name, count in Counter(rule.name for rule in rules).items() if count > 1]
        if twice:
            raise ValueError(f"rules need names of their own: {', '.join(twice)}")
        return rules

    def judge(self, facts: Facts) -> Verdict:
        """What these rules say; the severest of those that fire decides."""
        hits = tuple(Hit(r.name, Decision(r.then), r.reason) for r in self.rule if r.fires(facts))
        decision = max((hit.decision for hit in hits), key=lambda each: each.severity, default=Decision.ALLOW)
        return Verdict(decision, hits, self.version, facts.card_country)


def load_rules(path: Path = BUNDLED) -> Rules:
    """The rules in a file.

    Raises:
        BadRules: with every mistake and its place, such as `rule 2 (velocity-card): when 1: within: ...`.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadRules([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRules([f"{path}: is not TOML: {error}"]) from None
    try:
        return Rules.model_validate(document)
    except ValidationError as error:
        raise BadRules([_line(document, fault["loc"], fault["msg"]) for fault in error.errors()]) from None


def _line(document: dict[str, Any], place: Sequence[int | str], message: str) -> str:
    words: list[str] = []
    parts = [part for part in place if part not in _TAGS]
    for before, part in zip([None, *parts], parts, strict=False):
        if not isinstance(part, int):
            words.append(str(part))
        elif before == "rule":
            words[-1] = f"rule {part + 1}{_named(document, part)}"
        else:
            words[-1] = f"{words[-1]} {part + 1}"
    return ": ".join([*words, message.removeprefix("Value error, ")])


_TAGS = frozenset({"tries", "declines", "amount", "amount_over_history", "buyer", "listed"})
"""What pydantic puts into a place for the kind of a condition (`card_country` is a word of its own in none)."""


def _named(document: dict[str, Any], place: int) -> str:
    rules = document.get("rule")
    rule = rules[place] if isinstance(rules, list) else None
    name = rule.get("name") if isinstance(rule, dict) else None
    return f" ({name})" if isinstance(name, str) else ""
