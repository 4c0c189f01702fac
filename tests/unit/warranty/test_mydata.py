"""What a person may ask of warranty: a copy, and to be forgotten. Through the handlers of its queues."""

import pytest

from services.warranty.mydata.holdings import PERSONS
from services.warranty.work import PURCHASES, build_work
from shared.contracts.warranty import PersonErased, PersonExported
from shared.events import Event
from shared.testing.persons import AskingAuth, told
from tests.unit.warranty.world import World


@pytest.fixture
def auth(world: World) -> AskingAuth:
    return AskingAuth(world.sealing)


async def hear(world: World, event: Event) -> None:
    """The event arrives on the queue that is bound to it."""
    queue = PERSONS if event.type.startswith("auth.") else PURCHASES
    await build_work(world.deps).handlers[queue][event.type](event)


async def test_a_copy_has_all_of_ones_own_records_and_no_others(world: World, auth: AskingAuth) -> None:
    await world.deliver("a-1", order="o-1", items=2)
    await world.deliver("a-2", order="o-2")
    await world.deliver("", order="o-3")

    await hear(world, auth.export("a-1"))

    [event] = world.answers.events
    rows = auth.collected(event, PersonExported)["purchases"]
    assert [row["purchase_id"] for row in rows] == ["o-1-1-2", "o-1-1-1"]
    assert rows[0] | {"name": "Kisai Rogue", "unit_price_minor": 19800, "covered_until": "2027-11-20"} == rows[0]


async def test_a_copy_for_somebody_unknown_is_empty(world: World, auth: AskingAuth) -> None:
    await hear(world, auth.export("nobody"))

    assert auth.collected(world.answers.events[0], PersonExported) == {"purchases": []}


async def test_an_erasure_cuts_the_link_and_keeps_the_fact(world: World, auth: AskingAuth) -> None:
    await world.deliver("a-1", order="o-1", items=2)
    await world.deliver("a-2", order="o-2")

    await hear(world, auth.erasure("a-1"))

    assert await world.listed("a-1") == []
    assert [record.id for record in await world.listed("a-2")] == ["o-2-1-1"]
    assert await world.purchases.count() == 3
    assert [record.owner for record in world.purchases.records.values() if record.order_id == "o-1"] == [None, None]
    assert list(world.data_keys.stored) == ["a-2"]
    answer = told(world.answers.events[0], PersonErased)
    assert answer == {"erased": {"owner-links": 2}, "kept": {"purchase-facts": 2}}


async def test_a_purchase_that_arrives_after_the_erasure_is_recorded_without_its_owner(
    world: World, auth: AskingAuth
) -> None:
    await hear(world, auth.erasure("a-1"))

    await hear(world, world.purchase("a-1", order="o-9"))

    assert world.purchases.records["o-9-1-1"].owner is None
    assert world.data_keys.stored == {}


async def test_a_purchase_that_a_process_records_with_a_key_it_still_remembers_is_unlinked_again(
    world: World, auth: AskingAuth
) -> None:
    await world.deliver("a-1", order="o-1")
    await world.data_keys.remove("a-1")  # as another process erases: this one remembers the key for 5 s

    await hear(world, world.purchase("a-1", order="o-2"))

    assert [record.owner for record in world.purchases.records.values()] == [None, None]


async def test_the_same_erasure_twice_answers_once_and_the_same(world: World, auth: AskingAuth) -> None:
    await world.deliver("a-1")

    for _ in range(2):
        await hear(world, auth.erasure("a-1"))

    assert [told(event, PersonErased)["erased"] for event in world.answers.events] == [{"owner-links": 1}]


async def test_an_account_that_warranty_never_heard_of_is_answered_with_nothing(world: World, auth: AskingAuth) -> None:
    await hear(world, auth.erasure("nobody"))

    assert told(world.answers.events[0], PersonErased) == {"erased": {}, "kept": {}}


async def test_a_copy_that_was_asked_before_an_erasure_and_comes_after_it_names_nobody(
    world: World, auth: AskingAuth
) -> None:
    await world.deliver("a-1")
    await hear(world, auth.erasure("a-1"))

    await hear(world, auth.export("a-1"))

    assert auth.collected(world.answers.events[1], PersonExported) == {"purchases": []}
