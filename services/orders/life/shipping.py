"""The way of a parcel: in preparation, shipped, delivered, returned. Taken by staff, each step with who and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.orders.deps import Deps
from services.orders.life.announce import announcer_of
from services.orders.life.change import change
from services.orders.life.domain import Order
from services.orders.life.finish import finish_soon
from services.orders.life.parcel import Due, Serial, SerialTaken, Shipment, given_serials
from services.orders.life.steps import Status
from services.orders.life.store import COLLECTION
from shared.contracts.orders import OrderDelivered
from shared.errors import DomainError, ErrorKind, TransientError
from shared.events import Event
from shared.ids import new_number
from shared.personal import Place

_TRIES = 3
SERIAL_PREFIX = "TF"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What staff say of a shipment; `serials` by item id, the shop makes those that are left out."""

    carrier: str
    tracking: str
    serials: Mapping[str, str] = field(default_factory=dict)


class NothingPaid(DomainError):
    """All of the money has gone back: there is nothing to ship."""

    kind = ErrorKind.CONFLICT
    code = "nothing-paid"


async def prepare(deps: Deps, order: Order, *, by: str, if_match: str | None = None) -> Order:
    """Somebody begins to pack it.

    Raises:
        IllegalStep, ChangedMeanwhile, TransientError: as `change`.
    """
    return await _step(deps, order, Status.IN_PREPARATION, by=by, if_match=if_match)


async def deliver(deps: Deps, order: Order, *, by: str, if_match: str | None = None) -> Order:
    """It has arrived.

    Raises:
        IllegalStep, ChangedMeanwhile, TransientError: as `change`.
    """
    at = deps.clock()

    def decide(order: Order) -> tuple[Order, tuple[Event, ...]]:
        told = OrderDelivered(order_id=order.id, delivered_at=at, is_replacement=order.replaces is not None)
        event = Event.of(told, id=deps.new_id(), subject=order.id, at=at)
        return order.step(Status.DELIVERED, at=at, by=by), (event,)

    return await change(deps, order, decide, if_match=if_match)


async def take_back(deps: Deps, order: Order, *, by: str, if_match: str | None = None) -> Order:
    """It has come back; where the buyer has withdrawn, the money goes back with this step.

    Raises:
        IllegalStep, ChangedMeanwhile, TransientError: as `change`.
    """
    at = deps.clock()

    def decide(order: Order) -> tuple[Order, tuple[()]]:
        returned = order.step(Status.RETURNED, at=at, by=by)
        if order.withdrawal is not None and order.withdrawal.confirmed_at is not None:
            returned = returned.with_rest_refunded("withdrawal", at=at, by=by)
        return returned, ()

    return await finish_soon(deps, await change(deps, order, decide, if_match=if_match))


async def ship(deps: Deps, order: Order, parcel: Parcel, *, by: str, if_match: str | None = None) -> Order:
    """Hand it to the carrier: each unit gets its serial number, and the event leaves with the step.

    Raises:
        InvalidInput, SerialTaken: field `/serials`.
        PersonErased: nobody knows any more where it should go.
        NothingPaid, IllegalStep, ChangedMeanwhile, TransientError: as `change`.
    """
    person = await deps.people.known(order.personal.person_id)
    announcer, at = await announcer_of(deps, order), deps.clock()
    given = given_serials([item.id for item in order.items], parcel.serials)
    tracking = person.seal(parcel.tracking, Place(COLLECTION, "tracking", order.id))

    def decide(order: Order) -> tuple[Order, list[Event]]:
        _refuse_unready(order)
        if order.personal.person_id != person.person_id:
            raise TransientError("an account has just claimed the order", retry_after_s=1)
        serials = tuple(Serial(item.id, given.get(item.id) or _new_serial()) for item in order.items)
        changed = order.shipped(Shipment(parcel.carrier, tracking, serials), at=at, by=by)
        return changed, [announcer.shipped(changed, tracking=parcel.tracking, at=at)]

    for _ in range(_TRIES):
        try:
            return await change(deps, order, decide, if_match=if_match)
        except SerialTaken:
            if len(given) == len(order.items):
                raise
    raise SerialTaken


def _refuse_unready(order: Order) -> None:
    if order.due is Due.TAKE:
        raise TransientError("its unit is not taken from stock yet", retry_after_s=3)
    if order.payment.captured_minor and not order.payment.refundable_minor:
        raise NothingPaid


def _new_serial() -> str:
    return f"{SERIAL_PREFIX}-{new_number(groups=3)}"


async def _step(deps: Deps, order: Order, to: Status, *, by: str, if_match: str | None) -> Order:
    at = deps.clock()
    return await change(deps, order, lambda o: (o.step(to, at=at, by=by), ()), if_match=if_match)
