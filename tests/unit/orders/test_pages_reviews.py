"""The queue of the role fraud by pages: why an order waits, and what is decided; no person, no digit."""

import re

import pytest

from services.orders.life.domain import Order
from services.orders.life.steps import Status
from services.orders.life.view import link_to
from services.orders.screening.domain import Kind
from services.orders.screening.rules import load_rules
from tests.unit.orders.conftest import Client
from tests.unit.orders.test_reviews import WHY, in_review
from tests.unit.orders.world import World

HTML = {"Accept": "text/html"}
PATH = "/desk/orders/reviews"


@pytest.fixture(autouse=True)
def rules(world: World) -> None:
    """The rules that come along."""
    world.screen_by(load_rules())


async def _decide(client: Client, world: World, order: Order, role: str = "fraud", **fields: str) -> tuple[int, str]:
    form = {"version": f'"{order.version}"', "note": WHY} | fields
    response = await client.post(f"{PATH}/{order.id}/decision", data=form, headers=HTML | world.as_staff(role))
    return response.status, await response.text()


async def test_the_queue_and_an_order_say_why_it_waits_and_nothing_of_the_buyer(client: Client, world: World) -> None:
    order = await in_review(world)
    as_fraud = HTML | world.as_staff("fraud")

    queue = await (await client.get(PATH, headers=as_fraud)).text()
    page = await (await client.get(f"{PATH}/{order.id}", headers=as_fraud)).text()

    assert order.number in queue
    assert "foreign-card" in queue
    assert "Card is from" in page
    for text in (queue, page):
        plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", text)
        assert not any(part in plain for part in ("Ann Example", "example.org", "Jingumae", "400056", "0002"))


@pytest.mark.parametrize(
    ("outcome", "status", "told"),
    [("approve", Status.PAID, "approved"), ("reject", Status.CANCELLED, "rejected")],
)
async def test_a_finding_ends_the_review(client: Client, world: World, outcome: str, status: Status, told: str) -> None:
    order = await in_review(world)

    answered, page = await _decide(client, world, order, outcome=outcome, block="true")

    assert answered == 200
    assert told in page
    assert "Your finding is noted." in page
    assert "/decision" not in page
    assert (await world.stores.orders.get(order.id)).status is status
    listed = {block.kind for block in await world.deps.blocks.entries(behind="", limit=10)}
    assert listed == ({Kind.CARD, Kind.EMAIL, Kind.ADDRESS} if outcome == "reject" else set())


async def test_a_buyer_is_told_calmly_and_gets_a_receipt_only_for_what_was_paid(client: Client, world: World) -> None:
    order = await in_review(world)
    link = link_to(world.deps, order).removeprefix(world.deps.settings.public_url)

    waiting = await (await client.get(link, headers=HTML)).text()
    await _decide(client, world, order, outcome="reject")
    rejected = await (await client.get(link, headers=HTML)).text()

    assert "There is nothing you need to do." in waiting
    assert "Look again" in waiting
    assert "Look again" not in rejected
    assert "/receipt" not in waiting + rejected


async def test_a_finding_needs_a_note_and_a_fresh_page(client: Client, world: World) -> None:
    order = await in_review(world)

    unnoted = await _decide(client, world, order, outcome="approve", note="ok")
    stale = await _decide(client, world, order, outcome="approve", version='"99"')
    unclear = await _decide(client, world, order, outcome="perhaps")

    assert unnoted[0] == 422
    assert 'id="f-note-error"' in unnoted[1]
    assert (stale[0], unclear[0]) == (412, 422)
    assert (await world.stores.orders.get(order.id)).status is Status.IN_REVIEW


@pytest.mark.parametrize("role", ["customer", "support", "admin", "marketing"])
async def test_reviews_are_for_the_role_fraud(client: Client, world: World, role: str) -> None:
    order = await in_review(world)

    queue = await client.get(PATH, headers=HTML | world.as_staff(role))
    decided, _ = await _decide(client, world, order, role, outcome="approve")

    assert (queue.status, decided) == (403, 403)
    assert (await world.stores.orders.get(order.id)).status is Status.IN_REVIEW


async def test_an_entry_is_taken_off_the_block_list_by_its_page(client: Client, world: World) -> None:
    order = await in_review(world)
    await _decide(client, world, order, outcome="reject", block="true")
    as_fraud = HTML | world.as_staff("fraud")

    before = await (await client.get("/desk/orders/blocks", headers=as_fraud)).text()
    [address] = re.findall(r'action="(/desk/orders/blocks/card-[^"]+/removal)"', before)
    off = await client.post(address, data={}, headers=as_fraud)
    again = await client.post(address, data={}, headers=as_fraud)
    other = await client.post(address, data={}, headers=HTML | world.as_staff("support"))

    assert order.number in before
    assert "It is off the block list." in await off.text()
    assert (off.status, again.status, other.status) == (200, 404, 403)
    listed = {block.kind for block in await world.deps.blocks.entries(behind="", limit=10)}
    assert listed == {Kind.EMAIL, Kind.ADDRESS}
