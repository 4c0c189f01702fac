"""An order as MongoDB keeps it. What a later release adds has a default here, so that older documents stay readable."""

from dataclasses import asdict
from typing import Any

from services.orders.life.domain import Attempt, Line, Order, Personal
from services.orders.life.parcel import Due, Replaced, Serial, Shipment, Withdrawal
from services.orders.life.screened import marks_document, marks_of, review_of, screened_fields, verdict_of
from services.orders.life.steps import Status, Step
from services.orders.payments.domain import Payment, PaymentState, Refund, RefundState
from services.orders.taxes.domain import Tax
from shared.mongo import Document


def document_of(order: Order) -> Document:
    """The whole document of a new order."""
    return {
        "_id": order.id,
        "number": order.number,
        "attempt": {"key": order.attempt.key, "body": order.attempt.body},
        **belonging(order),
        "language": order.language,
        "currency": order.currency,
        "country": order.country,
        "lines": [_line_document(line) for line in order.lines],
        "shipping_minor": order.shipping_minor,
        "tax": _tax_document(order.tax),
        "card_fingerprint": order.card_fingerprint,
        "newsletter": order.newsletter,
        "created_at": order.created_at,
        "status": order.status.value,
        "payment": _payment_document(order.payment),
        "history": [_step_document(step) for step in order.history],
        "version": order.version,
        **_gathered_from_the_start(order),
        "marks": marks_document(order.marks),
    }


def _gathered_from_the_start(order: Order) -> Document:
    document: Document = {"contact_key": order.contact_key} if order.contact_key else {}
    if order.replaces is not None:
        document |= {"replaces": asdict(order.replaces), "due": order.due.value, "unfinished": order.is_unfinished}
        document["settled_at"] = order.settled_at
    return document


def changing(order: Order) -> Document:
    """The fields that change in the course of an order's life, to be set by a later write."""
    fields: Document = {
        "status": order.status.value,
        "settled_at": order.settled_at,
        "attempt.key": order.attempt.key,
        "payment": _payment_document(order.payment),
        "history": [_step_document(step) for step in order.history],
        "due": order.due.value,
        "leftover_person": order.leftover_person,
        "unfinished": order.is_unfinished,
        "attention": order.needs_attention,
    }
    if order.is_orphan:
        fields["orphan"] = True
    if order.declined_because:
        fields["declined_because"] = order.declined_because
    if order.shipment is not None:
        fields["shipment"] = asdict(order.shipment)
    if order.withdrawal is not None:
        fields["withdrawal"] = asdict(order.withdrawal)
    return fields | screened_fields(order.screening, order.review)


def belonging(order: Order) -> Document:
    """Whose order it is, which changes once, where an account claims a guest's."""
    return {
        "account_id": order.account_id,
        "person_id": order.personal.person_id,
        "contact": order.personal.contact,
        "shipping": order.personal.shipping,
        "card": order.personal.card,
        "card_ending": order.personal.ending,
        **screened_fields(order.screening, order.review),
    }


def order_of(document: dict[str, Any]) -> Order:
    """Undo `document_of` and `changing`."""
    return Order(
        id=document["_id"],
        number=document["number"],
        status=Status(document["status"]),
        attempt=Attempt(**document["attempt"]),
        account_id=document["account_id"],
        language=document["language"],
        currency=document["currency"],
        country=document["country"],
        lines=tuple(Line(**line) for line in document["lines"]),
        shipping_minor=document["shipping_minor"],
        personal=_personal_of(document),
        card_fingerprint=document["card_fingerprint"],
        newsletter=document["newsletter"],
        created_at=document["created_at"],
        settled_at=document.get("settled_at"),
        declined_because=document.get("declined_because", ""),
        payment=_payment_of(document["payment"]),
        history=tuple(_step_of(step) for step in document["history"]),
        version=document["version"],
        shipment=_shipment_of(document["shipment"]) if "shipment" in document else None,
        replaces=Replaced(**document["replaces"]) if "replaces" in document else None,
        withdrawal=Withdrawal(**document["withdrawal"]) if "withdrawal" in document else None,
        due=Due(document.get("due", "")),
        leftover_person=document.get("leftover_person", ""),
        contact_key=document.get("contact_key", ""),
        marks=marks_of(document),
        screening=verdict_of(document),
        review=review_of(document),
        tax=Tax(**document["tax"]) if "tax" in document else Tax(),
        is_orphan=document.get("orphan", False),
    )


def _personal_of(document: Document) -> Personal:
    return Personal(
        person_id=document["person_id"],
        contact=document["contact"],
        shipping=document["shipping"],
        card=document["card"],
        ending=document["card_ending"],
    )


def _shipment_of(document: Document) -> Shipment:
    serials = tuple(Serial(**serial) for serial in document["serials"])
    return Shipment(document["carrier"], bytes(document["tracking"]), serials)


def _tax_document(tax: Tax) -> Document:
    return {"kind": tax.kind, "rate_bp": tax.rate_bp, "amount_minor": tax.amount_minor, "included": tax.included}


def _line_document(line: Line) -> Document:
    return {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "warranty_months": line.warranty_months,
    }


def _payment_document(payment: Payment) -> Document:
    document: Document = {
        "state": payment.state.value,
        "captured_minor": payment.captured_minor,
        "refunds": [_refund_document(refund) for refund in payment.refunds],
    }
    return document | {"action_url": payment.action_url} if payment.action_url else document


def _payment_of(document: Document) -> Payment:
    return Payment(
        state=PaymentState(document["state"]),
        captured_minor=document["captured_minor"],
        refunds=tuple(_refund_of(refund) for refund in document["refunds"]),
        action_url=document.get("action_url", ""),
    )


def _refund_document(refund: Refund) -> Document:
    return {
        "id": refund.id,
        "amount_minor": refund.amount_minor,
        "source": refund.source,
        "by": refund.by,
        "requested_at": refund.requested_at,
        "state": refund.state.value,
        "settled_at": refund.settled_at,
        "reason": refund.reason,
        "note": refund.note,
    }


def _refund_of(document: Document) -> Refund:
    return Refund(**document | {"state": RefundState(document["state"])})


def _step_document(step: Step) -> Document:
    document: Document = {"status": step.status.value, "at": step.at, "by": step.by}
    return document | {"note": step.note} if step.note else document


def _step_of(document: Document) -> Step:
    return Step(Status(document["status"]), document["at"], document["by"], document.get("note", ""))
