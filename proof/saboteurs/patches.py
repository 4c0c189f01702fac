"""What is broken inside of a service: each function takes a rule out of the code that has been loaded."""

# mypy: disable-error-code="assignment,method-assign,attr-defined"
# Each puts something else in the place of what mypy knows.

import functools
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

PATCHES: dict[str, Callable[[], None]] = {}
LEAK = Path(os.environ.get("PROOF_LEAK", "/dev/null"))


def patch(function: Callable[[], None]) -> Callable[[], None]:
    """Known by the name of the function."""
    PATCHES[function.__name__] = function
    return function


@patch
def session_outlives_the_browser() -> None:
    """Its cookie gets an end of its own."""
    whole = web.StreamResponse.set_cookie

    def set_cookie(self: web.StreamResponse, name: str, value: str, **more: Any) -> None:
        if name.endswith("-session") and value:
            more["max_age"] = 86_400
        whole(self, name, value, **more)

    web.StreamResponse.set_cookie = set_cookie


@patch
def sessions_are_alike() -> None:
    """Every session's token begins with the same signs."""
    from services.auth.sessions import login

    whole = login.fresh_token
    login.fresh_token = lambda: "A" * 24 + whole()


@patch
def remembers_without_being_asked() -> None:
    """The box counts as ticked."""
    from services.auth.sessions import login

    whole = login.begin_session

    async def begin(*given: Any, **more: Any) -> Any:
        return await whole(*given, **more | {"remember": True})

    login.begin_session = begin


@patch
def no_grace_for_requests_at_once() -> None:
    """A value that was just replaced counts as stolen."""
    from datetime import timedelta

    from services.auth.sessions import remembered

    remembered.GRACE = timedelta(0)


@patch
def copies_are_good_for_ever() -> None:
    """A value that was replaced long ago still logs in."""
    from datetime import timedelta

    from services.auth.sessions import remembered

    remembered.GRACE = timedelta(days=3650)


@patch
def remembered_is_as_good_as_logged_in() -> None:
    """No password is asked for again."""
    from services.auth.sessions.domain import Session

    Session.fresh = property(lambda self: True)
    Session.is_recent = lambda self, now: True


@patch
def remember_cookies_are_alike() -> None:
    """Each begins with the same signs."""
    from services.auth.sessions.cookies import RememberCookies

    write, read, same = RememberCookies.write, RememberCookies.read, "the-same-pattern" * 2
    RememberCookies.write = lambda self, ticket: same + write(self, ticket)
    RememberCookies.read = lambda self, cookie: read(self, cookie.removeprefix(same))


@patch
def tells_who_is_a_customer() -> None:
    """Who is unknown is told so."""
    from services.auth.sessions import login
    from shared.errors import DomainError

    whole = login._prove

    async def prove(deps: Any, account: Any, *more: Any) -> Any:
        if account is None:
            raise DomainError("there is no such account")
        return await whole(deps, account, *more)

    login._prove = prove


@patch
def mails_without_end() -> None:
    """Whoever asks gets a victim as many mails as they like."""
    from services.auth.throttle.guard import Guard

    async def admit(*_: Any, **__: Any) -> None:
        return None

    Guard.admit_mail = admit


@patch
def other_sites_may_send_forms() -> None:
    """Any origin counts as our own."""
    from shared.http import middleware

    middleware._own_site = lambda *_: True


@patch
def any_identity_is_believed() -> None:
    """Whatever stands in X-Identity names an administrator."""
    from shared.identity import Identity, IdentityVerifier

    async def verify(self: IdentityVerifier, token: str) -> Identity:
        roles = frozenset({"admin", "support"})
        return Identity("somebody", roles=roles, session="s", fresh=True, email_verified=True)

    IdentityVerifier.verify = verify


@patch
def any_audience_is_good_enough() -> None:
    """A token that was made for another service is taken."""
    from shared import identity

    whole = identity._verify

    def verify(token: str, **more: Any) -> Any:
        for audience in ("auth", "orders", "mailer", "warranty"):
            try:
                return whole(token, **more | {"audience": audience})
            except identity.InvalidIdentity as refusal:
                last = refusal
        raise last

    identity._verify = verify


@patch
def everybody_sees_every_order() -> None:
    """Nobody asks whose order it is."""
    from services.orders.life import view

    view._may_see = lambda *_: True


@patch
def lists_hold_everybodys_orders() -> None:
    """The list of one's orders has those of all."""
    from services.orders.life.mongo import MongoOrders

    async def of_account(self: MongoOrders, account_id: str, *, before: str, limit: int) -> Any:
        return [] if before else await self._list({}, order=-1, limit=limit)

    MongoOrders.of_account = of_account


def _attempts(change: Callable[[dict[str, Any]], dict[str, Any]], **fields: Callable[[], Any]) -> None:
    from dataclasses import replace

    from services.orders.checkout import place

    whole = place.attempt_of

    def attempt_of(*given: Any, **more: Any) -> Any:
        made = whole(*given, **change(more))
        return replace(made, **{name: make() for name, make in fields.items()})

    place.attempt_of = attempt_of


@patch
def each_request_is_a_purchase() -> None:
    """The Idempotency-Key is forgotten."""
    import secrets

    _attempts(lambda more: more | {"key": secrets.token_hex(16)})


@patch
def a_key_fits_any_body() -> None:
    """Another cart under the same key is answered with the first one's order."""
    _attempts(lambda more: more, body=lambda: "any")


@patch
def a_key_is_everybodys() -> None:
    """Two who send the same key and body are taken for one."""
    _attempts(lambda more: more | {"account_id": ""})


def _leaking(what: Callable[[Any], str]) -> None:
    from services.orders.checkout import routes

    whole = routes.place_order

    @functools.wraps(whole)
    async def place_order(deps: Any, purchase: Any) -> Any:
        with LEAK.open("a", encoding="utf-8") as file:
            file.write(what(purchase.request) + "\n")
        return await whole(deps, purchase)

    routes.place_order = place_order


@patch
def logs_the_card() -> None:
    """A line of a log has the whole number."""
    _leaking(lambda request: str(request.card.number.reveal()))


@patch
def logs_the_buyer() -> None:
    """A line of a log has the buyer's name."""
    _leaking(lambda request: str(request.contact.name))


@patch
def tells_nobody_of_a_purchase() -> None:
    """The order is paid, and no event says so."""
    from services.orders.life.mongo import MongoOrders

    whole = MongoOrders._change

    async def silent(self: MongoOrders, order: Any, update: Any, events: Any) -> Any:
        return await whole(self, order, update, [])

    MongoOrders._change = silent


@patch
def looking_unsubscribes() -> None:
    """The page behind the link does at once what its button should do."""
    from services.mailer.subscriptions import pages

    pages._unsubscribe_button = pages._unsubscribe


@patch
def unsubscribing_does_nothing() -> None:
    """The answer is "done", and nothing was."""
    from services.mailer.subscriptions import usecases

    async def unsubscribe(*_: Any) -> None:
        return None

    usecases.unsubscribe = unsubscribe


@patch
def no_cap() -> None:
    """Every month has room for one more."""
    from services.mailer.sending import mongo

    mongo._below = lambda _: {}


@patch
def whoever_asked_is_a_subscriber() -> None:
    """Nobody need confirm."""
    from services.mailer.sending import mongo

    whole = mongo._claimable
    mongo._claimable = lambda terms: whole(terms) | {"state": {"$exists": True}}


@patch
def a_crash_leaves_its_memory() -> None:
    """Cores are written."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    resource.setrlimit = lambda *_: None
