"""What an order gathers on its way: the parcel with its serial numbers, what it stands in for, what it still owes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import DomainError, ErrorKind, FieldError, InvalidInput


class Due(StrEnum):
    """What stock has yet to hear of an order."""

    NOTHING = ""
    GIVE_BACK = "give-back"
    TAKE = "take"


@dataclass(frozen=True, slots=True)
class Serial:
    """The serial number of one unit."""

    item_id: str
    serial: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """A parcel. `tracking` is sealed under the buyer's key: whoever has the number may learn where it goes."""

    carrier: str
    tracking: bytes
    serials: tuple[Serial, ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """The unit of another order that this order stands in for, at no charge, and the claim that asked for it."""

    order_id: str
    item_id: str
    claim_id: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The buyer withdraws from the contract: declared, then, where `confirmed_at` is there, for good."""

    declared_at: datetime
    confirmed_at: datetime | None = None


class SerialTaken(DomainError):
    """A serial number belongs to another unit."""

    kind = ErrorKind.CONFLICT
    code = "serial-taken"

    def __init__(self) -> None:
        detail = "A serial number belongs to another unit."
        super().__init__(detail, fields=[FieldError("/serials", self.code, detail)])


def given_serials(item_ids: Sequence[str], given: Mapping[str, str]) -> Mapping[str, str]:
    """The serial numbers that staff gave, checked against the order's units.

    Raises:
        InvalidInput: field `/serials`: for a unit that the order does not have, or the same number twice.
    """
    if not given.keys() <= set(item_ids):
        raise InvalidInput(fields=[FieldError("/serials", "unknown-item", "This order has no such unit.")])
    if len(set(given.values())) < len(given):
        raise InvalidInput(fields=[FieldError("/serials", "repeated-serial", "Each unit has a number of its own.")])
    return given
