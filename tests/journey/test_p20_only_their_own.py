"""P20: each one sees only their own; the gateway is no way round.

The table of routes comes from the published contracts: a new route with an id in its path fails here until somebody
says whose id it is.
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

SERVICES = ("auth", "orders", "mailer", "warranty")
STAFF = ("support", "marketing", "fraud", "officer", "admin")
SHUT = frozenset({401, 403, 404, 405})
PERSONAL = ("Vic Timmins", "17 Canary Row", "Canaryham", "vic-")


@dataclass(frozen=True)
class Owned:
    """What the victim has: ids by the route that they stand in, and the words that only the victim may read."""

    ids: dict[str, str]
    words: tuple[str, ...]


_STEPS = (
    "cancel", "preparation", "shipment", "delivery", "return", "refunds", "claim", "withdrawal", "withdrawal/confirm",
)  # fmt: skip
_CLAIM_STEPS = (
    "decision", "review", "questions", "answers", "receipt", "release", "refusal", "repair", "return",
)  # fmt: skip
OPEN = {
    "/api/orders/products/{sku}": "everybody may see a product",
    "/api/orders/quotes/{id}": "a price names nobody, and whoever has its id may pay it",
}
STAFFS = {
    # Routes that are for roles, not for an owner: who has none of them is refused, and that is checked as well.
    "/api/orders/desk/{id}": ("support", "admin"),
    "/api/orders/desk/{id}/contact": ("support",),
    **{f"/api/orders/{{id}}/{step}": ("support",)
       for step in _STEPS[:6]},
    "/api/orders/screening/reviews/{id}": ("fraud",),
    "/api/orders/screening/reviews/{id}/decision": ("fraud",),
    "/api/orders/screening/blocks/{id}": ("fraud",),
    "/api/mailer/campaigns/{id}": ("marketing",),
    "/api/mailer/campaigns/{id}/approve": ("marketing",),
    "/api/mailer/campaigns/{id}/pause": ("marketing",),
    "/api/mailer/campaigns/{id}/resume": ("marketing",),
    "/api/mailer/campaigns/{id}/preview": ("marketing",),
    "/api/mailer/campaigns/{id}/test": ("marketing",),
    "/api/mailer/campaigns/{id}/cancel": ("marketing",),
    "/api/mailer/campaigns/{id}/forecast": ("marketing",),
    "/api/mailer/campaigns/{id}/report": ("marketing",),
    "/api/warranty/desk/units/{serial}": ("support", "admin"),
    "/api/warranty/desk/claims/{id}": ("support",),
    "/api/warranty/desk/claims/{id}/photos/{photo}": ("support",),
    **{f"/api/warranty/claims/{{id}}/{step}": ("support",) for step in _CLAIM_STEPS},
}  # fmt: skip


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
    return Owned(
        {
            "/api/orders/{id}": placed["id"],
            **{f"/api/orders/{{id}}/{step}": placed["id"] for step in _STEPS},
            "/api/orders/desk/{id}": placed["id"],
            "/api/orders/profile/addresses/{id}": secrets.token_hex(16),
            "/api/orders/desk/{id}/contact": placed["id"],
            "/api/warranty/purchases/{id}": records[0]["id"],
            "/api/warranty/purchases/{id}/transfer": records[0]["id"],
            "/api/warranty/claims/{id}": claim,
            "/api/warranty/claims/{id}/messages": claim,
            "/api/warranty/claims/{id}/photos": claim,
            "/api/warranty/claims/{id}/photos/{photo}": claim,
            "/api/warranty/desk/claims/{id}/photos/{photo}": claim,
            "/api/warranty/claims/{id}/withdrawal": claim,
            "/api/warranty/desk/claims/{id}": claim,
            **{f"/api/warranty/claims/{{id}}/{step}": claim for step in _CLAIM_STEPS},
            "/api/auth/sessions/{id}": session["id"],
            "/api/auth/remember/{id}": secrets.token_hex(16),
            "/api/auth/me/exports/{id}": export["id"],
            "/api/auth/me/exports/{id}/archive": export["id"],
            "/api/auth/passkeys/{id}": secrets.token_urlsafe(16),
        },
        (email, *PERSONAL),
    )


async def _routes(browser: Browser) -> list[tuple[str, str]]:
    """Method and path of every published route with an id in it."""
    found = []
    for service in SERVICES:
        document = (await browser.call("GET", f"/api/{service}/openapi.json", expect=200)).json
        for path, methods in document["paths"].items():
            if "{" in path:
                found += [(method.upper(), path) for method in methods if method in ("get", "post", "put", "delete")]
    return found


def _filled(path: str, owned: Owned) -> str:
    some_id = owned.ids.get(path, secrets.token_hex(16))
    return re.sub(r"{\w+}", some_id, path)


def _leaks(answer: Answer, owned: Owned) -> list[str]:
    return [word for word in owned.words if word in answer.text]


async def test_nobody_reaches_anothers_object_by_its_id(shop: Shop, browser: Browser, address: Address) -> None:
    owned = await _victim(shop, browser, address("vic"))
    routes = await _routes(browser)
    unknown = {path for _, path in routes} - owned.ids.keys() - OPEN.keys() - STAFFS.keys()
    assert not unknown, f"whose id is it? {sorted(unknown)}"

    async with shop.browser() as guest, shop.browser() as customer:
        await shop.register(customer, address("mallory"), "Mal", PASSWORD)
        await shop.log_in(customer, address("mallory"), PASSWORD)
        for asker in (guest, customer):
            await _assert_shut(asker, "customer", routes, owned)
    for role in STAFF:
        async with shop.browser() as staff:
            await shop.log_in_staff(staff, role)
            await _assert_shut(staff, role, routes, owned)

    assert (await browser.call("GET", f"/api/orders/{owned.ids['/api/orders/{id}']}", expect=200)).json["id"]
    assert (await browser.call("GET", "/api/auth/session")).status == 200


async def _assert_shut(asker: Browser, role: str, routes: list[tuple[str, str]], owned: Owned) -> None:
    for method, path in routes:
        if path in OPEN or role in STAFFS.get(path, ()):
            continue
        body: dict[str, Any] | None = {} if method in ("POST", "PUT") else None
        answer = await asker.call(method, _filled(path, owned), body, headers=key())
        # A body that does not fit is refused before the object is looked for: that says nothing about it either.
        assert answer.status in SHUT | {422, 400}, f"{role}: {method} {path} is {answer.status}"
        assert not _leaks(answer, owned), f"{role}: {method} {path} shows {_leaks(answer, owned)}"


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
