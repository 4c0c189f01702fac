"""Which claims the rules approve by themselves: a TOML file, checked as a whole, every mistake named with its place."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.warranty.claims.domain import Claim, Problem, Remedy

BUNDLED = Path(__file__).with_name("decisions.toml")
REPEATED = "repeated-claims"
MANY_CLAIMS = 2
"""So many claims of one claimant, or for one item, before this one are a reason to look twice."""
ORDER_REFUNDED = "order-refunded"
"""Some of the order's money has gone back: whether it was for this item a person has to see."""
NOT_SHIPPED = "not-shipped"
SERIAL_OF_ANOTHER, SERIAL_DIFFERS = "serial-of-another", "serial-differs"
"""What the serial number that a claimant gives may be a reason for: both to look twice."""
MOST_COUNTED = 101
"""Nobody counts further: no rule allows more than a hundred earlier claims."""


class BadClaimRules(ValueError):
    """The file cannot be used. One line for each mistake, with its place."""


class ApprovalRule(BaseModel):
    """Approves what is wanted where everything fits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,47}$")]
    wanted: Annotated[frozenset[Remedy], Field(min_length=1)]
    problems: frozenset[Problem] = frozenset()
    within_days: Annotated[int, Field(ge=0, le=36500)]
    at_most: Annotated[Mapping[Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")], int], Field(min_length=1)]
    most_claims: Annotated[int, Field(ge=0, le=100)]

    def fits(self, case: "Case") -> bool:
        """Whether every condition holds."""
        claim = case.claim
        return (
            claim.wanted in self.wanted
            and (not self.problems or claim.problem in self.problems)
            and (case.on - claim.cover.since).days <= self.within_days
            and claim.item.price_minor <= self.at_most.get(claim.item.currency, -1)
            and case.earlier_claims <= self.most_claims
        )


@dataclass(frozen=True, slots=True)
class Case:
    """What rules are held against: a claim on a day, and how many its claimant had, or its item, before."""

    claim: Claim
    on: date
    earlier_claims: int

    @property
    def for_people(self) -> str:
        """Why a person is to look whatever the rules are: a stable code, "" where rules may decide."""
        if not self.claim.cover.is_covered:
            return "not-covered"
        if not self.claim.item.serial:
            return NOT_SHIPPED
        return self.claim.flags[0] if self.claim.flags else ""


class ClaimRules(BaseModel):
    """A file of rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,40}$")]
    approve: tuple[ApprovalRule, ...] = ()

    def approving(self, case: Case) -> ApprovalRule | None:
        """The first rule that approves; none where a person is to look."""
        if case.for_people:
            return None
        return next((rule for rule in self.approve if rule.fits(case)), None)


def load_claim_rules(path: Path | None = None) -> ClaimRules:
    """The rules in a file, or those that come with the service.

    Raises:
        BadClaimRules: with every mistake and its place.
    """
    file = path or BUNDLED
    try:
        return ClaimRules.model_validate(tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise BadClaimRules(f"{file}: cannot be read ({type(error).__name__})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadClaimRules(f"{file}: is not TOML: {error}") from None
    except ValidationError as error:
        raise BadClaimRules("\n".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors())) from None


def _place(parts: Sequence[int | str]) -> str:
    return " ".join(str(part + 1) if isinstance(part, int) else part for part in parts)
