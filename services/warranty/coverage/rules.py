"""Which country grants how many months at the least, from when on, and what is excluded: read from `rules.toml`."""

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

BUNDLED = Path(__file__).with_name("rules.toml")
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_-]{1,39}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class BadCoverageRules(ValueError):
    """The file cannot be used. One line for each mistake, with its place."""


class WarrantyRule(BaseModel):
    """Purchases delivered to `countries` from `since_on` on are covered for at least `least_months` from `starts` on.

    `countries` are ISO 3166-1 alpha-2 codes; none means everywhere else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Code
    version: Annotated[int, Field(ge=1)]
    countries: frozenset[Country] = frozenset()
    since_on: date
    least_months: Annotated[int, Field(ge=0, le=1200)]
    starts: Literal["purchase", "delivery"] = "purchase"


class Exclusion(BaseModel):
    """A problem that is covered for so many months from the start only; 0 for never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    problem: Code
    after_months: Annotated[int, Field(ge=0, le=1200)]
    why: Code


class CoverageRules(BaseModel):
    """A file of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Annotated[tuple[WarrantyRule, ...], Field(min_length=1)]
    exclusion: tuple[Exclusion, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> "CoverageRules":
        names = [(rule.id, rule.version) for rule in self.rule]
        if len(set(names)) < len(names):
            raise ValueError("two rules have the same id and version")
        if not any(not rule.countries and rule.since_on <= date(1970, 1, 1) for rule in self.rule):
            raise ValueError("a rule without countries must hold since 1970-01-01, for every purchase that there is")
        return self

    def excluded(self, problem: str) -> Exclusion | None:
        """What is said of a problem."""
        return next((each for each in self.exclusion if each.problem == problem), None)

    def named(self, id: str, version: int) -> WarrantyRule | None:
        """A rule that a record names."""
        return next((rule for rule in self.rule if (rule.id, rule.version) == (id, version)), None)


def load_coverage_rules(path: Path = BUNDLED) -> CoverageRules:
    """The rules in a file.

    Raises:
        BadCoverageRules: with every mistake and its place.
    """
    try:
        return CoverageRules.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadCoverageRules(f"{path}: cannot be read ({type(error).__name__})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadCoverageRules(f"{path}: is not TOML: {error}") from None
    except ValidationError as error:
        raise BadCoverageRules("\n".join(_line(fault) for fault in error.errors())) from None


def rule_for(country: str, bought_on: date, rules: Sequence[WarrantyRule] | None = None) -> WarrantyRule:
    """The rule in force for a purchase of `bought_on` delivered to `country`: the latest that names the country."""
    among = RULES.rule if rules is None else rules
    fitting = [rule for rule in among if rule.since_on <= bought_on and _names(rule, country)]
    return max(fitting, key=lambda rule: (bool(rule.countries), rule.since_on, rule.version))


def _names(rule: WarrantyRule, country: str) -> bool:
    return not rule.countries or country.upper() in rule.countries


def _line(fault: Any) -> str:
    place = " ".join(str(part + 1) if isinstance(part, int) else str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


RULES = load_coverage_rules()
