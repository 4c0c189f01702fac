"""What warranty does, one function each."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from services.warranty.deps import Deps
from services.warranty.holders import Holder, guest_person, holder_key, owner_of
from services.warranty.records.domain import (
    OrderOwner,
    PurchaseNotFound,
    PurchaseRecord,
    records_of,
    refuse_future,
    refuse_impossible,
)
from services.warranty.records.store import ORDER_OWNERS, DayCount, Position
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.events import Event
from shared.personal import PersonErased, PersonKey, Place


async def record_purchase(deps: Deps, event: Event) -> None:
    """Keep a record of each item of a paid order. A second delivery of the event changes nothing.

    Raises:
        ImpossiblePurchase, FromTheFuture: see there.
    """
    purchase = event.read(PurchaseCompleted)
    refuse_future(purchase.purchased_at, now=deps.clock())
    refuse_impossible(purchase)
    buyer = deps.unsealer.open(Buyer, purchase.buyer, event=event, field="buyer")
    person_id = buyer.account_id or guest_person(purchase.order_id)
    try:
        person = await deps.people.person(person_id)
        owner = partial(owner_of, deps, purchase.order_id, buyer=buyer, person=person)
        records = records_of(purchase, zone=deps.settings.zone, owner=owner)
    except PersonErased:  # the purchase is a fact; whose it was is nobody's business any more
        records = records_of(purchase, zone=deps.settings.zone)
    await deps.purchases.add(records)
    if not buyer.account_id:
        await _give_to_account(deps, purchase.order_id, records)
    # An erasure drops the key and then cuts the links: if it did not see these records yet, its tombstone is seen here.
    if await deps.data_keys.find(person_id) is None:
        await deps.purchases.unlink(holder_key(deps, buyer.account_id, purchase.order_id))


async def _give_to_account(deps: Deps, order_id: str, records: Sequence[PurchaseRecord]) -> None:
    """A guest's order that an account has claimed before its purchase was known here."""
    owner = await deps.purchases.owner_of_order(order_id)
    if owner is None:
        return
    try:
        await link_to_account(deps, records, await deps.people.known(owner.person_id), owner)
    except PersonErased:
        return
    if await deps.data_keys.find(owner.person_id) is None:
        await deps.purchases.unlink(owner.key)


async def link_to_account(deps: Deps, records: Sequence[PurchaseRecord], person: PersonKey, owner: OrderOwner) -> None:
    """Give records of a guest's order to the account that has claimed it."""
    for record in records:
        place = Place(ORDER_OWNERS, "buyer", record.order_id)
        buyer = person.open_model(Buyer, owner.buyer, place, purpose="warranty")
        await deps.purchases.link(record.id, owner_of(deps, record.order_id, record.id, buyer=buyer, person=person))


async def list_purchases(
    deps: Deps, holder: Holder, *, limit: int, after: Position | None = None
) -> tuple[list[PurchaseRecord], Position | None]:
    """A page of the holder's records, newest first, and where the next one begins, if there is one."""
    found = await deps.purchases.of_owner(holder.key, limit=limit + 1, after=after)
    page = [record.for_owner() for record in found[:limit]]
    more = len(found) > limit
    return page, Position(page[-1].purchased_at, page[-1].id) if more else None


async def get_purchase(deps: Deps, holder: Holder, purchase_id: str) -> PurchaseRecord:
    """One of the holder's own records.

    Raises:
        PurchaseNotFound: there is none, or it is another's.
    """
    record = await deps.purchases.find(purchase_id, owner_key=holder.key)
    if record is None:
        raise PurchaseNotFound
    return record


async def find_unit(deps: Deps, serial: str) -> PurchaseRecord:
    """The record of the unit with this serial number, however it was typed; for staff, so without its owner.

    Raises:
        PurchaseNotFound: no unit has it now.
    """
    record = await deps.purchases.of_serial(unicodedata.normalize("NFKC", serial).strip().upper())
    if record is None:
        raise PurchaseNotFound
    return replace(record, owner=None)


@dataclass(frozen=True, slots=True)
class DeskFigures:
    """What the desk may see of all records: numbers only."""

    total: int
    by_day: list[DayCount]


async def count_records(deps: Deps, *, days: int) -> DeskFigures:
    """How many records there are, and how many of the last `days` days, today included."""
    today = deps.clock().astimezone(deps.settings.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    by_day = await deps.purchases.count_by_day(today - timedelta(days=days - 1))
    return DeskFigures(await deps.purchases.count(), by_day)
