"""From what happened to an order to the mail that tells of it. Each has a natural key: once for each happening."""

from services.mailer.notices.domain import Content, OrderFacts, OrderLink
from services.mailer.notices.post import NoticeRequest
from shared.contracts.orders import (
    GuestOrders,
    LinkRequested,
    Notified,
    OrderCancelled,
    OrderShipped,
    RefundCompleted,
    WithdrawalReceived,
)


def shipped(told: OrderShipped, to: Notified) -> NoticeRequest:
    """Who carries it, and under which number."""
    facts = OrderFacts(number=told.number, happened_at=told.shipped_at, carrier=to.carrier, tracking=to.tracking)
    return NoticeRequest(f"shipped:{told.order_id}", "shipped", told.language, _content(to, facts))


def cancelled(told: OrderCancelled, to: Notified) -> NoticeRequest:
    """What goes back, if anything was taken."""
    facts = OrderFacts(
        number=told.number,
        happened_at=told.cancelled_at,
        currency=told.currency,
        amount_minor=told.refund_minor,
    )
    template = "cancelled" if told.refund_minor else "cancelled-unpaid"
    return NoticeRequest(f"cancelled:{told.order_id}", template, told.language, _content(to, facts))


def refunded(told: RefundCompleted, to: Notified) -> NoticeRequest:
    """How much, and how much in all."""
    facts = OrderFacts(
        number=told.number,
        happened_at=told.completed_at,
        currency=told.currency,
        amount_minor=told.amount_minor,
        refunded_minor=told.refunded_minor,
    )
    key = f"refunded:{told.order_id}:{told.refund_id}"
    return NoticeRequest(key, "refunded", told.language, _content(to, facts))


def withdrawal(told: WithdrawalReceived, to: Notified) -> NoticeRequest:
    """That it was received, when, and what follows."""
    facts = OrderFacts(
        number=told.number,
        happened_at=told.received_at,
        currency=told.currency,
        amount_minor=told.refund_minor,
    )
    unsent = "withdrawal-returned" if told.is_back else "withdrawal-unshipped"
    template = "withdrawal" if told.must_return else unsent
    return NoticeRequest(f"withdrawal:{told.order_id}", template, told.language, _content(to, facts))


def links(told: LinkRequested, to: GuestOrders) -> NoticeRequest:
    """Where each order is seen; in vain once the links are too old."""
    orders = tuple(OrderLink(number=each.number, placed_at=each.placed_at, link=each.link) for each in to.orders)
    content = Content(email=to.email, name=to.name, orders=orders)
    return NoticeRequest(f"order-links:{told.request_id}", "order-links", told.language, content, told.expires_at)


def _content(to: Notified, facts: OrderFacts) -> Content:
    return Content(email=to.email, name=to.name, link=to.order_link, order=facts)
