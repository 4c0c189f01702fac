import re
from datetime import timedelta

import pytest
from yarl import URL

from services.warranty.deps import Deps
from tests.unit.warranty.conftest import Client
from tests.unit.warranty.doubles import NOON, a_record
from tests.unit.warranty.world import World


async def test_ones_own_purchases_are_listed(client: Client, world: World) -> None:
    await world.deliver("a-1")

    response = await client.get("/api/warranty/purchases", headers=world.as_customer("a-1"))

    assert response.status == 200
    assert (await response.json())["items"] == [
        {
            "id": "o-1-1-1",
            "sku": "kisai-rogue",
            "name": "Kisai Rogue",
            "purchased_at": "2026-11-20T03:00:00Z",
            "covered_since": "2026-11-20",
            "covered_until": "2027-11-20",
            "extended_days": 0,
            "is_covered": True,
            "order_number": "7F3K-Q2XM",
            "price_minor": 19800,
            "currency": "JPY",
            "serial": "",
            "cancelled_at": None,
            "order_refunded_minor": 0,
            "transferred_at": None,
            "rule": {"id": "maker", "version": 1, "months": 12},
        }
    ]


async def test_pages_are_linked_to_the_end(client: Client, world: World) -> None:
    key = world.deps.index.of("account", "a-1")
    await world.purchases.add([a_record(f"o-{n}", owner=key, at=NOON + timedelta(seconds=n)) for n in range(5)])

    seen: list[str] = []
    path = "/api/warranty/purchases?limit=2"
    while path:
        response = await client.get(path, headers=world.as_customer("a-1"))
        seen += [item["id"] for item in (await response.json())["items"]]
        path = str(URL(response.links["next"]["url"]).relative()) if "next" in response.links else ""

    assert seen == ["o-4", "o-3", "o-2", "o-1", "o-0"]


async def test_a_list_holds_nothing_of_others(client: Client, world: World) -> None:
    await world.deliver("a-1")

    response = await client.get("/api/warranty/purchases", headers=world.as_customer("a-2"))

    assert (await response.json())["items"] == []


async def test_a_purchase_can_be_read_by_its_owner_alone(client: Client, world: World) -> None:
    await world.deliver("a-1")

    mine = await client.get("/api/warranty/purchases/o-1-1-1", headers=world.as_customer("a-1"))
    anothers = await client.get("/api/warranty/purchases/o-1-1-1", headers=world.as_customer("a-2"))
    nobodys = await client.get("/api/warranty/purchases/o-9-9-9", headers=world.as_customer("a-2"))

    assert mine.status == 200
    assert (anothers.status, nobodys.status) == (404, 404)
    assert _without_instance(await anothers.json()) == _without_instance(await nobodys.json())


async def test_a_guests_purchase_is_nobodys(client: Client, world: World) -> None:
    await world.deliver("")

    response = await client.get("/api/warranty/purchases/o-1-1-1", headers=world.as_customer("a-1"))

    assert response.status == 404


async def test_who_is_not_logged_in_gets_401(client: Client) -> None:
    statuses = [
        (await client.get(path)).status
        for path in ("/api/warranty/purchases", "/api/warranty/purchases/o-1", "/api/warranty/desk")
    ]

    assert statuses == [401, 401, 401]


@pytest.mark.parametrize(
    ("query", "name"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=%25", "cursor"), ("page=2", "page")],
)
async def test_a_bad_query_names_its_parameter(client: Client, world: World, query: str, name: str) -> None:
    response = await client.get(f"/api/warranty/purchases?{query}", headers=world.as_customer("a-1"))

    assert response.status == 422
    assert [field["pointer"] for field in (await response.json())["errors"]] == [name]


async def test_the_desk_counts_without_persons(client: Client, world: World) -> None:
    await world.deliver("a-1")
    await world.deliver("", order="o-2")

    response = await client.get("/api/warranty/desk", headers=world.as_staff("support"))

    assert response.status == 200
    assert await response.json() == {"total": 2, "by_day": [{"day": "2026-11-20", "records": 2}]}


async def test_the_desk_is_closed_to_customers_and_marketing(client: Client, world: World) -> None:
    as_customer = await client.get("/api/warranty/desk", headers=world.as_customer("a-1"))
    as_marketing = await client.get("/api/warranty/desk", headers=world.as_staff("marketing"))

    assert (as_customer.status, as_marketing.status) == (403, 403)


async def test_support_finds_a_unit_by_its_serial_number(client: Client, world: World) -> None:
    await world.deliver("a-1")
    await world.purchases.number("o-1-1-1", "TF-0001", at=NOON)

    found = await client.get("/api/warranty/desk/units/tf-0001", headers=world.as_staff("support"))
    absent = await client.get("/api/warranty/desk/units/TF-0002", headers=world.as_staff("support"))
    as_customer = await client.get("/api/warranty/desk/units/TF-0001", headers=world.as_customer("a-1"))
    as_marketing = await client.get("/api/warranty/desk/units/TF-0001", headers=world.as_staff("marketing"))

    item = await found.json()
    assert (item["id"], item["serial"], item["covered_until"]) == ("o-1-1-1", "TF-0001", "2027-11-20")
    assert "a-1" not in await found.text()
    assert (absent.status, as_customer.status, as_marketing.status) == (404, 403, 403)


async def test_the_page_tells_what_is_covered_until_when(client: Client, world: World) -> None:
    await world.deliver("a-1")

    response = await client.get("/warranty", headers=world.as_customer("a-1"))
    text = await response.text()

    assert response.status == 200
    assert "Kisai Rogue" in text
    assert "November 20, 2027" in text
    assert "(over)" not in text


async def test_the_page_marks_what_is_over(client: Client, world: World) -> None:
    await world.deliver("a-1")
    world.clock.advance(days=366)

    text = await (await client.get("/warranty", headers=world.as_customer("a-1"))).text()

    assert "(over)" in text


async def test_the_page_names_no_day_of_cover_for_what_was_cancelled(client: Client, world: World) -> None:
    await world.deliver("a-1")
    await world.purchases.note_cancelled("o-1", at=NOON)

    text = await (await client.get("/warranty", headers=world.as_customer("a-1"))).text()

    assert "Cancelled" in text
    assert "2027-11-20" not in text


async def test_what_was_cancelled_and_paid_back_is_told_to_its_owner(client: Client, world: World) -> None:
    await world.deliver("a-1")
    await world.purchases.note_cancelled("o-1", at=NOON)
    await world.purchases.note_refunded("o-1", 19800)

    item = await (await client.get("/api/warranty/purchases/o-1-1-1", headers=world.as_customer("a-1"))).json()

    assert (item["cancelled_at"], item["order_refunded_minor"]) == ("2026-11-20T03:00:00Z", 19800)


async def test_the_page_is_covered_on_its_last_day(client: Client, world: World) -> None:
    await world.deliver("a-1")
    world.clock.advance(days=365)

    text = await (await client.get("/warranty", headers=world.as_customer("a-1"))).text()

    assert "(over)" not in text


async def test_the_page_asks_a_guest_to_log_in(client: Client) -> None:
    response = await client.get("/warranty")

    assert response.status == 200
    assert '<a class="button" href="/login?next=/warranty">' in await response.text()


async def test_the_page_goes_on_behind_the_first_twenty(client: Client, world: World, deps: Deps) -> None:
    key = deps.index.of("account", "a-1")
    await world.purchases.add([a_record(f"o-{n:02}", owner=key, name=f"Watch {n:02}") for n in range(21)])
    first = await (await client.get("/warranty", headers=world.as_customer("a-1"))).text()
    [link] = re.findall(r'href="(/warranty\?cursor=[^"]+)" rel="next"', first)

    second = await (await client.get(link, headers=world.as_customer("a-1"))).text()

    assert "Watch 20" in first
    assert "Watch 00" not in first
    assert "Watch 00" in second
    assert 'rel="next"' not in second


async def test_a_products_name_cannot_bring_markup(client: Client, world: World, deps: Deps) -> None:
    key = deps.index.of("account", "a-1")
    await world.purchases.add([a_record(owner=key, name="<script>alert(1)</script>")])

    text = await (await client.get("/warranty", headers=world.as_customer("a-1"))).text()

    assert "<script" not in text


def _without_instance(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name != "instance"}
