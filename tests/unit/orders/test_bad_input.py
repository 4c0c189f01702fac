"""Each bad input is refused with its field named, echoes nothing, and leaves nothing stored or charged."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from services.orders.app import build_app
from services.orders.catalogue.domain import Product
from services.orders.checkout.attempt import OutcomeUnknown
from services.orders.life.domain import Order
from shared.errors import TransientError
from shared.events import Event
from shared.testing.texts import without_ids
from tests.unit.orders.conftest import Client
from tests.unit.orders.doubles import MemoryOrders, a_product
from tests.unit.orders.world import LAST_FIVE, PAYS, SKU, SOLD_OUT, Away, World, a_body

KEY = {"Idempotency-Key": "k-1"}


def _with(group: str, **changes: Any) -> dict[str, Any]:
    body = a_body()
    return body | {group: body[group] | changes}


def _lines(*lines: Any) -> dict[str, Any]:
    return a_body(lines=list(lines))


FULL_WIDTH = "\uff14\uff12" * 8
REFUSED: list[tuple[str, dict[str, Any], str, int]] = [
    ("unknown SKU", a_body("TF-NONE-00"), "/lines/0/sku", 422),
    ("zero", a_body(quantity=0), "/lines/0/quantity", 422),
    ("negative", a_body(quantity=-1), "/lines/0/quantity", 422),
    ("eleven", a_body(quantity=11), "/lines/0/quantity", 422),
    ("2^63", a_body(quantity=2**63), "/lines/0/quantity", 422),
    ("a number as text", _lines({"sku": SKU, "quantity": "1"}), "/lines/0/quantity", 422),
    ("a fraction", _lines({"sku": SKU, "quantity": 1.5}), "/lines/0/quantity", 422),
    ("true as a number", _lines({"sku": SKU, "quantity": True}), "/lines/0/quantity", 422),
    ("an operator as SKU", _lines({"sku": {"$ne": ""}, "quantity": 1}), "/lines/0/sku", 422),
    ("no lines", _lines(), "/lines", 422),
    ("21 lines", _lines(*[{"sku": SKU, "quantity": 1}] * 21), "/lines", 422),
    ("a SKU twice", _lines({"sku": SKU, "quantity": 1}, {"sku": SKU, "quantity": 2}), "/lines/1/sku", 422),
    ("a price", _lines({"sku": SKU, "quantity": 1, "unit_price_minor": 1}), "/lines/0/unit_price_minor", 422),
    ("a total", a_body(total_minor=1), "/total_minor", 422),
    ("sold out", a_body(SOLD_OUT), "/lines/0/quantity", 409),
    ("more than there are", a_body(LAST_FIVE, quantity=6), "/lines/0/quantity", 409),
    ("kroner", a_body(currency="DKK"), "/currency", 422),
    ("wrong check digit", _with("card", number="4242424242424241"), "/card/number", 422),
    ("too short a number", _with("card", number="4242"), "/card/number", 422),
    ("letters in the number", _with("card", number="4242x4242x4242x4242"), "/card/number", 422),
    ("a number as an integer", _with("card", number=4242424242424242), "/card/number", 422),
    ("expired", _with("card", expiry="10/26"), "/card/expiry", 422),
    ("month 13", _with("card", expiry="13/30"), "/card/expiry", 422),
    ("far future", _with("card", expiry="01/99"), "/card/expiry", 422),
    ("another form of date", _with("card", expiry="2030-01"), "/card/expiry", 422),
    ("code of two digits", _with("card", cvc="12"), "/card/cvc", 422),
    ("holder with a line break", _with("card", holder="Ann\r\nBcc: x"), "/card/holder", 422),
    ("holder is a number", _with("card", holder=PAYS), "/card/holder", 422),
    ("name with a control character", _with("contact", name="Ann\x07"), "/contact/name", 422),
    ("name with a line break", _with("contact", name="Ann\nBcc: x@example.org"), "/contact/name", 422),
    ("an encoded word", _with("contact", name="=?utf-8?q?Ann?="), "/contact/name", 422),
    ("an empty name", _with("contact", name=" "), "/contact/name", 422),
    ("no address", _with("contact", email="ann"), "/contact/email", 422),
    ("a NUL", _with("shipping", city="Shi\x00buya"), "/shipping/city", 422),
    ("a line separator", _with("shipping", line1="1-2-3\u2028Jingumae"), "/shipping/line1", 422),
    ("too long a line", _with("shipping", line2="x" * 121), "/shipping/line2", 422),
    ("an unknown country", _with("shipping", country="ZZ"), "/shipping/country", 422),
    ("a country's name", _with("shipping", country="Japan"), "/shipping/country", 422),
    ("no postcode", _with("shipping", postcode="!"), "/shipping/postcode", 422),
    ("card digits in the name", _with("contact", name=f"Ann {PAYS}"), "/contact/name", 422),
    ("card digits in the address", _with("contact", email="4242424242424242@example.org"), "/contact/email", 422),
    ("card digits with dashes", _with("shipping", line1="4242-4242-4242-4242"), "/shipping/line1", 422),
    ("card digits, full-width", _with("shipping", region=FULL_WIDTH), "/shipping/region", 422),
    ("card digits over two lines", _with("shipping", line1="4242 4242", line2="4242 4242"), "/shipping/line2", 422),
    (
        "card digits over three",
        _with("shipping", line1="No. 424242", line2="42424", city="24242"),
        "/shipping/city",
        422,
    ),
    ("card digits among others", _with("shipping", city="99 4242 4242 4242 4242 7"), "/shipping/city", 422),
    ("text for a flag", a_body(newsletter="yes"), "/newsletter", 422),
    ("an unknown language", a_body(language="fr"), "/language", 422),
    ("an unknown field", a_body(coupon="X"), "/coupon", 422),
    ("an unknown field within", _with("card", pin="1"), "/card/pin", 422),
    ("no card", {name: part for name, part in a_body().items() if name != "card"}, "/card", 422),
]


@pytest.mark.parametrize(("body", "pointer", "status"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_refused(client: Client, world: World, body: dict[str, Any], pointer: str, status: int) -> None:
    response = await client.post("/api/orders", json=body, headers=KEY)

    text = without_ids(await response.text())
    problem = await response.json()
    assert (response.status, response.content_type) == (status, "application/problem+json")
    assert pointer in [fault["pointer"] for fault in problem["errors"]]
    assert "4242" not in text
    assert "Ann" not in text
    await world.assert_nothing_happened()


@pytest.mark.parametrize("sent", [b"{", b"", b"[" * 2000, b'{"card": {"number": "4242424242424242"', b"\xff\xfe"])
async def test_malformed_json(client: Client, world: World, sent: bytes) -> None:
    response = await client.post("/api/orders", data=sent, headers=KEY | {"Content-Type": "application/json"})

    assert response.status == 400
    assert "4242" not in without_ids(await response.text())
    await world.assert_nothing_happened()


async def test_not_an_object(client: Client, world: World) -> None:
    response = await client.post("/api/orders", json=[1, 2], headers=KEY)

    assert response.status == 422
    await world.assert_nothing_happened()


async def test_a_body_over_the_limit(client: Client, world: World) -> None:
    response = await client.post("/api/orders", json=a_body(note="x" * 70_000), headers=KEY)

    assert response.status == 413
    await world.assert_nothing_happened()


async def test_another_media_type(client: Client, world: World) -> None:
    response = await client.post("/api/orders", data="lines=1", headers=KEY | {"Content-Type": "text/plain"})

    assert response.status == 415
    await world.assert_nothing_happened()


@pytest.mark.parametrize(
    "header", [None, "", '""', "x" * 256, "tab\tbed", '"open', "schlüssel", "4242 4242 4242 4242", '"4242424242424242"']
)
async def test_the_key_must_be_there_and_printable(client: Client, world: World, header: str | None) -> None:
    headers = {} if header is None else {"Idempotency-Key": header}

    response = await client.post("/api/orders", json=a_body(), headers=headers)

    assert response.status == 400
    assert (await response.json())["errors"][0]["pointer"] == "Idempotency-Key"
    await world.assert_nothing_happened()


async def test_a_key_with_a_card_number_in_it_is_told_from_one_that_is_missing(client: Client, world: World) -> None:
    headers = {"Idempotency-Key": "order-1-4242424242424242"}

    response = await client.post("/api/orders", json=a_body(), headers=headers)

    text = await response.text()
    assert (response.status, (await response.json())["type"]) == (400, "/problems/idempotency-key-holds-card-number")
    assert "4242" not in text
    await world.assert_nothing_happened()


async def test_two_keys_are_refused(client: Client, world: World) -> None:
    headers = CIMultiDict([("Idempotency-Key", "k-1"), ("Idempotency-Key", "k-2")])

    response = await client.post("/api/orders", json=a_body(), headers=headers)

    assert response.status == 400
    assert (await response.json())["errors"][0]["pointer"] == "Idempotency-Key"
    await world.assert_nothing_happened()


async def test_a_currency_that_this_watch_is_not_sold_in(client: Client, world: World) -> None:
    only_yen: Product = a_product("TF-YEN-01")
    await world.deps.products.put(only_yen, stock=5)

    response = await client.post("/api/orders", json=a_body("TF-YEN-01", currency="EUR"), headers=KEY)

    assert response.status == 422
    assert (await response.json())["errors"][0]["pointer"] == "/currency"
    await world.assert_nothing_happened()


@pytest.mark.parametrize("part", ["orders", "stock", "data_keys", "window"])
async def test_with_the_database_away_nothing_is_charged(world: World, part: str) -> None:
    server = TestServer(build_app(replace(world.deps, **{part: Away()})))
    async with TestClient(server) as client:
        response = await client.post("/api/orders", json=a_body(LAST_FIVE), headers=KEY)

    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert await world.paid_charges() == 0
    await world.sweep()
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_with_the_database_away_after_the_charge_the_outcome_is_unknown(world: World) -> None:
    class AwayAtTheEnd(MemoryOrders):
        async def save(self, order: Order, events: Sequence[Event] = ()) -> Order | None:
            raise TransientError("away")

    orders = AwayAtTheEnd()
    with pytest.raises(OutcomeUnknown):
        await world.buy(a_body(LAST_FIVE), deps=replace(world.deps, orders=orders))
    assert isinstance(world.stores.orders, MemoryOrders)
    world.stores.orders.orders |= orders.orders

    await world.sweep()

    assert len(world.relay.events) == await world.paid_charges() == 1
    await world.assert_books_balance(LAST_FIVE, 5)
