"""The sandbox's bank: the page on which a buyer approves or refuses a charge (3-D Secure). Works without script."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

from aiohttp import web

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.routes import TokenQuery
from services.orders.life.view import find_visible, link_to
from services.orders.payments.bank_words import WORDS
from services.orders.payments.provider import Outcome
from services.orders.payments.sandbox import SANDBOX_ACTIONS, Sandbox
from shared.errors import NotFound
from shared.http.context import identity_of
from shared.http.intake import parse_form, read_query
from shared.http.pages import Pages, redirect
from shared.http.preferences import LANGUAGES
from shared.http.routes import RequestModel


class BankAnswer(RequestModel):
    """Which button was pressed."""

    answer: Literal["approve", "refuse"]


def pages(deps: Deps) -> Sequence[web.RouteDef]:
    """The bank's page; with another provider there is none."""
    rendered = Pages(deps.settings, package="services.orders", languages=LANGUAGES)
    return [
        web.get(f"{SANDBOX_ACTIONS}/{{id}}", partial(_show, deps, rendered)),
        web.post(f"{SANDBOX_ACTIONS}/{{id}}", partial(_answer, deps)),
    ]


async def _show(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    order, sandbox = await _asked(deps, request)
    charge = await sandbox.lookup(order.id)
    if charge is None or charge.outcome is not Outcome.NEEDS_ACTION:
        return _back_to_the_shop(deps, order)
    return rendered.render(request, "bank.html", charge=charge, t=WORDS[rendered.language_of(request)])


async def _answer(deps: Deps, request: web.Request) -> web.Response:
    approved = (await parse_form(request, BankAnswer)).answer == "approve"
    order, sandbox = await _asked(deps, request)
    await sandbox.act(order.id, approved=approved)
    return _back_to_the_shop(deps, order)


async def _asked(deps: Deps, request: web.Request) -> tuple[Order, Sandbox]:
    """What is to be approved, for whoever may see the order."""
    if deps.sandbox is None:
        raise NotFound
    token = read_query(request, TokenQuery).t
    return await find_visible(deps, request.match_info["id"], who=identity_of(request), token=token), deps.sandbox


def _back_to_the_shop(deps: Deps, order: Order) -> web.Response:
    return redirect(link_to(deps, order, part="/payment").removeprefix(deps.settings.public_url))
