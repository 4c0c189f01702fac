"""The cart lives in the address: nothing is stored for it, and only which watch and how many is read from it."""

import re

import pytest

from tests.unit.orders.conftest import Client
from tests.unit.orders.world import LAST_FIVE, PAYS, SKU, SOLD_OUT

OTHER = "TF-HIKARI-04"
HTML = {"Accept": "text/html"}


async def _page(client: Client, path: str, **headers: str) -> str:
    response = await client.get(path, headers=HTML | headers)
    assert response.status == 200
    assert "Set-Cookie" not in response.headers
    return await response.text()


def _quantities(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(TF-[A-Z0-9-]+)" type="number"[^>]* required value="(\d+)"', page))


async def test_a_cart_shows_lines_shipping_and_total_for_a_country(client: Client) -> None:
    page = await _page(client, f"/cart?{SKU}=2&{OTHER}=1&country=DE")

    assert _quantities(page) == {SKU: "2", OTHER: "1"}
    assert "Shipping to Germany" in page
    assert "¥2,400" in page
    assert "¥47,900" in page  # 2 × 14,800, 15,900 and 2,400
    assert f'href="/checkout?{SKU}=2&amp;{OTHER}=1&amp;country=DE"' in page
    assert f'href="/cart?{OTHER}=1&amp;country=DE" aria-label="Remove Kisai Orbit"' in page


async def test_the_country_follows_the_language_until_one_is_chosen(client: Client) -> None:
    german = await _page(client, f"/cart?{SKU}=1", **{"Accept-Language": "de"})
    nowhere = await _page(client, f"/cart?{SKU}=1&country=ZZ")

    assert "Versand nach Deutschland" in german
    assert "Shipping to Japan" in nowhere


@pytest.mark.parametrize(
    ("query", "quantities"),
    [
        (f"{SKU}=0", {}),
        (f"{SKU}=-1", {}),
        (f"{SKU}=two", {}),
        (f"{SKU}=٢", {}),
        (f"{SKU}=11", {SKU: "10"}),
        (f"{SKU}={2**63}", {SKU: "10"}),
        (f"{SKU}=1&{SKU}=3", {SKU: "3"}),
        (f"TF-NONE-00=1&{SKU}=1", {SKU: "1"}),
        (f"{PAYS}=1&q={PAYS}", {}),
        ("&".join(f"TF-{n}=1" for n in range(900)), {}),
    ],
)
async def test_what_is_no_line_of_a_cart_is_left_out(client: Client, query: str, quantities: dict[str, str]) -> None:
    page = await _page(client, f"/cart?{query}")

    assert _quantities(page) == quantities
    assert "4242" not in page


async def test_what_cannot_be_bought_is_said_beside_its_line_and_leads_to_no_checkout(client: Client) -> None:
    page = await _page(client, f"/cart?{SKU}=1&{LAST_FIVE}=6&{SOLD_OUT}=1")

    assert "Only 5 left. Please take fewer." in page
    assert "Sold out. Please remove it." in page
    assert "Go to checkout" not in page
    assert "Total" not in page


async def test_the_cart_stays_while_one_looks_around(client: Client) -> None:
    catalogue = await _page(client, f"/?{SKU}=2")
    product = await _page(client, f"/products/{OTHER}?{SKU}=2")

    assert f'href="/products/{OTHER}?{SKU}=2"' in catalogue
    assert f'<input type="hidden" name="{SKU}" value="2">' in product
    assert all(f'href="/cart?{SKU}=2">Cart (2)</a>' in page for page in (catalogue, product))
    assert all(f'href="/?{SKU}=2"' in page for page in (catalogue, product))


async def test_a_product_that_is_in_the_cart_is_changed_not_doubled(client: Client) -> None:
    page = await _page(client, f"/products/{SKU}?{SKU}=2")

    assert re.search(rf'name="{SKU}" type="number"[^>]* value="2" aria-describedby', page)
    assert f'type="hidden" name="{SKU}"' not in page
    assert "Update the cart" in page


@pytest.mark.parametrize("path", ["/checkout", "/checkout?TF-NONE-00=1", f"/checkout?{SKU}=0"])
async def test_there_is_no_checkout_without_anything_to_buy(client: Client, path: str) -> None:
    response = await client.get(path, allow_redirects=False)

    assert (response.status, response.headers["Location"]) == (303, "/cart")


@pytest.mark.parametrize(
    ("sought", "found"), [("orbit", 1), ("LED rings", 1), ("オービット", 1), ("tf-kisai", 1), ("", 10), ("zebra", 0)]
)
async def test_the_catalogue_is_searched(client: Client, sought: str, found: int) -> None:
    response = await client.get("/", params={"q": sought}, headers=HTML)

    page = await response.text()
    assert page.count('<li class="card product">') == found
    assert f'value="{sought}"' in page


@pytest.mark.parametrize("sought", [PAYS, "<script>", PAYS.replace(" ", "")])
async def test_a_search_shows_nothing_again_that_it_should_not(client: Client, sought: str) -> None:
    page = await (await client.get("/", params={"q": sought}, headers=HTML)).text()

    assert "4242" not in page
    assert "<script>" not in page
