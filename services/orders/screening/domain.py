"""What screening says of an order, and by what an order is recognised again. No digit of a card, no person in clear."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Decision(StrEnum):
    """What becomes of a charge; of all rules that fire the severest counts."""

    ALLOW = "allow"
    REVIEW = "review"  # the money is only set aside until somebody has looked
    BLOCK = "block"  # nothing is charged; the buyer is told what a declined card is told

    @property
    def severity(self) -> int:
        """The higher, the severer."""
        return list(Decision).index(self)


class Kind(StrEnum):
    """By what orders are recognised as of one hand."""

    CARD = "card"
    ADDRESS = "address"
    EMAIL = "email"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Marks:
    """Keyed hashes of an order's card (of its kept parts), postal address, e-mail address and network; "" for none.

    They go when the buyer is erased.
    """

    card: str = ""
    address: str = ""
    email: str = ""
    network: str = ""

    def of(self, kind: Kind) -> str:
        """The mark of one kind."""
        return str(getattr(self, kind.value))

    @property
    def present(self) -> Mapping[Kind, str]:
        """Those that there are."""
        return {kind: self.of(kind) for kind in Kind if self.of(kind)}


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fired, what it wants, and its reason."""

    rule: str
    decision: Decision
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, by which version of the rules. `card_country` is where the issuer is, "" where unknown."""

    decision: Decision
    hits: tuple[Hit, ...] = ()
    rules_version: str = ""
    card_country: str = ""


class Finding(StrEnum):
    """How a review ends."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Review:
    """What a person has decided, before the provider is asked.

    `by` is "staff:<account id>", or "shop" for one that nobody has decided in time; `note` is sealed under the buyer's
    key, for it may speak of the buyer; what is named in `block` goes on the block list.
    """

    finding: Finding
    by: str
    at: datetime
    note: bytes = b""
    block: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is stored of these marks at a moment.

    `tries` and `declines` are counts by step of time (`tallies.STEP_S`) for each kind; `shop_declines` those of all
    together. `highest_paid` is the most that the account or the card has paid, by currency, in minor units; empty for
    who has never paid.
    """

    tries: Mapping[Kind, Mapping[int, int]] = field(default_factory=dict)
    declines: Mapping[Kind, Mapping[int, int]] = field(default_factory=dict)
    shop_declines: Mapping[int, int] = field(default_factory=dict)
    highest_paid: Mapping[str, int] = field(default_factory=dict)
    listed: frozenset[Kind] = frozenset()
