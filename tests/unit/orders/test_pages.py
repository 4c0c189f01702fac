import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from services.orders.catalogue.watches import WATCHES
from services.orders.pages.pictures import picture
from shared.testing.texts import without_ids
from tests.unit.orders.conftest import Client
from tests.unit.orders.doubles import a_product
from tests.unit.orders.world import DECLINED, LAST_FIVE, PAYS, SILENT, SKU, SOLD_OUT, World

SHIPPING = {"line1": "1-2-3 Jingumae", "city": "Shibuya", "postcode": "150-0001", "country": "JP"}
HTML = {"Accept": "text/html"}


def a_form(key: str = "k-1", **changes: str) -> dict[str, str]:
    form = {
        "idempotency_key": key,
        "currency": "JPY",
        "lines.0.sku": SKU,
        "lines.0.quantity": "1",
        "contact.name": "Ann Example",
        "contact.email": "ann@example.org",
        **{f"shipping.{name}": text for name, text in SHIPPING.items()},
        "shipping.line2": "",
        "card.number": PAYS,
        "card.expiry": "12/34",
        "card.cvc": "123",
        "card.holder": "Ann Example",
    }
    return form | {name.replace("__", "."): text for name, text in changes.items()}


async def _post(client: Client, form: dict[str, str], **options: Any) -> Any:
    return await client.post("/checkout", data=form, headers=HTML, allow_redirects=False, **options)


def _shown(page: str) -> str:
    """The page without its new key, whose random digits may be any."""
    return without_ids(re.sub(r'name="idempotency_key" value="[^"]+"', "", page))


def _error_of(page: str, field: str) -> str:
    found = re.search(rf'id="f-{field}-error">([^<]+)<', page)
    return found[1] if found else ""


async def test_the_catalogue_shows_every_watch_in_the_visitors_language_and_currency(client: Client) -> None:
    cookie = "__Host-www.tokyoflash.com-prefs=ja.USD"

    english = await (await client.get("/")).text()
    japanese = await (await client.get("/", headers={"Cookie": cookie})).text()

    assert all(f"/products/{watch.product.sku}.svg" in english for watch in WATCHES)
    assert "¥14,800" in english
    assert "Only 5 left" in english
    assert "キサイ オービット" in japanese
    assert "$99.00" in japanese


async def test_a_product_can_be_bought_unless_it_is_sold_out(client: Client) -> None:
    there = await (await client.get(f"/products/{SKU}")).text()
    gone = await (await client.get(f"/products/{SOLD_OUT}")).text()

    assert f'name="{SKU}" type="number"' in there
    assert 'formaction="/checkout"' in there
    assert '<form method="get" action="/cart"' not in gone
    assert "Sold out" in gone


@pytest.mark.parametrize("path", ["/products/TF-NONE-00", "/products/TF-NONE-00.svg"])
async def test_no_such_product(client: Client, path: str) -> None:
    response = await client.get(path, headers=HTML)

    assert response.status == 404
    assert response.content_type == "text/html"


async def test_a_picture_is_an_svg_that_is_always_the_same(client: Client) -> None:
    response = await client.get(f"/products/{SKU}.svg")

    assert response.content_type == "image/svg+xml"
    assert await response.read() == picture(SKU, "Kisai Orbit")
    assert "max-age" in response.headers["Cache-Control"]


def test_pictures_differ_and_are_well_formed() -> None:
    drawn = {picture(watch.product.sku, "<&>") for watch in WATCHES}

    assert len(drawn) == len(WATCHES)
    assert all(ElementTree.fromstring(image).tag.endswith("svg") for image in drawn)


async def test_the_form_has_a_key_and_an_unticked_box(client: Client) -> None:
    first = await (await client.get(f"/checkout?{SKU}=3")).text()
    second = await (await client.get(f"/checkout?{SKU}=1")).text()

    key = r'name="idempotency_key" value="([^"]+)"'
    assert re.search(key, first)[1] != re.search(key, second)[1]  # type: ignore[index]  # both have one
    assert 'name="lines.0.quantity" value="3"' in first
    assert "checked" not in first
    assert "<script" not in first
    assert "style=" not in first
    assert "¥45,200" in first  # 3 × 14,800 and 800 for shipping


async def test_a_profile_fills_the_form_of_who_has_just_logged_in(client: Client, world: World) -> None:
    body = {"name": "Ann Example", "shipping": SHIPPING}
    await client.put("/api/orders/profile", json=body, headers=world.as_customer())

    fresh = await (await client.get(f"/checkout?{SKU}=1", headers=world.as_customer())).text()
    remembered = await (await client.get(f"/checkout?{SKU}=1", headers=world.as_customer(fresh=False))).text()

    assert 'value="Ann Example"' in fresh
    assert "Jingumae" in fresh
    assert "Ann Example" not in remembered


async def test_another_saved_address_is_one_click_away(client: Client, world: World) -> None:
    mine = world.as_customer()
    await client.put("/api/orders/profile", json={"name": "Ann Example", "shipping": SHIPPING}, headers=mine)
    office = {"line1": "Torstrasse 1", "city": "Berlin", "postcode": "10117", "country": "DE"}
    await client.post("/api/orders/profile/addresses", json={"shipping": office}, headers=mine)

    first = await (await client.get(f"/checkout?{SKU}=1", headers=mine)).text()
    [link] = re.findall(r'href="([^"]*address=[^"]*)"', first)
    second = await (await client.get(link.replace("&amp;", "&"), headers=mine)).text()
    remembered = await (await client.get(f"/checkout?{SKU}=1", headers=world.as_customer(fresh=False))).text()

    assert 'value="1-2-3 Jingumae"' in first
    assert "Torstrasse 1, Berlin, Germany" in first
    assert 'value="Torstrasse 1"' in second
    assert 'name="shipping.country" value="DE"' in second
    assert "1-2-3 Jingumae, Shibuya, Japan" in second
    assert "Torstrasse" not in remembered


@pytest.mark.parametrize(
    ("country", "postcode", "region"), [("JP", True, False), ("IE", False, False), ("HK", False, True)]
)
async def test_the_form_asks_for_what_the_country_needs(
    client: Client, country: str, postcode: bool, region: bool
) -> None:
    page = await (await client.get(f"/checkout?{SKU}=1&country={country}")).text()

    fields = {
        name: "required" in more for name, more in re.findall(r'name="shipping[.](\w+)" type="text"([^>]*)>', page)
    }
    assert (fields["postcode"], fields["region"]) == (postcode, region)


async def test_what_is_wrong_with_an_address_stands_beside_its_field(client: Client) -> None:
    page = await (await _post(client, a_form(**{"shipping.postcode": "1"}))).text()

    assert _error_of(page, "shipping.postcode") == "This is no postcode of the chosen country."


async def test_the_profile_is_kept_only_where_the_account_asks_for_it(client: Client, world: World) -> None:
    as_ann = HTML | world.as_customer()
    unasked = await client.post("/checkout", data=a_form(), headers=as_ann, allow_redirects=False)
    nothing = await client.get("/api/orders/profile", headers=world.as_customer())
    asked = await client.post("/checkout", data=a_form("k-2", keep="true"), headers=as_ann, allow_redirects=False)
    kept = await client.get("/api/orders/profile", headers=world.as_customer())
    guest = await _post(client, a_form("k-3", keep="true"))

    assert (unasked.status, asked.status, guest.status) == (303, 303, 303)
    assert nothing.status == 404
    assert (await kept.json())["shipping"]["line1"] == "1-2-3 Jingumae"


async def test_a_purchase_sent_elsewhere_is_kept_beside_the_addresses_that_are_there(
    client: Client, world: World
) -> None:
    as_ann = HTML | world.as_customer()
    for n, changes in enumerate([{}, {"shipping.line1": "4-5-6 Minato"}, {"shipping.line1": "4-5-6 Minato"}]):
        bought = await client.post(
            "/checkout", data=a_form(f"k-{n}", keep="true", **changes), headers=as_ann, allow_redirects=False
        )
        assert bought.status == 303

    kept = await client.get("/api/orders/profile/addresses", headers=world.as_customer())
    lines = [each["shipping"]["line1"] for each in (await kept.json())["items"]]
    assert lines == ["1-2-3 Jingumae", "4-5-6 Minato"]


async def test_nothing_is_kept_of_a_purchase_that_came_to_nothing(client: Client, world: World) -> None:
    as_ann = HTML | world.as_customer()
    declined = await client.post("/checkout", data=a_form(keep="true", **{"card.number": DECLINED}), headers=as_ann)

    profile = await client.get("/api/orders/profile", headers=world.as_customer())
    assert (declined.status, profile.status) == (402, 404)


async def test_buying_leads_to_the_orders_page(client: Client, world: World) -> None:
    response = await _post(client, a_form())
    page = await client.get(response.headers["Location"])

    [order] = await world.all_orders()
    text = await page.text()
    assert response.status == 303
    assert response.headers["Location"].startswith(f"/orders/{order.id}?t=")
    assert page.status == 200
    assert order.number in text
    assert "card ending 4242" in text
    assert "¥15,600" in text
    assert page.headers["Referrer-Policy"] == "no-referrer"


async def test_sending_the_form_twice_buys_once(client: Client, world: World) -> None:
    first = await _post(client, a_form(newsletter="true"))
    second = await _post(client, a_form(newsletter="true"))

    assert first.headers["Location"] == second.headers["Location"]
    assert await world.paid_charges() == 1


@pytest.mark.parametrize(
    ("field", "value", "id_"),
    [
        ("contact__name", "Ann\x07", "contact-name"),
        ("contact__email", "ann", "contact-email"),
        ("shipping__line1", PAYS, "shipping-line1"),
        ("card__expiry", "1/34", "card-expiry"),
        ("card__number", "4242424242424241", "card-number"),
        ("card__expiry", "01/20", "card-expiry"),
        ("card__cvc", "", "card-cvc"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    client: Client, world: World, field: str, value: str, id_: str
) -> None:
    response = await _post(client, a_form(**{field: value}))

    page = await response.text()
    assert response.status == 422
    assert _error_of(page, id_)
    assert 'value="1-2-3 Jingumae"' in page or field == "shipping__line1"
    await world.assert_nothing_happened()


@pytest.mark.parametrize("changes", [{"contact__name": ""}, {"card__expiry": "01/20"}, {"card__number": DECLINED}])
async def test_card_number_and_code_are_never_shown_again(client: Client, changes: dict[str, str]) -> None:
    page = _shown(await (await _post(client, a_form(**{"card__cvc": "987"} | changes))).text())

    assert "4242" not in page
    assert "0000000" not in page
    assert "987" not in page


async def test_a_declined_card_asks_for_another_under_a_new_key(client: Client, world: World) -> None:
    response = await _post(client, a_form(card__number=DECLINED))

    page = await response.text()
    key = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert response.status == 402
    assert _error_of(page, "card-number") == "The card was declined, and nothing was charged. Please try another one."
    assert key is not None
    assert (await _post(client, a_form(key[1]))).status == 303
    assert await world.paid_charges() == 1


async def test_sold_out_in_the_meantime_stands_beside_its_line_and_nothing_can_be_paid(client: Client) -> None:
    response = await _post(client, a_form(lines__0__sku=LAST_FIVE, lines__0__quantity="6"))

    page = await response.text()
    assert response.status == 409
    assert _notices_of(page) == ["There are not enough left."]
    assert '<a href="#f-lines-0">' in page
    assert "Order with obligation to pay" not in page


async def test_an_unknown_outcome_leads_to_the_order_that_will_tell(client: Client, world: World) -> None:
    unknown = await _post(client, a_form(card__number=SILENT))
    twice = await _post(client, a_form(card__number=SILENT))

    link = re.search(r'href="https://localhost:8443(/orders/[^"]+)"', await unknown.text())
    assert link is not None
    waiting = await (await client.get(link[1])).text()
    await world.sweep()
    ended = await (await client.get(link[1])).text()
    assert (unknown.status, twice.status) == (503, 409)
    assert "do not pay again" in await twice.text()
    assert "being confirmed" in waiting
    assert "nothing was charged" in ended


async def test_another_site_cannot_post_the_form(client: Client, world: World) -> None:
    response = await client.post("/checkout", data=a_form(), headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status == 403
    await world.assert_nothing_happened()


async def test_an_orders_page_is_for_its_owner(client: Client, world: World) -> None:
    location = (
        await client.post("/checkout", data=a_form(), headers=world.as_customer("a-1"), allow_redirects=False)
    ).headers["Location"]

    mine = await client.get(location, headers=world.as_customer("a-1"))
    anothers = await client.get(location, headers=HTML | world.as_customer("a-2"))
    visitors = await client.get(location, headers=HTML)

    assert (mine.status, anothers.status, visitors.status) == (200, 404, 404)


def _notices_of(page: str) -> list[str]:
    return re.findall(r'<p class="error"[^>]*>([^<]+)<', page)


@pytest.mark.parametrize("currency", ["XXX", "jpy", "", "EURO", PAYS])
async def test_a_refused_currency_is_not_what_prices_are_shown_in(client: Client, world: World, currency: str) -> None:
    response = await _post(client, a_form(currency=currency))

    page = await response.text()
    assert response.status == 422
    assert _notices_of(page)
    assert 'name="currency" value="JPY"' in page
    assert "¥14,800" in page
    await world.assert_nothing_happened()


async def test_the_forms_own_currency_is_kept_for_all_its_prices(client: Client) -> None:
    page = await (await _post(client, a_form(currency="USD", contact__name=""))).text()

    assert "$99.00" in page
    assert "¥" not in page


@pytest.mark.parametrize(("field", "value"), [("language", "fr"), ("coupon", "X"), ("shipping.planet", "Mars")])
async def test_a_fault_without_a_place_is_named_above(client: Client, world: World, field: str, value: str) -> None:
    response = await _post(client, a_form() | {field: value})

    told = re.search(r'role="alert".*?</div>', await response.text(), re.DOTALL)
    assert response.status == 422
    assert told is not None
    assert f"<li>{field}: There is no such field.</li>" in told[0] or field == "language"
    await world.assert_nothing_happened()


@pytest.mark.parametrize("number", [PAYS, "4242 4242 4242 4242", "4242424242424241"])
@pytest.mark.parametrize(
    "field",
    [name for name in a_form() if name not in ("card.number", "lines.0.sku", "lines.0.quantity")]
    + ["newsletter", "lines.0.quantity.x"],
)
async def test_a_card_number_in_a_wrong_field_is_not_shown_again(client: Client, field: str, number: str) -> None:
    response = await _post(client, a_form(card__expiry="01/20") | {field: number})

    assert "4242" not in _shown(await response.text())
    assert response.status in (400, 422)


async def test_a_card_number_as_a_fields_name_is_not_shown_either(client: Client) -> None:
    response = await _post(client, a_form() | {PAYS: "1"})

    assert "4242" not in _shown(await response.text())
    assert response.status == 422


@pytest.mark.parametrize("sku", ["TF-NONE-00", PAYS, ""])
async def test_a_form_for_no_product_leads_to_the_cart(client: Client, world: World, sku: str) -> None:
    response = await _post(client, a_form(lines__0__sku=sku))

    assert (response.status, response.headers["Location"]) == (303, "/cart")
    await world.assert_nothing_happened()


@pytest.mark.parametrize("path", ["/", "/products/TF-YEN-01", "/checkout?TF-YEN-01=1"])
async def test_a_watch_not_sold_in_the_visitors_currency_has_another_price(
    client: Client, world: World, path: str
) -> None:
    await world.deps.products.put(a_product("TF-YEN-01"), stock=5)

    response = await client.get(path, headers={"Cookie": "__Host-www.tokyoflash.com-prefs=en.EUR"})

    assert response.status == 200
    assert "¥14,800" in await response.text()


async def test_the_checkout_shows_tax_and_total_and_cites_what_it_has_shown(client: Client, world: World) -> None:
    page = await (await client.get(f"/checkout?{SKU}=1&country=JP")).text()
    quote = re.search(r'name="quote" value="([^"]+)"', page)
    assert quote is not None
    assert "Included in the total: consumption tax 10%" in page
    assert "Your card is charged ¥15,600" in page
    await world.deps.products.put(replace(a_product(SKU), prices={"JPY": 99_000}), stock=5)

    response = await _post(client, a_form(quote=quote[1]))

    [order] = await world.all_orders()
    assert response.status == 303
    assert order.total_minor == 15_600


async def test_a_quote_that_is_over_shows_the_new_total_before_anything_is_charged(
    client: Client, world: World
) -> None:
    page = await (await client.get(f"/checkout?{SKU}=1&country=JP")).text()
    quote = re.search(r'name="quote" value="([^"]+)"', page)
    assert quote is not None
    world.clock.advance(seconds=world.deps.settings.quote_valid_s + 1)

    response = await _post(client, a_form(quote=quote[1]))

    again = await response.text()
    assert response.status == 409
    assert "no longer hold" in again
    assert f'name="quote" value="{quote[1]}"' not in again
    assert 'name="quote"' in again
    assert await world.all_orders() == []


@pytest.mark.parametrize(
    ("language", "stop", "hint"),
    [("en", "</a>. Or", "For example"), ("ja", "</a>。 ", "例: "), ("de", "</a>. ", "Zum Beispiel")],
)
async def test_the_checkout_says_what_a_postcode_is_an_example_of(
    client: Client, language: str, stop: str, hint: str
) -> None:
    response = await client.get(f"/checkout?{SKU}=1&country=JP", headers=HTML | {"Accept-Language": language})
    page = await response.text()

    assert f">{hint}" in page
    assert stop in page


@pytest.mark.parametrize(("sku", "quantity"), [(SOLD_OUT, 1), (LAST_FIVE, 6)])
async def test_what_cannot_be_bought_leads_to_the_cart_that_says_so_before_anything_is_typed(
    client: Client, sku: str, quantity: int
) -> None:
    response = await client.get(f"/checkout?{sku}={quantity}&country=DE", headers=HTML, allow_redirects=False)

    assert response.status == 303
    assert response.headers["Location"] == f"/cart?{sku}={quantity}&country=DE"
    cart = await (await client.get(response.headers["Location"], headers=HTML)).text()
    assert 'class="error"' in cart
