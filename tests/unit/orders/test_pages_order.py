"""An order's pages: for whoever bought it, and for nobody else."""

import re

import pytest

from services.orders.life.cancel import cancel
from services.orders.life.domain import BUYER, Order
from services.orders.life.shipping import Parcel, ship
from services.orders.life.steps import Status
from services.orders.life.view import link_to
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import ASKS_BANK, DECLINED, PAYS, World, a_body

HTML = {"Accept": "text/html"}


async def _bought(world: World) -> Order:
    await world.buy()
    [order] = await world.all_orders()
    return order


async def _page(client: Client, path: str, **headers: str) -> str:
    response = await client.get(path, headers=HTML | headers)
    assert response.status == 200
    return await response.text()


def _link(world: World, order: Order) -> str:
    """The guest's link, less the host."""
    return link_to(world.deps, order).removeprefix(world.deps.settings.public_url)


async def test_a_timeline_says_what_has_happened_in_the_visitors_language(client: Client, world: World) -> None:
    order = await _bought(world)
    await ship(world.deps, order, Parcel("Yamato", "1234-5678"), by="staff:s-1")

    page = await _page(client, _link(world, order), **{"Accept-Language": "de"})

    steps = re.findall(r"<li><strong>([^<]+)</strong> <time", page)
    assert steps == ["Bestellt", "Bezahlt", "Verschickt"]
    assert "Yamato" in page
    assert "1234-5678" in page
    assert "s-1" not in page
    assert "stornieren" not in page


async def test_the_page_of_an_order_leads_to_its_watches_with_the_guests_link(client: Client, world: World) -> None:
    order = await _bought(world)
    token = _link(world, order).partition("?t=")[2]

    page = await _page(client, _link(world, order))

    assert token
    assert f'href="/warranty?t={token}&amp;order={order.id}"' in page


async def test_an_order_is_cancelled_by_its_page_and_the_money_goes_back(client: Client, world: World) -> None:
    order = await _bought(world)
    link = _link(world, order)
    page = await _page(client, link)
    version = re.search(r'name="version" value="&#34;(\d+)&#34;"', page)
    assert version is not None

    answer = await client.post(
        link.replace("?", "/cancel?"), data={"version": f'"{version[1]}"'}, headers=HTML, allow_redirects=False
    )
    after = await _page(client, answer.headers["Location"])

    [cancelled] = await world.all_orders()
    assert answer.status == 303
    assert cancelled.status is Status.CANCELLED
    assert "goes back to your card" in after
    assert "paid back to your card" in after
    assert "Cancel this order" not in after


async def test_a_stale_page_cancels_nothing_and_says_so(client: Client, world: World) -> None:
    order = await _bought(world)
    link = _link(world, order)
    await ship(world.deps, order, Parcel("Yamato", "1234-5678"), by="staff:s-1")

    answer = await client.post(link.replace("?", "/cancel?"), data={"version": f'"{order.version}"'}, headers=HTML)

    page = await answer.text()
    assert answer.status == 412
    assert 'role="alert"' in page
    assert "On its way to you." in page


@pytest.mark.parametrize("part", ["", "/receipt"])
async def test_nobody_else_sees_an_order(client: Client, world: World, part: str) -> None:
    order = await _bought(world)

    for query in ("", "?t=", f"?t={'0' * 64}"):
        response = await client.get(f"/orders/{order.id}{part}{query}", headers=HTML | world.as_customer())
        assert response.status == 404
        assert order.number not in await response.text()


async def test_nobody_else_cancels_an_order(client: Client, world: World) -> None:
    order = await _bought(world)

    response = await client.post(f"/orders/{order.id}/cancel", data={"version": "*"}, headers=HTML)

    assert response.status == 404
    assert [each.status for each in await world.all_orders()] == [Status.PAID]


async def test_a_receipt_names_seller_buyer_sums_and_no_more_of_the_card_than_its_end(
    client: Client, world: World
) -> None:
    order = await _bought(world)

    page = await _page(client, (_link(world, order)).replace("?", "/receipt?"))

    text = re.sub(r"<[^>]+>|[0-9a-f-]{36}|t=[0-9a-f]+", " ", page)
    assert all(part in text for part in ("Tokyoflash Japan", "Ann Example", "1-2-3 Jingumae", "¥15,600", order.number))
    assert "card ending 4242" in text
    assert text.count("4242") == 1


async def test_ones_orders_are_listed_page_by_page_and_nobody_elses(client: Client, world: World) -> None:
    for n in range(3):
        headers = world.as_customer("a-1" if n else "a-2") | {"Idempotency-Key": f"k-{n}"}
        await client.post("/api/orders", json=a_body(), headers=headers)

    first = await (await client.get("/orders?limit=1", headers=HTML | world.as_customer("a-1"))).text()
    older = re.search(r'href="(/orders\?limit=1&amp;cursor=[^"]+)"', first)
    assert older is not None
    second = await (await client.get(older[1].replace("&amp;", "&"), headers=HTML | world.as_customer("a-1"))).text()
    guest = await client.get("/orders", headers=HTML, allow_redirects=False)

    numbers = [re.findall(r'<a href="/orders/[^"]+">([^<]+)</a></td>', page) for page in (first, second)]
    mine = [order.number for order in await world.all_orders() if order.account_id == "a-1"]
    assert [number for page in numbers for number in page] == mine
    assert "Older orders" not in second
    assert (guest.status, guest.headers["Location"]) == (303, "/login?next=/orders")


async def test_a_receipt_has_the_address_in_lines_and_the_country_by_its_name(client: Client, world: World) -> None:
    order = await _bought(world)

    page = await _page(client, _link(world, order).replace("?", "/receipt?"), **{"Accept-Language": "de"})

    assert "Japan</dd>" in page
    assert "JP</dd>" not in page
    assert "1-2-3 Jingumae<br>" in page


@pytest.mark.parametrize("card", [ASKS_BANK, DECLINED])
async def test_there_is_no_receipt_of_what_was_not_paid(client: Client, world: World, card: str) -> None:
    await world.buy(a_body(card=card))
    [order] = await world.all_orders()
    link = _link(world, order)

    answer = await client.get(link.replace("?", "/receipt?"), headers=HTML, allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (303, link)


async def test_the_receipt_of_a_cancelled_order_says_so_above_what_went_back(client: Client, world: World) -> None:
    order = await _bought(world)
    await cancel(world.deps, order, by=BUYER, if_match="*")

    page = await _page(client, _link(world, order).replace("?", "/receipt?"))

    assert "Cancelled." in page
    assert "−¥15,600" in page


async def test_a_browser_that_was_only_remembered_gives_the_password_before_it_sees_the_address(
    client: Client, world: World
) -> None:
    await world.buy(account="a-1")
    [order] = await world.all_orders()
    path = f"/orders/{order.id}/receipt"

    remembered = await client.get(path, headers=HTML | world.as_customer("a-1", fresh=False), allow_redirects=False)
    fresh = await _page(client, path, **world.as_customer("a-1"))

    assert (remembered.status, remembered.headers["Location"]) == (303, f"/confirm?next={path}")
    assert "1-2-3 Jingumae" in fresh


@pytest.mark.parametrize(("card", "told"), [(ASKS_BANK, False), (PAYS, True)])
async def test_no_receipt_is_spoken_of_before_there_is_one(client: Client, world: World, card: str, told: bool) -> None:
    await world.buy(a_body(card=card))
    [order] = await world.all_orders()

    page = await _page(client, _link(world, order))

    assert "it shows you your order." in page
    assert ("in the mail with your receipt" in page) == told
