"""What nobody should send to orders, through the gateway: prices, sums, currencies and quantities of their own."""

from collections.abc import Callable
from typing import Any

import pytest

from deploy.outside.browser import Browser
from deploy.outside.shop import order
from tests.journey.test_purchase import Address, a_sku, key

pytestmark = pytest.mark.together

Body = dict[str, Any]


def _line(**changes: Any) -> Callable[[Body], Body]:
    return lambda body: body | {"lines": [body["lines"][0] | changes]}


def _all(**changes: Any) -> Callable[[Body], Body]:
    return lambda body: body | changes


REFUSED: dict[str, tuple[Callable[[Body], Body], str]] = {
    "a price": (_line(unit_price_minor=1), "/lines/0/unit_price_minor"),
    "a line's total": (_line(total_minor=1), "/lines/0/total_minor"),
    "a currency of a line": (_line(currency="USD"), "/lines/0/currency"),
    "a total": (_all(total_minor=1), "/total_minor"),
    "a discount": (_all(discount_minor=10_000), "/discount_minor"),
    "shipping for nothing": (_all(shipping_minor=0), "/shipping_minor"),
    "a status": (_all(status="paid"), "/status"),
    "two currencies": (_all(currency=["JPY", "USD"]), "/currency"),
    "an unknown currency": (_all(currency="XAU"), "/currency"),
    "a currency in small letters": (_all(currency="jpy"), "/currency"),
    "2^63": (_line(quantity=2**63), "/lines/0/quantity"),
    "2^64": (_line(quantity=2**64), "/lines/0/quantity"),
    "10^400": (_line(quantity=10**400), "/lines/0/quantity"),
    "none": (_line(quantity=0), "/lines/0/quantity"),
    "fewer than none": (_line(quantity=-1), "/lines/0/quantity"),
    "a part": (_line(quantity=0.5), "/lines/0/quantity"),
    "no quote": (_all(quote="01890000-0000-7000-8000-000000000000"), "/quote"),
}


@pytest.mark.parametrize(("changed", "pointer"), REFUSED.values(), ids=REFUSED)
async def test_what_the_buyer_says_of_money_is_refused_by_name_and_never_believed(
    browser: Browser, address: Address, changed: Callable[[Body], Body], pointer: str
) -> None:
    body = changed(order(await a_sku(browser), "JPY", name="Max", email=address("max")))

    refused = await browser.call("POST", "/api/orders", body, headers=key())

    assert refused.status in (409, 422), refused.text[:300]
    assert [fault["pointer"] for fault in refused.json["errors"]] == [pointer]


async def test_ten_thousand_lines_are_refused_and_nothing_is_bought(ann: Browser, address: Address) -> None:
    body = order(await a_sku(ann), "JPY", name="Ann", email=address("ann"))
    line = body["lines"][0]

    answers = [
        await ann.call("POST", path, body | {"lines": [line] * count}, headers=key())
        for path in ("/api/orders", "/api/orders/quotes")
        for count in (21, 1_000, 10_000)
    ]

    assert {answer.status for answer in answers} <= {413, 422}
    assert await ann.all("/api/orders") == []


async def test_a_quote_is_good_for_what_it_names_alone(browser: Browser, address: Address) -> None:
    sku = await a_sku(browser)
    body = order(sku, "EUR", name="Max", email=address("max"))
    asked = {"lines": body["lines"], "currency": "EUR", "shipping": {"country": "JP"}}
    quote = (await browser.call("POST", "/api/orders/quotes", asked, expect=201)).json
    cited = body | {"quote": quote["id"]}
    there = {"line1": "Lindenweg 1", "city": "Berlin", "postcode": "10117", "country": "DE"}
    others = (_line(quantity=2)(cited), cited | {"currency": "JPY"}, cited | {"shipping": there})

    answers = [await browser.call("POST", "/api/orders", other, headers=key()) for other in others]
    bought = await browser.call("POST", "/api/orders", cited, headers=key(), expect=201)

    assert {(answer.status, answer.json["type"]) for answer in answers} == {(422, "/problems/quote-mismatch")}
    assert (bought.json["total_minor"], bought.json["tax"]) == (quote["total_minor"], quote["tax"])
