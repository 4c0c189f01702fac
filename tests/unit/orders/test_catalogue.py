from dataclasses import replace

import pytest
from yarl import URL

from services.orders.catalogue.domain import Product
from services.orders.catalogue.store import ShopWindow
from services.orders.catalogue.watches import WATCHES, seed
from services.orders.checkout.shipping import countries, shipping_minor, zone_of
from shared.errors import TransientError
from tests.unit.orders.conftest import Client
from tests.unit.orders.doubles import MemoryProducts, MemoryStock, a_product
from tests.unit.orders.world import LAST_FIVE, PAYS, SKU, SOLD_OUT, Away, World, a_body

PATH = "/api/orders/products"


async def test_the_catalogue_is_listed_with_texts_prices_and_stock(client: Client) -> None:
    response = await client.get(PATH)

    items = (await response.json())["items"]
    assert response.status == 200
    assert len(items) == 10
    orbit = next(item for item in items if item["sku"] == SKU)
    assert orbit["names"]["ja"] == "キサイ オービット"
    assert orbit["prices"] == {"JPY": 14_800, "USD": 9_900, "EUR": 9_200, "GBP": 7_900}
    assert {item["sku"]: item["stock"] for item in items if item["stock"] < 10} == {LAST_FIVE: 5, SOLD_OUT: 0}


async def test_pages_are_linked_to_the_end(client: Client) -> None:
    seen: list[str] = []
    path = f"{PATH}?limit=4"
    while path:
        response = await client.get(path)
        seen += [item["sku"] for item in (await response.json())["items"]]
        path = str(URL(response.links["next"]["url"]).relative()) if "next" in response.links else ""

    assert seen == sorted(watch.product.sku for watch in WATCHES)


async def _found(client: Client, **query: str) -> list[str]:
    response = await client.get(PATH, params=query)
    assert response.status == 200
    return [item["sku"] for item in (await response.json())["items"]]


@pytest.mark.parametrize(
    ("sought", "skus"),
    [
        ("orbit", ["TF-KISAI-01"]),
        ("ＯＲＢＩＴ", ["TF-KISAI-01"]),
        ("ｵｰﾋﾞｯﾄ", ["TF-KISAI-01"]),
        ("二つのLEDの輪", ["TF-KISAI-01"]),
        ("zwei ringe", ["TF-KISAI-01"]),
        ("KEINE ringe", []),
        ("außen", ["TF-KISAI-01"]),
        ("AUSSEN", ["TF-KISAI-01"]),
        ("tf-raku", ["TF-RAKU-08"]),
        ("orbit raku", []),
        (".*", []),
    ],
)
async def test_the_catalogue_is_searched_in_every_language(client: Client, sought: str, skus: list[str]) -> None:
    assert await _found(client, q=sought) == skus


@pytest.mark.parametrize("sought", ["", "  ", "　"])
async def test_no_words_find_everything(client: Client, sought: str) -> None:
    assert len(await _found(client, q=sought)) == 10


async def test_pages_of_what_was_found_are_linked_to_the_end(client: Client) -> None:
    everything = await _found(client, q="light licht", limit="100")
    seen: list[str] = []
    path = f"{PATH}?limit=1&q=light+licht"
    while path:
        response = await client.get(path)
        seen += [item["sku"] for item in (await response.json())["items"]]
        path = str(URL(response.links["next"]["url"]).relative()) if "next" in response.links else ""

    assert len(seen) > 1
    assert seen == everything


async def test_what_was_found_has_a_tag_of_its_own(client: Client, world: World) -> None:
    everything, found = await client.get(PATH), await client.get(f"{PATH}?q=orbit")
    tag = found.headers["ETag"]

    assert tag != everything.headers["ETag"]
    assert (await client.get(f"{PATH}?q=orbit", headers={"If-None-Match": tag})).status == 304
    await world.buy()
    assert (await client.get(f"{PATH}?q=orbit", headers={"If-None-Match": tag})).status == 200


@pytest.mark.parametrize("sought", [PAYS, "x" * 81])
async def test_a_search_for_what_is_none_is_refused(client: Client, sought: str) -> None:
    response = await client.get(PATH, params={"q": sought})

    assert response.status == 422
    problem = await response.text()
    assert '"q"' in problem
    assert PAYS not in problem


async def test_what_is_retired_is_neither_listed_nor_sold_but_past_orders_stay(client: Client, world: World) -> None:
    placed = (await world.buy()).order
    await world.deps.products.put(replace(watch_of(SKU), is_retired=True), stock=0)

    sale = await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"})

    assert SKU not in await _found(client)
    assert (await client.get(f"{PATH}/{SKU}")).status == 404
    assert (sale.status, (await sale.json())["errors"][0]["code"]) == (422, "unknown-sku")
    assert (await world.deps.orders.get(placed.id)).lines == placed.lines


def watch_of(sku: str) -> Product:
    return next(watch.product for watch in WATCHES if watch.product.sku == sku)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=%21", "page=2", "limit=1&limit=2"])
async def test_other_pages_are_refused(client: Client, query: str) -> None:
    response = await client.get(f"{PATH}?{query}")

    assert response.status == 422


async def test_what_has_not_changed_is_not_sent_again(client: Client, world: World) -> None:
    first = await client.get(PATH)
    tag = first.headers["ETag"]

    same = await client.get(PATH, headers={"If-None-Match": f'"other", W/{tag}'})
    await world.buy(a_body(LAST_FIVE))
    sold = await client.get(PATH, headers={"If-None-Match": tag})

    assert (same.status, await same.read()) == (304, b"")
    assert sold.status == 200
    assert sold.headers["ETag"] != tag


async def test_one_product(client: Client) -> None:
    response = await client.get(f"{PATH}/{SKU}")
    again = await client.get(f"{PATH}/{SKU}", headers={"If-None-Match": response.headers["ETag"]})

    assert (await response.json())["warranty_months"] == 24
    assert again.status == 304


async def test_no_such_product(client: Client) -> None:
    response = await client.get(f"{PATH}/TF-NONE-00")

    assert response.status == 404
    assert (await response.json())["type"] == "/problems/product-not-found"


async def test_seeding_again_leaves_what_is_there(client: Client, world: World) -> None:
    await world.buy(a_body(LAST_FIVE))
    await world.deps.products.put(replace(watch_of(SKU), is_retired=True), stock=0)

    await seed(world.deps.products)

    assert await world.left(LAST_FIVE) == 4
    assert SKU not in await _found(client)


async def test_the_window_is_read_once_a_second() -> None:
    products = MemoryProducts(MemoryStock())
    now = 100.0
    window = ShopWindow(products, monotonic=lambda: now)
    await products.put(a_product("TF-A"), stock=1)

    first = await window.look()
    await products.put(a_product("TF-B"), stock=1)
    now += 1.0
    second = await window.look()
    now += 0.01
    third = await window.look()

    assert first is second
    assert list(third.offers) == ["TF-A", "TF-B"]


async def test_a_window_that_cannot_be_read_shows_nothing_old() -> None:
    window = ShopWindow(Away(), monotonic=lambda: 0.0)  # type: ignore[arg-type]  # answers nothing, whatever is asked

    with pytest.raises(TransientError):
        await window.look()


def test_every_watch_is_described_and_priced_in_full() -> None:
    for watch in WATCHES:
        product = watch.product
        assert set(product.names) == set(product.descriptions) == {"en", "ja", "de"}
        assert set(product.prices) == {"JPY", "USD", "EUR", "GBP"}
        assert all(price > 0 for price in product.prices.values())


def test_a_language_that_is_missing_is_english() -> None:
    assert a_product().name("fr") == "Kisai Orbit"
    assert a_product().description("fr") == "Two rings."


@pytest.mark.parametrize(
    ("country", "zone"), [("JP", "japan"), ("KR", "asia"), ("DE", "europe"), ("US", "world"), ("ZA", "world")]
)
def test_countries_belong_to_zones(country: str, zone: str) -> None:
    assert zone_of(country) == zone


def test_every_country_has_a_price_in_every_currency() -> None:
    assert len(countries()) > 240
    prices = [shipping_minor(country, code, 140) for country in countries() for code in ("JPY", "USD", "EUR", "GBP")]
    assert min(prices) > 0
