"""A watch is handed on with its cover: once, to who has the code, and with nothing of its former owner."""

import asyncio
from typing import Any

import pytest

from services.warranty.transfers.usecases import LASTS
from shared.contracts.warranty import PersonExported
from shared.testing.identity import an_identity
from shared.testing.persons import AskingAuth
from tests.unit.warranty.conftest import Client
from tests.unit.warranty.test_claims import CLAIMS, WISH, step
from tests.unit.warranty.test_mydata import hear
from tests.unit.warranty.test_orders import claimed, handle
from tests.unit.warranty.world import World

PURCHASES, TRANSFERS = "/api/warranty/purchases", "/api/warranty/transfers"
BOB = {"name": "Bob Example", "email": "bob@example.org"}


async def offered(client: Client, world: World, account: str = "a-1", item: str = "o-1-1-1") -> str:
    response = await client.post(f"{PURCHASES}/{item}/transfer", headers=world.as_customer(account))
    assert response.status == 201, await response.text()
    return str((await response.json())["code"])


async def taken(client: Client, world: World, code: str, account: str = "a-2") -> tuple[int, dict[str, Any]]:
    body = {"code": code, "contact": BOB}
    response = await client.post(TRANSFERS, json=body, headers=world.as_customer(account))
    return response.status, await response.json()


async def test_a_watch_goes_to_who_has_the_code_and_leaves_its_former_owner(client: Client, world: World) -> None:
    await world.deliver("a-1", items=2)
    before = (await world.listed("a-1"))[1]

    code = await offered(client, world)
    status, view = await taken(client, world, code.lower().replace("-", " "))

    assert status == 200
    assert (view["id"], view["covered_until"]) == ("o-1-1-1", before.covered_until.isoformat())
    assert (view["order_number"], view["price_minor"], view["transferred_at"]) == ("", 0, "2026-11-20T03:00:00Z")
    assert [record.id for record in await world.listed("a-1")] == ["o-1-1-2"]
    assert [record.id for record in await world.listed("a-2")] == ["o-1-1-1"]
    one = await client.get(f"{PURCHASES}/o-1-1-1", headers=world.as_customer("a-1"))
    assert one.status == 404


async def test_of_many_who_have_the_code_one_gets_the_watch_and_is_told_so_again(client: Client, world: World) -> None:
    await world.deliver("a-1")
    code = await offered(client, world)

    answers = await asyncio.gather(*(taken(client, world, code, f"b-{n}") for n in range(6)))

    [winner] = [n for n, (status, _) in enumerate(answers) if status == 200]
    assert sorted(status for status, _ in answers) == [200] + [404] * 5
    assert (await taken(client, world, code, f"b-{winner}"))[0] == 200
    assert (await taken(client, world, code, "a-1"))[0] == 404


@pytest.mark.parametrize("code", ["", "0000-0000-0000-0000", "x" * 61, "\u0000"])
async def test_what_is_no_code_gives_nothing(client: Client, world: World, code: str) -> None:
    await world.deliver("a-1")
    await offered(client, world)

    status, _ = await taken(client, world, code)

    assert status in (404, 422)
    assert "a-2" not in world.data_keys.stored


async def test_a_code_runs_out_is_replaced_and_withdrawn(client: Client, world: World) -> None:
    await world.deliver("a-1")
    first, second = await offered(client, world), await offered(client, world)
    replaced, _ = await taken(client, world, first)
    withdrawn = await client.delete(f"{PURCHASES}/o-1-1-1/transfer", headers=world.as_customer("a-1"))
    gone, _ = await taken(client, world, second)
    third = await offered(client, world)
    world.clock.advance(seconds=LASTS.total_seconds())
    late, _ = await taken(client, world, third)

    assert (replaced, withdrawn.status, gone, late) == (404, 204, 404, 404)


async def test_the_code_is_not_kept_and_others_cannot_make_one(client: Client, world: World) -> None:
    await world.deliver("a-1")
    code = await offered(client, world)
    remembered = world.auth.headers(an_identity("a-1", fresh=False))

    other = await client.post(f"{PURCHASES}/o-1-1-1/transfer", headers=world.as_customer("a-2"))
    nobody = await client.post(f"{PURCHASES}/o-1-1-1/transfer")
    stale = await client.post(f"{PURCHASES}/o-1-1-1/transfer", headers=remembered)
    guest = await client.post(TRANSFERS, json={"code": code, "contact": BOB})

    assert [each.status for each in (other, nobody, stale, guest)] == [404, 401, 403, 401]
    assert code not in repr(world.purchases.offers)
    assert code.replace("-", "") not in repr(world.purchases.offers)


async def test_what_is_under_a_claim_or_over_is_not_handed_on(client: Client, world: World) -> None:
    await world.deliver("a-1")
    code = await offered(client, world)
    await client.post(CLAIMS, json=WISH, headers=world.as_customer("a-1"))

    status, problem = await taken(client, world, code)
    again = await client.post(f"{PURCHASES}/o-1-1-1/transfer", headers=world.as_customer("a-1"))
    own, _ = await taken(client, world, code, "a-1")

    assert (status, problem["type"], again.status, own) == (409, "/problems/not-transferable", 409, 409)


async def test_a_new_owner_claims_a_repair_and_nothing_else(client: Client, world: World) -> None:
    await world.deliver("a-1")
    await taken(client, world, await offered(client, world))
    bob = world.as_customer("a-2")

    refund = await client.post(CLAIMS, json=WISH | {"wanted": "refund"}, headers=bob)
    repair = await client.post(CLAIMS, json=WISH, headers=bob)
    claim = await repair.json()
    decided, problem = await step(client, world, claim, "decision", {"outcome": "refund"})
    desk = await client.get(f"/api/warranty/desk/claims/{claim['id']}", headers=world.as_staff("support"))

    assert (refund.status, (await refund.json())["type"]) == (409, "/problems/repair-only")
    assert (repair.status, claim["item"]["order_number"], claim["item"]["price_minor"]) == (201, "", 0)
    assert (decided, problem["type"]) == (409, "/problems/repair-only")
    assert (await desk.json())["item"]["order_number"] == "7F3K-Q2XM"


async def test_a_guest_hands_on_by_the_link_and_a_later_claim_of_the_order_changes_nothing(
    client: Client, world: World
) -> None:
    await world.deliver("", items=2)
    link = {"order": "o-1", "t": world.token_of("o-1")}

    made = await client.post(f"{PURCHASES}/o-1-1-1/transfer", params=link)
    status, _ = await taken(client, world, (await made.json())["code"])
    await handle(world, claimed(world))

    assert (made.status, status) == (201, 200)
    assert [record.id for record in await world.listed("a-2")] == ["o-1-1-1"]
    assert [record.id for record in await world.listed("a-1")] == ["o-1-1-2"]


async def test_a_new_owners_copy_says_nothing_of_the_former_and_an_erasure_frees_the_watch(
    client: Client, world: World
) -> None:
    await world.deliver("a-1")
    await taken(client, world, await offered(client, world))
    auth = AskingAuth(world.sealing)

    await hear(world, auth.export("a-2"))
    [row] = auth.collected(world.answers.events[0], PersonExported)["purchases"]
    await hear(world, auth.erasure("a-2"))
    await world.deliver("a-1")  # the stream once more

    assert (row["order_number"], row["unit_price_minor"]) == ("", 0)
    assert await world.listed("a-2") == []
    assert await world.listed("a-1") == []
