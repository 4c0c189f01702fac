import pytest
from yarl import URL

from shared.testing.texts import without_ids
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import DECLINED, World, a_body

SHIPPING = {"line1": "1-2-3 Jingumae", "city": "Shibuya", "postcode": "150-0001", "country": "JP"}


async def _buy(client: Client, key: str, headers: dict[str, str] | None = None, **body: object) -> dict[str, str]:
    response = await client.post(
        "/api/orders", json=a_body(**body), headers={"Idempotency-Key": key} | (headers or {})
    )  # fmt: skip
    placed: dict[str, str] = await response.json()
    return placed


async def test_an_account_lists_its_own_orders_newest_first(client: Client, world: World) -> None:
    mine = [await _buy(client, f"k-{n}", world.as_customer("a-1")) for n in range(3)]
    await _buy(client, "k", world.as_customer("a-2"))

    seen: list[str] = []
    path = "/api/orders?limit=2"
    while path:
        response = await client.get(path, headers=world.as_customer("a-1"))
        seen += [item["id"] for item in (await response.json())["items"]]
        path = str(URL(response.links["next"]["url"]).relative()) if "next" in response.links else ""

    assert seen == [placed["id"] for placed in reversed(mine)]


async def test_a_visitor_has_no_list(client: Client) -> None:
    assert (await client.get("/api/orders")).status == 401


async def test_an_order_is_for_the_account_that_placed_it(client: Client, world: World) -> None:
    placed = await _buy(client, "k", world.as_customer("a-1"))
    path = f"/api/orders/{placed['id']}"

    mine = await client.get(path, headers=world.as_customer("a-1"))
    others = [
        await client.get(path, headers=world.as_customer("a-2")),
        await client.get(path, headers=world.as_staff("support", "admin", "fraud", "marketing")),
        await client.get(path),
        await client.get("/api/orders/o-none", headers=world.as_customer("a-1")),
    ]

    assert (mine.status, await mine.json()) == (200, placed)
    assert [response.status for response in others] == [404] * 4
    assert len({(await response.json())["type"] for response in others}) == 1


async def test_a_guests_order_is_for_whoever_has_its_link(client: Client) -> None:
    placed, other = await _buy(client, "k-1"), await _buy(client, "k-2")
    path, token = f"/api/orders/{placed['id']}", placed["view_link"].partition("?t=")[2]

    with_link = await client.get(f"{path}?t={token}")
    others = [
        await client.get(path),
        await client.get(f"{path}?t="),
        await client.get(f"{path}?t={other['view_link'].partition('?t=')[2]}"),
    ]

    assert (with_link.status, await with_link.json()) == (200, placed)
    assert [response.status for response in others] == [404] * 3


async def test_the_desk_sees_orders_but_neither_persons_nor_cards(client: Client, world: World) -> None:
    placed = await _buy(client, "k-1", quantity=2)
    await _buy(client, "k-2", card=DECLINED)

    response = await client.get("/api/orders/desk", headers=world.as_staff("support"))

    text, desk = await response.text(), await response.json()
    assert response.status == 200
    assert {status: n for status, n in desk["counts"].items() if n} == {"paid": 1, "declined": 1}
    assert {item["status"] for item in desk["items"]} == {"paid", "declined"}
    assert next(item for item in desk["items"] if item["status"] == "paid") == {
        "id": placed["id"],
        "number": placed["number"],
        "status": "paid",
        "currency": "JPY",
        "units": 2,
        "total_minor": 30_400,
        "created_at": placed["created_at"],
        "needs_attention": False,
    }
    assert "4242" not in without_ids(text)
    assert "Ann" not in text


async def test_the_sandboxs_book_is_listed_and_counted(client: Client, world: World) -> None:
    placed = await _buy(client, "k-1")
    await _buy(client, "k-2", card=DECLINED)
    path = "/api/orders/payments/sandbox/charges"

    first = await client.get(f"{path}?limit=1", headers=world.as_staff("admin"))
    second = await client.get(str(URL(first.links["next"]["url"]).relative()), headers=world.as_staff("support"))

    assert (await first.json())["items"] == [
        {
            "order_id": placed["id"],
            "amount_minor": 15_600,
            "currency": "JPY",
            "outcome": "paid",
            "charged_at": "2026-11-22T03:00:00Z",
        }
    ]
    assert [item["outcome"] for item in (await second.json())["items"]] == ["declined"]
    counts = (await first.json())["counts"]
    assert {outcome: n for outcome, n in counts.items() if n} == {"paid": 1, "declined": 1}
    assert "next" not in second.links


@pytest.mark.parametrize("path", ["/api/orders/desk", "/api/orders/payments/sandbox/charges"])
async def test_staff_pages_are_for_their_roles(client: Client, world: World, path: str) -> None:
    assert (await client.get(path)).status == 401
    assert (await client.get(path, headers=world.as_customer())).status == 403
    assert (await client.get(path, headers=world.as_staff("marketing", "fraud"))).status == 403


async def test_a_profile_is_kept_shown_and_forgotten(client: Client, world: World) -> None:
    mine, path = world.as_customer("a-1"), "/api/orders/profile"

    kept = await client.put(path, json={"name": "Ann Example", "shipping": SHIPPING}, headers=mine)
    shown = await client.get(path, headers=mine)
    anothers = await client.get(path, headers=world.as_customer("a-2"))
    forgotten = await client.delete(path, headers=mine)
    gone = await client.get(path, headers=mine)

    assert [kept.status, anothers.status, forgotten.status, gone.status] == [204, 404, 204, 404]
    assert await shown.json() == {"name": "Ann Example", "shipping": SHIPPING | {"line2": None, "region": None}}


async def test_a_profile_is_sealed(client: Client, world: World) -> None:
    body = {"name": "Ann Example", "shipping": SHIPPING}

    await client.put("/api/orders/profile", json=body, headers=world.as_customer("a-1"))

    stored = await world.stores.profiles.find("a-1")
    assert stored is not None
    assert b"Ann" not in stored.box
    assert b"Jingumae" not in stored.box


async def test_a_remembered_browser_sees_no_profile(client: Client, world: World) -> None:
    path, remembered = "/api/orders/profile", world.as_customer("a-1", fresh=False)
    await client.put(path, json={"name": "Ann", "shipping": SHIPPING}, headers=world.as_customer("a-1"))

    shown = await client.get(path, headers=remembered)
    changed = await client.put(path, json={"name": "Eve", "shipping": SHIPPING}, headers=remembered)

    assert (shown.status, changed.status) == (403, 403)
    assert (await shown.json())["type"] == "/problems/fresh-login-required"


async def test_a_visitor_has_no_profile(client: Client) -> None:
    responses = [
        await client.get("/api/orders/profile"),
        await client.put("/api/orders/profile", json={}),
        await client.delete("/api/orders/profile"),
    ]

    assert [response.status for response in responses] == [401] * 3


async def test_a_profile_holds_no_card_digits(client: Client, world: World) -> None:
    body = {"name": "Ann", "shipping": SHIPPING | {"line2": "4242 4242 4242 4242"}}

    response = await client.put("/api/orders/profile", json=body, headers=world.as_customer())

    assert response.status == 422
    assert (await response.json())["errors"][0]["pointer"] == "/shipping/line2"
    assert await world.stores.profiles.find("a-1") is None


async def test_the_contract_is_published(client: Client) -> None:
    response = await client.get("/api/orders/openapi.json")

    paths = (await response.json())["paths"]
    assert response.status == 200
    assert {"/api/orders", "/api/orders/{id}", "/api/orders/products", "/api/orders/profile"} <= set(paths)
    assert {"201", "402", "409", "422"} <= set(paths["/api/orders"]["post"]["responses"])


async def test_readiness_follows_the_database(client: Client, world: World) -> None:
    ready = await client.get("/readyz")
    world.is_ready = False
    waiting = await client.get("/readyz")

    assert (ready.status, waiting.status) == (200, 503)
