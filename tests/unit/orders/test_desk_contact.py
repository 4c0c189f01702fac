"""Support sees whom an order is for, with a reason that the buyer reads."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from services.orders.app import build_app
from services.orders.desk.store import Access
from shared.contracts.orders import AccessRecorded
from shared.contracts.persons import AccessReason
from shared.errors import TransientError
from shared.events import Event
from shared.testing.identity import an_identity
from tests.unit.orders.conftest import Client
from tests.unit.orders.doubles import MemoryAccesses
from tests.unit.orders.world import World, a_body

REASON = "The parcel came back; I call the buyer."


@pytest.fixture
def accesses(world: World) -> MemoryAccesses:
    assert isinstance(world.stores.accesses, MemoryAccesses)
    return world.stores.accesses


async def _order(client: Client, headers: dict[str, str] | None = None) -> str:
    key = {"Idempotency-Key": "k-1"} | (headers or {})
    placed = await (await client.post("/api/orders", json=a_body(), headers=key)).json()
    return str(placed["id"])


async def _look(client: Client, order_id: str, headers: dict[str, str], reason: Any = REASON) -> Any:
    return await client.post(f"/api/orders/desk/{order_id}/contact", json={"reason": reason}, headers=headers)


async def test_support_sees_whom_an_order_is_for(client: Client, world: World) -> None:
    order_id = await _order(client, world.as_customer("a-1"))

    answer = await _look(client, order_id, world.as_staff("support"))

    assert answer.status == 200
    assert await answer.json() == {
        "name": "Ann Example",
        "email": "ann@example.org",
        "shipping": {"line1": "1-2-3 Jingumae", "line2": None, "city": "Shibuya", "region": None,
                     "postcode": "150-0001", "country": "JP"},
        "tracking": "",
    }  # fmt: skip


async def test_the_buyer_is_told_who_looked_and_why(client: Client, world: World, accesses: MemoryAccesses) -> None:
    order_id = await _order(client, world.as_customer("a-1"))

    await _look(client, order_id, world.auth.headers(an_identity("s-7", "customer", "support")))

    [event], [kept] = accesses.events, accesses.stored
    told = event.read(AccessRecorded)
    reason = world.sealing.unsealer("auth").open(AccessReason, told.reason, event=event, field="reason")
    assert (told.account_id, told.staff_id, told.roles) == ("a-1", "s-7", ("support",))
    assert (told.what, told.subject, told.access_id) == ("order-contact", order_id, kept.id)
    assert reason.reason == REASON
    assert REASON.encode() not in kept.reason


async def test_a_guests_look_is_kept_and_told_to_nobody(client: Client, world: World, accesses: MemoryAccesses) -> None:
    order_id = await _order(client)

    answer = await _look(client, order_id, world.as_staff("support"))

    assert answer.status == 200
    assert [(each.order_id, each.account_id) for each in accesses.stored] == [(order_id, "")]
    assert accesses.events == []


@pytest.mark.parametrize("role", ["customer", "marketing", "fraud", "officer", "admin"])
async def test_other_roles_see_nothing(client: Client, world: World, accesses: MemoryAccesses, role: str) -> None:
    order_id = await _order(client, world.as_customer("a-1"))

    answer = await _look(client, order_id, world.as_staff(role))

    assert answer.status == 403
    assert "ann@example.org" not in await answer.text()
    assert accesses.stored == []


async def test_nobody_in_particular_sees_nothing(client: Client, world: World) -> None:
    order_id = await _order(client, world.as_customer("a-1"))

    assert (await _look(client, order_id, {})).status == 401


@pytest.mark.parametrize(
    "reason",
    ["", "too short", " " * 20, "x" * 501, "the buyer\r\nasked me to", "pays with 4242 4242 4242 4242", None,
     {"$ne": ""}, ["a good reason"]],
)  # fmt: skip
async def test_without_a_reason_nothing_is_shown(
    client: Client, world: World, accesses: MemoryAccesses, reason: Any
) -> None:
    order_id = await _order(client, world.as_customer("a-1"))

    answer = await _look(client, order_id, world.as_staff("support"), reason)

    assert answer.status == 422
    assert accesses.stored == []
    assert "4242" not in await answer.text()


@pytest.mark.parametrize("order_id", ["o-none", "%24ne", "..%2F..%2Fdesk", "x" * 300])
async def test_an_order_that_is_not_there_shows_and_keeps_nothing(
    client: Client, world: World, accesses: MemoryAccesses, order_id: str
) -> None:
    answer = await client.post(
        f"/api/orders/desk/{order_id}/contact", json={"reason": REASON}, headers=world.as_staff("support")
    )

    assert answer.status == 404
    assert accesses.stored == []


class _Away(MemoryAccesses):
    async def add(self, access: Access, events: Sequence[Event]) -> None:
        raise TransientError("away")


async def test_what_cannot_be_kept_is_not_shown(world: World, client: Client) -> None:
    order_id = await _order(client, world.as_customer("a-1"))
    app = build_app(replace(world.deps, accesses=_Away()))

    async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as other:
        answer = await _look(other, order_id, world.as_staff("support"))
        text = await answer.text()

    assert answer.status == 503
    assert "ann@example.org" not in text
    assert "Jingumae" not in text


async def test_an_erased_buyer_is_shown_to_nobody(client: Client, world: World, accesses: MemoryAccesses) -> None:
    order_id = await _order(client, world.as_customer("a-1"))
    await world.deps.people.erase("a-1")

    answer = await _look(client, order_id, world.as_staff("support"))

    assert answer.status == 410
    assert accesses.stored == []
