"""How far an order is: the part of its view that its buyer and the desk share. Neither persons nor cards."""

from typing import Any

from pydantic import AwareDatetime

from services.orders.life.domain import Order
from services.orders.life.steps import LEGAL, Status, Step
from services.orders.life.store import COLLECTION
from services.orders.payments.domain import Refund
from shared.http.routes import ResponseModel
from shared.personal import PersonKey, Place


class StepView(ResponseModel):
    """A line of the timeline."""

    status: str
    at: AwareDatetime
    by: str
    """buyer, shop or staff; at the desk, staff with their id."""
    note: str = ""


class SerialView(ResponseModel):
    """The serial number of one unit."""

    item_id: str
    sku: str
    serial: str


class ShipmentView(ResponseModel):
    """The parcel."""

    carrier: str
    tracking: str
    """For the buyer; at the desk empty: there it is asked for with the contact."""
    serials: tuple[SerialView, ...]


class RefundView(ResponseModel):
    """Money that goes back, in minor units of the order's currency."""

    id: str
    amount_minor: int
    source: str
    """cancellation, desk, withdrawal, or claim: and its id."""
    state: str
    """pending, done or refused."""
    requested_at: AwareDatetime
    settled_at: AwareDatetime | None
    note: str
    """Why it is wanted: goodwill, defect, return, price or other; empty where nobody said."""


class WithdrawalView(ResponseModel):
    """The buyer withdraws from the contract."""

    declared_at: AwareDatetime
    confirmed_at: AwareDatetime | None


class LifeView(ResponseModel):
    """How far an order is."""

    timeline: tuple[StepView, ...]
    shipment: ShipmentView | None
    refunds: tuple[RefundView, ...]
    refunded_minor: int
    """All that has gone back so far."""
    can_cancel: bool
    replaces: str
    """The id of the order whose unit this one replaces at no charge; empty for every other."""
    withdrawal: WithdrawalView | None


def life_of(order: Order, person: PersonKey | None, *, purpose: str, names_staff: bool = False) -> dict[str, Any]:
    """The fields of `LifeView`. `person` opens the tracking number; without one it stays closed."""
    return {
        "timeline": tuple(_step(step, names_staff=names_staff) for step in order.history),
        "shipment": _shipment(order, person, purpose),
        "refunds": tuple(refund_view(refund) for refund in order.payment.refunds),
        "refunded_minor": order.payment.refunded_minor,
        "can_cancel": Status.CANCELLED in LEGAL[order.status],
        "replaces": "" if order.replaces is None else order.replaces.order_id,
        "withdrawal": _withdrawal(order),
    }


def tracking_of(order: Order, person: PersonKey, *, purpose: str) -> str:
    """The parcel's number at the carrier; empty where nothing was shipped."""
    if order.shipment is None:
        return ""
    return person.open(order.shipment.tracking, Place(COLLECTION, "tracking", order.id), purpose=purpose).decode()


def _step(step: Step, *, names_staff: bool) -> StepView:
    by = step.by if names_staff else step.by.partition(":")[0]
    return StepView(status=step.status.value, at=step.at, by=by, note=step.note)


def _shipment(order: Order, person: PersonKey | None, purpose: str) -> ShipmentView | None:
    if order.shipment is None:
        return None
    tracking = "" if person is None else tracking_of(order, person, purpose=purpose)
    skus = {item.id: item.line.sku for item in order.items}
    serials = tuple(
        SerialView(item_id=each.item_id, sku=skus[each.item_id], serial=each.serial) for each in order.shipment.serials
    )
    return ShipmentView(carrier=order.shipment.carrier, tracking=tracking, serials=serials)


def refund_view(refund: Refund) -> RefundView:
    """A refund, as everybody sees it."""
    return RefundView(
        id=refund.id,
        amount_minor=refund.amount_minor,
        source=refund.source,
        state=refund.state.value,
        requested_at=refund.requested_at,
        settled_at=refund.settled_at,
        note=refund.note,
    )


def _withdrawal(order: Order) -> WithdrawalView | None:
    own = order.withdrawal
    return None if own is None else WithdrawalView(declared_at=own.declared_at, confirmed_at=own.confirmed_at)
