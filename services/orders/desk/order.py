"""An order as support sees it: everything but persons and cards."""

from pydantic import AwareDatetime

from services.orders.life.domain import Order
from services.orders.life.lifeview import LifeView, life_of
from services.orders.life.steps import LEGAL
from services.orders.life.view import LineView, OrderSummary, TaxView, line_view, summary_of, tax_view


class DeskSummary(OrderSummary):
    """An order in the desk's list."""

    needs_attention: bool
    """The payment provider has refused a refund that nothing has made up for: find another way, or ask it anew."""


class DeskOrder(LifeView):
    """An order at the desk. Whom it is for is asked for with a reason. Money in minor units of `currency`."""

    id: str
    number: str
    status: str
    currency: str
    country: str
    lines: tuple[LineView, ...]
    shipping_minor: int
    tax: TaxView
    total_minor: int
    created_at: AwareDatetime
    is_guest: bool
    payment: str
    """created, needs_action, authorised, captured, failed, cancelled, partly_refunded or refunded."""
    captured_minor: int
    refundable_minor: int
    next: tuple[str, ...]
    """Where it may go from here."""
    needs_attention: bool


def desk_summary_of(order: Order) -> DeskSummary:
    """The order in the desk's list."""
    return DeskSummary(**summary_of(order).model_dump(), needs_attention=order.needs_attention)


def desk_order_of(order: Order) -> DeskOrder:
    """The order for support. The tracking number leads to a person: it is asked for with a reason, as the contact."""
    return DeskOrder(
        id=order.id,
        number=order.number,
        status=order.status.value,
        currency=order.currency,
        country=order.country,
        lines=tuple(line_view(line) for line in order.lines),
        shipping_minor=order.shipping_minor,
        tax=tax_view(order.tax),
        total_minor=order.total_minor,
        created_at=order.created_at,
        is_guest=not order.account_id,
        payment=order.payment.state.value,
        captured_minor=order.payment.captured_minor,
        refundable_minor=order.payment.refundable_minor,
        next=tuple(sorted(status.value for status in LEGAL[order.status])),
        needs_attention=order.needs_attention,
        **life_of(order, None, purpose="desk", names_staff=True),
    )
