"""From an event to the service mails that it asks for. Each has a natural key: a second delivery changes nothing."""

from collections.abc import Sequence

from services.mailer.notices.domain import Content, Line, ReceiptFacts, TaxFacts
from services.mailer.notices.post import NoticeRequest
from shared.contracts.auth import MessageRequested, Recipient
from shared.contracts.orders import Buyer, PurchaseCompleted, PurchasedItem


def requested_message(message: MessageRequested, recipient: Recipient) -> NoticeRequest:
    """The mail that auth wants sent."""
    content = Content(email=recipient.email, name=recipient.name, link=recipient.link, code=recipient.code)
    return NoticeRequest(
        f"message:{message.message_id}", message.template, message.language, content, message.expires_at
    )


def requested_receipt(purchase: PurchaseCompleted, buyer: Buyer) -> NoticeRequest:
    """The receipt of a paid order."""
    facts = ReceiptFacts(
        number=purchase.number,
        purchased_at=purchase.purchased_at,
        currency=purchase.currency,
        lines=_lines(purchase.items),
        shipping_minor=purchase.shipping_minor,
        total_minor=purchase.total_minor,
        tax=TaxFacts(**purchase.tax.model_dump()) if purchase.tax.amount_minor else None,
    )
    content = Content(email=buyer.email, name=buyer.name, link=buyer.order_link, receipt=facts)
    return NoticeRequest(
        f"receipt:{purchase.order_id}", "receipt", purchase.language, content, happened_at=purchase.purchased_at
    )


def _lines(items: Sequence[PurchasedItem]) -> tuple[Line, ...]:
    """Units of the same product at the same price are one line."""
    counts: dict[tuple[str, str, int], int] = {}
    for item in items:
        kind = (item.sku, item.name, item.unit_price_minor)
        counts[kind] = counts.get(kind, 0) + 1
    return tuple(
        Line(name=name, quantity=quantity, amount_minor=price * quantity)
        for (_, name, price), quantity in counts.items()
    )
