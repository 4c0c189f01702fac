"""Replacement orders: one unit for a claim, at no charge, to where the first one went.

The order is stored under the claim's key before its unit is taken, so that whoever asks again finds it; then it owes
stock the taking (`life.settle_stock`), which announces how that ended. It is no purchase: the warranty carries over.
"""

from dataclasses import replace
from datetime import datetime

from services.orders.deps import Deps
from services.orders.life.domain import SHOP, Attempt, Item, Order, OrderNotFound
from services.orders.life.parcel import Due, Replaced
from services.orders.life.reseal import Move, recipient_for
from services.orders.life.steps import Status, Step
from services.orders.life.store import KeyTaken
from shared.contracts.warranty import ReplacementRequested
from shared.errors import DomainError, ErrorKind, TransientError
from shared.personal import PersonKey, WrappedKey

_ARRIVED = frozenset({Status.SHIPPED, Status.DELIVERED, Status.RETURNED})


class UnknownItem(DomainError):
    """The order has no such unit."""

    kind = ErrorKind.INVALID
    code = "unknown-item"


class NotShipped(DomainError):
    """What was not shipped, or was refunded altogether, is not replaced."""

    kind = ErrorKind.CONFLICT
    code = "not-shipped"


async def replacement_for(deps: Deps, asked: ReplacementRequested) -> Order:
    """The replacement order of a claim, stored unless it is there already.

    Raises:
        OrderNotFound, UnknownItem, NotShipped, PersonErased: there is none, and nothing is stored.
        Tampered: who bought cannot be read.
        TransientError: the database is away.
    """
    key = deps.index.of("attempt", f"claim\n{asked.claim_id}")
    found = await deps.orders.find_by_key(key)
    if found is not None:
        return found
    original = await deps.orders.find(asked.order_id)
    if original is None:
        raise OrderNotFound
    order, wrapped = await _draft(deps, original, item_of(original, asked.item_id), asked.claim_id, key)
    try:
        await _store(deps, order, wrapped)
    except KeyTaken:
        found = await deps.orders.find_by_key(key)
        if found is None:
            raise TransientError("an order that is there cannot be read") from None
        return found
    return order


def item_of(order: Order, item_id: str) -> Item:
    """The unit of this id.

    Raises:
        UnknownItem: there is none.
    """
    for item in order.items:
        if item.id == item_id:
            return item
    raise UnknownItem


async def _draft(deps: Deps, original: Order, item: Item, claim_id: str, key: str) -> tuple[Order, WrappedKey | None]:
    if original.status not in _ARRIVED:
        raise NotShipped
    at, order_id = deps.clock(), deps.new_id()
    buyer = await deps.people.known(original.personal.person_id)
    person, wrapped = _person(deps, original, buyer, order_id)
    line = replace(item.line, quantity=1, unit_price_minor=0)
    order = Order(
        id=order_id,
        number=deps.new_number(),
        status=Status.IN_PREPARATION,
        attempt=Attempt(key, ""),
        account_id=original.account_id,
        language=original.language,
        currency=original.currency,
        country=original.country,
        lines=(line,),
        shipping_minor=0,
        personal=recipient_for(original.personal, Move(buyer, person, original.id, order_id)),
        card_fingerprint="",
        newsletter=False,
        created_at=at,
        settled_at=at,
        history=(_first_step(item, at),),
        replaces=Replaced(original.id, item.id, claim_id),
        due=Due.TAKE,
        contact_key=original.contact_key,
    )
    return order, wrapped


def _first_step(item: Item, at: datetime) -> Step:
    return Step(Status.IN_PREPARATION, at, SHOP, note=f"replaces {item.id}")


def _person(deps: Deps, original: Order, buyer: PersonKey, order_id: str) -> tuple[PersonKey, WrappedKey | None]:
    """The account's key; for a guest a new one, for each order of a guest stands alone."""
    return (buyer, None) if original.account_id else deps.people.new_person(f"order:{order_id}")


async def _store(deps: Deps, order: Order, wrapped: WrappedKey | None) -> None:
    if wrapped is None:
        await deps.orders.add(order)
        return
    await deps.data_keys.add(wrapped)  # first, so that no order is without its key
    try:
        await deps.orders.add(order)
    except KeyTaken:
        await deps.data_keys.withdraw(wrapped.person_id)
        raise
