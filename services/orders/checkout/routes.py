"""`POST /api/orders` over HTTP."""

from collections.abc import Sequence
from functools import partial

from services.orders.checkout.attempt import (
    HEADER,
    BadIdempotencyKey,
    CardNumberInKey,
    KeyUsedOtherwise,
    NotCharged,
    StillInFlight,
    read_key,
)
from services.orders.checkout.place import Placed, Purchase, place_order
from services.orders.checkout.refusals import declined_fault
from services.orders.checkout.requests import CheckoutRequest
from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.steps import OPEN, Status
from services.orders.life.view import OrderView, view_of
from services.orders.quotes.domain import QuoteExpired, QuoteMismatch
from services.orders.stock.store import SoldOut
from shared.errors import InvalidInput
from shared.http.client import network_of
from shared.http.preferences import read_preferences
from shared.http.problems import CONTENT_TYPE, FieldProblem, Problem
from shared.http.routes import Answer, Call, Route
from shared.personal import PersonErased

PATH = "/api/orders"


def routes(deps: Deps) -> Sequence[Route]:
    """Checkout's part of the contract."""
    return [
        Route(
            "POST",
            PATH,
            partial(_place, deps),
            "Buy: priced, charged once and announced once, however often it is asked with the same Idempotency-Key",
            body=CheckoutRequest,
            answers={201: OrderView, 202: OrderView, 402: Problem},
            problems=[
                BadIdempotencyKey,
                CardNumberInKey,
                InvalidInput,
                SoldOut,
                QuoteExpired,
                QuoteMismatch,
                StillInFlight,
                KeyUsedOtherwise,
                PersonErased,
            ],
            required_headers=[HEADER],
        )
    ]


async def _place(deps: Deps, call: Call[CheckoutRequest, None]) -> Answer:
    purchase = Purchase(
        request=call.body,
        key=read_key(*call.headers(HEADER)),
        account_id=call.identity.subject if call.identity else "",
        language=read_preferences(call.request, deps.settings).language,
        network=network_of(call.request),
    )
    return await _answer(deps, await place_order(deps, purchase))


async def _answer(deps: Deps, placed: Placed) -> Answer:
    headers = {"Idempotency-Replayed": "true"} if placed.is_replay else {}
    if placed.order.status is Status.FAILED:
        raise NotCharged
    if placed.order.status is Status.DECLINED:
        return Answer(402, _declined(placed.order), headers=headers | {"Content-Type": CONTENT_TYPE})
    view = await view_of(deps, placed.order, placed.card)
    status = 202 if placed.order.status in OPEN else 201
    return Answer(status, view, headers=headers | {"Location": f"{PATH}/{placed.order.id}"})


def _declined(order: Order) -> Problem:
    fault = declined_fault(order.declined_because)
    return Problem(
        type="/problems/payment-declined",
        title="Payment Required",
        status=402,
        detail="The card was declined, and nothing was charged. Try again with a new Idempotency-Key.",
        instance=order.id,  # of the attempt, not of the request: a repeated one gets the same answer
        errors=(FieldProblem(pointer=fault.pointer, code=fault.code, detail=fault.detail),),
    )
