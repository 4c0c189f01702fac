"""P20: each one sees only their own; the gateway is no way round.

The table of routes, and which roles may take them, comes from the published contracts: a new route is in it by itself,
and one with a new kind of id in its path fails here until somebody says whose id that is.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from deploy.outside.browser import Answer, Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import ADDRESS, Shop, order
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address, a_sku, key
from tests.recording import Tried

pytestmark = pytest.mark.together

SERVICES = ("auth", "orders", "mailer", "warranty")
STAFF = ("support", "marketing", "fraud", "officer", "admin")
SHUT = frozenset({401, 403, 404, 405})
PERSONAL = ("Vic Timmins", "17 Canary Row", "Canaryham", "vic-")


NOBODYS = ("/api/orders/products/", "/api/orders/quotes/")
"""Everybody may see a product; a price names nobody, and whoever has its id may pay it."""
STAFF_ONLY = ("/api/orders/screening/reviews/", "/api/orders/screening/blocks/", "/api/mailer/campaigns/",
              "/api/warranty/desk/units/")  # fmt: skip
"""No customer owns one: whoever lacks the role that the document names is refused."""
ALSO = {"/api/orders/{id}/cancel": ("support",)}
"""Routes of an owner that somebody of the staff may take as well."""


@dataclass(frozen=True)
class Owned:
    """What the victim has: ids by what stands before them in a path, and the words that only the victim may read."""

    ids: dict[str, str]
    words: tuple[str, ...]

    def is_known(self, path: str) -> bool:
        return _before_id(path) in {*self.ids, *NOBODYS, *STAFF_ONLY}

    def filled(self, path: str) -> str:
        return re.sub(r"{\w+}", self.ids.get(_before_id(path), secrets.token_hex(16)), path)


@dataclass(frozen=True)
class Operation:
    """An operation as its contract has it: whether one must be signed in, and as which roles."""

    method: str
    path: str
    signed_in: bool
    roles: tuple[str, ...]

    @property
    def has_id(self) -> bool:
        return "{" in self.path


def _before_id(path: str) -> str:
    return path.partition("{")[0]


async def _victim(shop: Shop, browser: Browser, email: str) -> Owned:
    await shop.register(browser, email, "Vic Timmins", PASSWORD)
    await shop.log_in(browser, email, PASSWORD)
    body = order(await a_sku(browser), "JPY", name="Vic Timmins", email=email)
    body["shipping"] = ADDRESS | {"line1": "17 Canary Row", "city": "Canaryham"}
    placed = (await browser.call("POST", "/api/orders", body, headers=key(), expect=201)).json
    profile = {"name": "Vic Timmins", "shipping": body["shipping"]}
    await browser.call("PUT", "/api/orders/profile", profile, expect=204)
    records = await eventually(lambda: browser.all("/api/warranty/purchases"), bool)
    wish = {"purchase_id": records[0]["id"], "problem": "other", "wanted": "repair", "words": "says Vic Timmins"}
    claim = (await browser.call("POST", "/api/warranty/claims", wish, expect=201)).json["id"]
    [session] = (await browser.call("GET", "/api/auth/sessions", expect=200)).json["items"]
    export = (await browser.call("POST", "/api/auth/me/export", expect=202)).json
    address = {"shipping": body["shipping"]}
    kept = await browser.call("POST", "/api/orders/profile/addresses", address, expect=201)
    return Owned(
        {
            "/api/orders/": placed["id"],
            "/api/orders/desk/": placed["id"],
            "/api/orders/profile/addresses/": kept.json["id"],
            "/api/warranty/purchases/": records[0]["id"],
            "/api/warranty/claims/": claim,
            "/api/warranty/desk/claims/": claim,
            "/api/auth/sessions/": session["id"],
            "/api/auth/remember/": secrets.token_hex(16),
            "/api/auth/me/exports/": export["id"],
            "/api/auth/passkeys/": secrets.token_urlsafe(16),
        },
        (email, *PERSONAL),
    )


async def _operations(browser: Browser) -> list[Operation]:
    """Every published operation of all four contracts."""
    found = []
    for service in SERVICES:
        document = (await browser.call("GET", f"/api/{service}/openapi.json", expect=200)).json
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                roles = tuple(operation.get("x-roles", ()))
                found.append(Operation(method.upper(), path, bool(operation.get("security")), roles))
    return found


def _leaks(answer: Answer, owned: Owned) -> list[str]:
    return [word for word in owned.words if word in answer.text]


async def test_nobody_reaches_anothers_object_by_its_id(
    shop: Shop, browser: Browser, address: Address, tried: Tried
) -> None:
    owned = await _victim(shop, browser, address("vic"))
    operations = [each for each in await _operations(browser) if each.has_id]
    unknown = {each.path for each in operations if not owned.is_known(each.path)}
    assert not unknown, f"whose id is it? {sorted(unknown)}"
    assert len(operations) > 45

    async with shop.browser() as guest, shop.browser() as customer:
        await shop.register(customer, address("mallory"), "Mal", PASSWORD)
        await shop.log_in(customer, address("mallory"), PASSWORD)
        for asker in (guest, customer):
            tried(await _assert_shut(asker, "customer", operations, owned))
    for role in STAFF:
        async with shop.browser() as staff:
            await shop.log_in_staff(staff, role)
            tried(await _assert_shut(staff, role, operations, owned))

    assert (await browser.call("GET", f"/api/orders/{owned.ids['/api/orders/']}", expect=200)).json["id"]
    assert (await browser.call("GET", "/api/auth/session")).status == 200


async def _assert_shut(asker: Browser, role: str, operations: list[Operation], owned: Owned) -> int:
    tried = 0
    for each in operations:
        if _before_id(each.path) in NOBODYS or role in each.roles + ALSO.get(each.path, ()):
            continue
        body: dict[str, Any] | None = {} if each.method in ("POST", "PUT", "PATCH") else None
        answer = await asker.call(each.method, owned.filled(each.path), body, headers=key())
        tried += 1
        # A body that does not fit is refused before the object is looked for: that says nothing about it either.
        assert answer.status in SHUT | {422, 400}, f"{role}: {each.method} {each.path} is {answer.status}"
        assert not _leaks(answer, owned), f"{role}: {each.method} {each.path} shows {_leaks(answer, owned)}"
    return tried


PAGES = (
    "GET /orders/{order}", "GET /orders/{order}?t=00", "GET /orders/{order}/receipt", "GET /orders/{order}/payment",
    "GET /orders/{order}/withdrawal", "POST /orders/{order}/cancel", "POST /orders/{order}/withdrawal",
    "POST /orders/{order}/withdrawal/confirm", "POST /orders/{order}/claim", "GET /orders/addresses/{kept}",
    "POST /orders/addresses/{kept}", "POST /orders/addresses/{kept}/default", "POST /orders/addresses/{kept}/removal",
    "GET /warranty/claims/{claim}", "POST /warranty/claims/{claim}/messages",
    "POST /warranty/claims/{claim}/withdrawal",
)  # fmt: skip
"""Pages with an id in their address, and what their forms do; no contract lists them."""


async def test_no_page_shows_or_changes_anothers_object_by_its_id(
    shop: Shop, browser: Browser, address: Address, tried: Tried
) -> None:
    owned = await _victim(shop, browser, address("vic"))
    order_id = owned.ids["/api/orders/"]
    ids = {"order": order_id, "kept": owned.ids["/api/orders/profile/addresses/"],
           "claim": owned.ids["/api/warranty/claims/"]}  # fmt: skip
    before = await _own(browser, order_id)

    async with shop.browser() as guest, shop.browser() as customer, shop.browser() as staff:
        await shop.register(customer, address("mallory"), "Mal", PASSWORD)
        await shop.log_in(customer, address("mallory"), PASSWORD)
        await shop.log_in_staff(staff, "marketing")
        for asker in (guest, customer, staff):
            for page in PAGES:
                method, path = page.format(**ids).split(" ")
                answer = await _look(asker, method, path)
                tried(1)
                assert answer.status in SHUT | {200, 303, 422}, f"{page} is {answer.status}"  # 200: a login page
                assert not _leaks(answer, owned), f"{page} shows {_leaks(answer, owned)}"

    assert await _own(browser, order_id) == before


async def _own(browser: Browser, order_id: str) -> list[Any]:
    """What the owner sees of the order and of the saved addresses."""
    paths = (f"/api/orders/{order_id}", "/api/orders/profile/addresses")
    return [(await browser.call("GET", path, expect=200)).json for path in paths]


async def _look(asker: Browser, method: str, path: str) -> Answer:
    """A page; or its form with all that any of these forms has, and the page that it leads to."""
    if method == "GET":
        return await asker.call("GET", path, headers={"Accept": "text/html"})
    there = {f"shipping.{name}": text for name, text in ADDRESS.items()}
    return await asker.submit(path, there | {"version": "*", "token": "00", "text": "mine now"})


async def test_each_role_reaches_what_its_contract_says_and_nothing_else(
    shop: Shop, browser: Browser, address: Address, tried: Tried
) -> None:
    """All operations, with an id or without: who must be signed in is 401 as a guest, who lacks the role is 403."""
    operations = [each for each in await _operations(browser) if each.signed_in]
    await shop.register(browser, address("table"), "Table", PASSWORD)
    await shop.log_in(browser, address("table"), PASSWORD)

    async with shop.browser() as guest:
        tried(await _assert_refused(guest, operations, {401}))
    tried(await _assert_refused(browser, [each for each in operations if each.roles], {403}))
    for role in STAFF:
        async with shop.browser() as staff:
            await shop.log_in_staff(staff, role)
            others = [each for each in operations if each.roles and role not in each.roles]
            tried(await _assert_refused(staff, others, {403}))
    assert len([each for each in operations if each.roles]) > 25


async def _assert_refused(asker: Browser, operations: list[Operation], wanted: set[int]) -> int:
    for each in operations:
        body: dict[str, Any] | None = {} if each.method in ("POST", "PUT", "PATCH") else None
        path = re.sub(r"{\w+}", secrets.token_hex(16), each.path)
        answer = await asker.call(each.method, path, body, headers=key())
        assert answer.status in wanted, f"{each.method} {each.path} is {answer.status}"
    return len(operations)


async def test_lists_hold_only_the_askers_own(shop: Shop, browser: Browser, address: Address) -> None:
    owned = await _victim(shop, browser, address("vic"))

    async with shop.browser() as customer:
        await shop.register(customer, address("mallory"), "Mal", PASSWORD)
        await shop.log_in(customer, address("mallory"), PASSWORD)
        for path in ("/api/orders", "/api/warranty/purchases", "/api/warranty/claims", "/api/auth/me/exports"):
            assert await customer.all(path) == []
        for path in ("/api/auth/sessions", "/api/auth/trail", "/api/auth/session", "/account", "/warranty"):
            assert not _leaks(await customer.call("GET", path), owned)


@pytest.mark.parametrize("wanted", [{"$ne": None}, {"$gt": ""}, ["a"], 1, True, None])
@pytest.mark.parametrize("field", ["email", "password"])
async def test_an_operator_in_place_of_a_text_is_refused_by_name(browser: Browser, field: str, wanted: Any) -> None:
    login = {"email": "ann@example.org", "password": PASSWORD} | {field: wanted}

    refused = await browser.call("POST", "/api/auth/session", login)

    assert refused.status == 422
    assert f"/{field}" in [fault["pointer"] for fault in refused.json["errors"]]


@pytest.mark.parametrize("service", SERVICES)
async def test_an_identity_meant_for_another_service_is_refused(
    shop: Shop, browser: Browser, address: Address, service: str
) -> None:
    """As somebody would who reaches the services around the gateway with a token that auth made for another one."""
    email = address("ann")
    await shop.register(browser, email, "Ann", PASSWORD)
    await shop.log_in(browser, email, PASSWORD)
    urls = {name: row["url"] for name, row in shop.stack.read()["services"].items()}
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies().items())
    own = {"auth": "/api/auth/session", "orders": "/api/orders", "warranty": "/api/warranty/purchases",
           "mailer": "/api/mailer/campaigns"}[service]  # fmt: skip

    async with aiohttp.ClientSession() as direct:
        tokens = {}
        for audience in SERVICES:
            headers = {"X-Audience": audience, "Cookie": cookies}
            async with direct.get(f"{urls['auth']}/internal/identity", headers=headers) as answer:
                tokens[audience] = answer.headers["X-Identity"]
        statuses = {}
        for audience, token in tokens.items():
            async with direct.get(urls[service] + own, headers={"X-Identity": token}) as answer:
                statuses[audience] = answer.status

    assert statuses.pop(service) in (200, 403)  # 403: a customer who asks for what marketing has
    assert set(statuses.values()) == {401}
