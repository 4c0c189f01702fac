"""Payments over HTTP: the provider's webhook, and the sandbox's book: which order was charged what, and no person."""

from collections.abc import Mapping, Sequence
from functools import partial

from pydantic import AwareDatetime

from services.orders.deps import Deps
from services.orders.payments import webhook
from shared.http.intake import MalformedBody
from shared.http.paging import PageQuery, cut, next_link
from shared.http.routes import Answer, Call, ResponseModel, Route, roles

PATH = "/api/orders/payments/sandbox/charges"


class ChargeView(ResponseModel):
    """One entry of the book."""

    order_id: str
    amount_minor: int
    currency: str
    outcome: str
    charged_at: AwareDatetime


class ChargeList(ResponseModel):
    """A page of the book in the order of order ids, and how many entries of each outcome it has in all."""

    items: tuple[ChargeView, ...]
    counts: Mapping[str, int]


def routes(deps: Deps) -> Sequence[Route]:
    """The sandbox's part of the contract."""
    return [
        Route("GET", PATH, partial(_charges, deps), "The sandbox provider's book of charges", query=PageQuery,
              answers={200: ChargeList}, access=roles("support", "admin")),
        Route("POST", webhook.PATH, partial(webhook.receive, deps), "The payment provider's webhook",
              problems=[webhook.BadSignature, MalformedBody], required_headers=[webhook.SIGNATURE]),
    ]  # fmt: skip


async def _charges(deps: Deps, call: Call[None, PageQuery]) -> Answer:
    query = call.query
    page, has_more = cut(await deps.ledger.entries(behind=query.behind, limit=query.limit + 1), query)
    views = tuple(
        ChargeView(
            order_id=charge.order_id,
            amount_minor=charge.amount_minor,
            currency=charge.currency,
            outcome=charge.outcome.value,
            charged_at=charge.charged_at,
        )
        for charge in page
    )
    counts = {outcome.value: count for outcome, count in (await deps.ledger.counts()).items()}
    headers = next_link(PATH, query, page[-1].order_id) if has_more else {}
    return Answer(200, ChargeList(items=views, counts=counts), headers=headers)
