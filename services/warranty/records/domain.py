"""Purchase records: what is said of one item sold, and until when it is covered."""

from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from services.warranty.coverage.rules import WarrantyRule, rule_for
from shared.contracts.orders import PurchaseCompleted, PurchasedItem
from shared.errors import DomainError, ErrorKind, NotFound

MOST_MONTHS = 1200
MOST_MINOR = 2**53
MOST_AHEAD = timedelta(days=1)
"""So far ahead of ours the clock of another service may be."""


class ImpossiblePurchase(DomainError):
    """The purchase cannot have happened as it is told."""

    kind = ErrorKind.INVALID
    code = "impossible-purchase"


class FromTheFuture(DomainError):
    """It is told of a day that has not come. Among the dead letters it waits for that day, or for its clock."""

    kind = ErrorKind.INVALID
    code = "from-the-future"


class PurchaseNotFound(NotFound):
    """There is no such purchase among yours."""

    code = "purchase-not-found"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose it is: an account, or the guest of one order. `key` finds the owner's records and says nothing.

    `sealed` holds the account's id, encrypted, and is empty for a guest; `contact` holds whom to write to, likewise.
    `proof` is that of the guest's link (`Buyer.link_proof`).
    """

    key: str
    sealed: bytes = b""
    contact: bytes = b""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class PurchaseRecord:
    """One item sold: a fact, which later events may add to but never change.

    `covered_until` is the last day of cover in the shop's time zone. `rule` and `rule_version` say where it comes from.
    A guest's record becomes that of the account that claims the order. Of somebody erased it has no owner.
    `serial` is that of the unit as it was shipped, or of the one that replaced it; empty before. `shipped_at` is when
    the first unit left. `cancelled_at` and `order_refunded_minor` are facts of the whole order: when it was cancelled,
    and how much of what was paid for it has gone back. `delivered_at` is when the first parcel arrived, where that is
    known; `extended_days` are those that repairs took. `is_paid_back`: a claim for this item ended with its price.
    `transferred_at` is when it was handed on to the owner that it has: what was paid and in which order is not theirs.
    """

    id: str
    order_id: str
    order_number: str
    sku: str
    name: str
    purchased_at: datetime
    unit_price_minor: int
    currency: str
    country: str
    months: int
    rule: str
    rule_version: int
    covered_until: date
    owner: Owner | None = None
    serial: str = ""
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    extended_days: int = 0
    is_paid_back: bool = False
    cancelled_at: datetime | None = None
    order_refunded_minor: int = 0
    transferred_at: datetime | None = None

    def for_owner(self) -> "PurchaseRecord":
        """What its owner may know: of a watch that was handed on, not in which order and for how much it was bought."""
        if self.transferred_at is None:
            return self
        return replace(self, order_number="", unit_price_minor=0, order_refunded_minor=0)


@dataclass(frozen=True, slots=True)
class OrderOwner:
    """The account that has claimed a guest's order: `buyer` is what orders told of it, sealed under its data key."""

    key: str
    person_id: str
    buyer: bytes


def refuse_future(happened_at: datetime, *, now: datetime) -> None:
    """Let pass what has happened.

    Raises:
        FromTheFuture: see there.
    """
    if happened_at > now + MOST_AHEAD:
        raise FromTheFuture


def refuse_impossible(purchase: PurchaseCompleted) -> None:
    """Let pass what can have been sold.

    Raises:
        ImpossiblePurchase: no items, an id missing or given twice, a price or a warranty beyond all reason.
    """
    ids = {item.item_id for item in purchase.items}
    if not ids or "" in ids or len(ids) < len(purchase.items):
        raise ImpossiblePurchase(f"order {purchase.order_id}: each item needs an id of its own")
    for item in purchase.items:
        if not (0 <= item.warranty_months <= MOST_MONTHS and 0 <= item.unit_price_minor <= MOST_MINOR):
            raise ImpossiblePurchase(f"item {item.item_id}: price or warranty out of range")


def nobodys(_item_id: str) -> None:
    """For records whose owner is not known, or not any more."""


def records_of(
    purchase: PurchaseCompleted,
    *,
    zone: tzinfo,
    rules: Sequence[WarrantyRule] | None = None,
    owner: Callable[[str], Owner | None] = nobodys,
) -> list[PurchaseRecord]:
    """One record for each item of a paid order that is not impossible; `owner` says whose the item with this id is.

    A moment of purchase becomes a day in `zone`, the shop's time zone.
    """
    bought_on = purchase.purchased_at.astimezone(zone).date()
    rule = rule_for(purchase.country, bought_on, rules)
    return [_record(purchase, item, rule, bought_on, owner(item.item_id)) for item in purchase.items]


def _record(
    purchase: PurchaseCompleted, item: PurchasedItem, rule: WarrantyRule, bought_on: date, owner: Owner | None
) -> PurchaseRecord:
    months = max(item.warranty_months, rule.least_months)
    return PurchaseRecord(
        id=item.item_id,
        order_id=purchase.order_id,
        order_number=purchase.number,
        sku=item.sku,
        name=item.name,
        purchased_at=purchase.purchased_at,
        unit_price_minor=item.unit_price_minor,
        currency=purchase.currency,
        country=purchase.country,
        months=months,
        rule=rule.id,
        rule_version=rule.version,
        covered_until=months_after(bought_on, months),
        owner=owner,
    )


def months_after(day: date, months: int) -> date:
    """The same day of the month `months` later, or that month's last day where it has no such day.

    So counts Regulation (EEC, Euratom) No 1182/71, Article 3(2)(c); the day itself still belongs to the period.
    """
    years, month0 = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month0 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
