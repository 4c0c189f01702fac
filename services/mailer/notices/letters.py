"""The text of each service mail, in the reader's language, as final bytes."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, get_args

from services.mailer.config import Settings
from services.mailer.languages import known, texts
from services.mailer.message.blueprint import Recipient, build
from services.mailer.message.headers import feedback_id, mailbox, text_field
from services.mailer.notices.domain import ClaimFacts, Content, Notice, OrderFacts, OrderLink, ReceiptFacts, TaxFacts
from services.mailer.rendering import render_html, render_text
from shared.contracts.auth import MailTemplate
from shared.formats import format_day, format_moment, format_money, format_rate, name_zone

ORDER_TEMPLATES = (
    "shipped", "cancelled", "cancelled-unpaid", "refunded", "withdrawal", "withdrawal-unshipped",
    "withdrawal-returned", "order-links",
)  # fmt: skip
CLAIM_TEMPLATES = (
    "claim-opened", "claim-approved", "claim-return", "claim-received", "claim-in-repair", "claim-review",
    "claim-message", "claim-repaired", "claim-replaced", "claim-refunded", "claim-rejected", "claim-withdrawn",
    "claim-due-soon", "claim-overdue",
)  # fmt: skip
TEMPLATES = ("confirm", "receipt", "campaign-flood", *ORDER_TEMPLATES, *CLAIM_TEMPLATES, *get_args(MailTemplate))
_IN_SUBJECTS = ("shop", "number")
"""What a subject may hold: the shop's name and numbers that we made; never anything that a person has written."""
_UNASKED = frozenset({"order-links", "confirm", "verify", "already-registered", "reset", "email-confirm"})
"""Anybody can cause these to be sent to anybody, under any name: they say so, and call nobody by name."""


def write_letter(notice: Notice, content: Content, settings: Settings, *, at: datetime) -> bytes:
    """The mail, always with the same Message-ID for the same notice.

    Raises:
        HeaderInjection: name or address could add to the header.
    """
    language = known(notice.language)
    words = texts(language)
    if notice.template in _UNASKED:
        content = content.model_copy(update={"name": ""})
    values = _values(notice, content, settings, words=words)
    subject = _filled(words[notice.template]["subject"], {key: values[key] for key in _IN_SUBJECTS if key in values})
    shown = {
        "subject": subject,
        "language": language,
        "hello": _filled(words["hello"] if content.name else words["hello_nobody"], values),
        "lines": [_filled(line, values) for line in words[notice.template]["lines"]],
        "heads": _heads(words["receipt"]),
        "rows": _rows(content.receipt, language, words["receipt"]) if content.receipt else [],
        "links": [_named(each, language, settings) for each in content.orders],
        "link": content.link,
        "button": words[notice.template]["button"],
        "code_hint": words["code"] if content.code else "",
        "code": content.code,
        "ignore": words["ignore"] if notice.template in _UNASKED else "",
        "regards": _filled(words["regards"], values),
        "contact": _filled(words["contact"], values),
    }
    blueprint = build(
        [
            ("From", [mailbox(*settings.sender, field="From")]),
            ("Subject", [text_field("Subject", subject)]),
            ("Auto-Submitted", [b"auto-generated"]),
            ("Feedback-ID", [feedback_id("", notice.template, "service", settings.signing_domain)]),
        ],
        text=render_text("notice", **shown),
        html=render_html("notice", **shown),
        boundary=f"=_{_digest(notice.id)[:24]}",
    )
    recipient = Recipient(content.name, content.email, f"{_digest(notice.id)}@{settings.mail_host}", content.link)
    return blueprint.fill(recipient, at=at)


def _digest(notice_id: str) -> str:
    return blake2b(b"padlock notice\0" + notice_id.encode(), digest_size=16).hexdigest()


def _filled(text: str, values: Mapping[str, str]) -> str:
    return text.format_map(values)


def _values(notice: Notice, content: Content, settings: Settings, *, words: Mapping[str, Any]) -> dict[str, str]:
    values = {"shop": settings.shop_name, "contact": settings.shop_contact, "name": content.name}
    values["topics"] = ", ".join(words["topics"][topic] for topic in content.topics)
    if content.order:
        values |= _order_values(content.order, known(notice.language), settings.time_zone)
    if content.claim:
        values |= _claim_values(content.claim, known(notice.language), settings.time_zone, words)
    if content.campaign:
        values |= {name: str(value) for name, value in content.campaign}
    if content.receipt:
        day = format_day(content.receipt.purchased_at, known(notice.language), settings.time_zone)
        values |= {"number": content.receipt.number, "day": day}
    return values


def _order_values(order: OrderFacts, language: str, time_zone: str) -> dict[str, str]:
    return {
        "number": order.number,
        "amount": format_money(order.amount_minor, order.currency, language),
        "refunded": format_money(order.refunded_minor, order.currency, language),
        "carrier": order.carrier,
        "tracking": order.tracking,
        "when": f"{format_moment(order.happened_at, language, time_zone)} ({name_zone(time_zone, language)})",
    }


def _claim_values(claim: ClaimFacts, language: str, time_zone: str, words: Mapping[str, Any]) -> dict[str, str]:
    return {
        "number": claim.number,
        "product": claim.product,
        "remedy": words["remedies"].get(claim.remedy, claim.remedy),
        "message": claim.message,
        "serial": claim.serial,
        "when": f"{format_moment(claim.happened_at, language, time_zone)} ({name_zone(time_zone, language)})",
    }


def _named(order: OrderLink, language: str, settings: Settings) -> dict[str, str]:
    day = format_day(order.placed_at, language, settings.time_zone)
    return {"name": f"{order.number} ({day})", "link": order.link}


def _heads(words: Mapping[str, str]) -> list[str]:
    return [words["item"], words["quantity"], words["price"]]


def _rows(receipt: ReceiptFacts, language: str, words: Mapping[str, Any]) -> list[list[str]]:
    def money(minor: int) -> str:
        return format_money(minor, receipt.currency, language)

    rows = [[line.name, str(line.quantity), money(line.amount_minor)] for line in receipt.lines]
    if receipt.shipping_minor:
        rows.append([words["shipping"], "", money(receipt.shipping_minor)])
    tax = [] if receipt.tax is None else [_tax_row(receipt.tax, language, words, money(receipt.tax.amount_minor))]
    total = [words["total"], "", money(receipt.total_minor)]
    is_included = receipt.tax is not None and receipt.tax.included
    return [*rows, total, *tax] if is_included else [*rows, *tax, total]


def _tax_row(tax: TaxFacts, language: str, words: Mapping[str, Any], amount: str) -> list[str]:
    """What the total holds of it, below the total; or what it adds, above."""
    name = words["taxes"].get(tax.kind, words["taxes"]["tax"])
    said = words["tax_included" if tax.included else "tax_added"]
    return [said.format(tax=name, rate=format_rate(tax.rate_bp, language)), "", amount]
