import asyncio
from datetime import timedelta

import pytest

from services.warranty.holders import Contact, holder_of, open_contact
from services.warranty.records.domain import ImpossiblePurchase, PurchaseNotFound
from services.warranty.records.usecases import list_purchases, record_purchase
from shared.boxes import Place, Tampered
from shared.errors import DomainError
from shared.events import Event, MalformedEvent
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.world import World


async def test_each_item_of_an_order_becomes_a_record(world: World) -> None:
    await world.deliver("a-1", items=3)

    assert sorted(world.purchases.records) == ["o-1-1-1", "o-1-1-2", "o-1-1-3"]


async def test_the_same_event_twice_changes_nothing(world: World) -> None:
    event = world.purchase("a-1", items=2)
    await record_purchase(world.deps, event)
    before = dict(world.purchases.records)

    await record_purchase(world.deps, event)

    assert world.purchases.records == before


async def test_the_same_event_many_times_at_once_leaves_one_record_an_item(world: World) -> None:
    event = world.purchase("a-1", items=2)

    await asyncio.gather(*(record_purchase(world.deps, event) for _ in range(10)))

    assert len(world.purchases.records) == 2


async def test_two_out_of_order_give_the_same_as_in_order(world: World) -> None:
    early = world.purchase("a-1", order="o-1", at=NOON)
    late = world.purchase("a-1", order="o-2", at=NOON + timedelta(days=1))
    other = World(world.sealing)

    for event in (early, late):
        await record_purchase(world.deps, event)
    for event in (late, early):
        await record_purchase(other.deps, event)

    facts = [(r.id, r.purchased_at, r.covered_until) for r in await world.listed("a-1")]
    assert facts == [(r.id, r.purchased_at, r.covered_until) for r in await other.listed("a-1")]
    assert [fact[0] for fact in facts] == ["o-2-1-1", "o-1-1-1"]


async def test_an_account_is_linked_by_a_hash_and_a_sealed_id(world: World) -> None:
    await world.deliver("a-1")

    [record] = world.purchases.records.values()

    assert record.owner is not None
    assert "a-1" not in record.owner.key
    assert b"a-1" not in record.owner.sealed
    assert await world.opened(record, Place("purchases", "owner", "o-1-1-1")) == b"a-1"


async def test_a_sealed_owner_cannot_be_moved_to_another_record(world: World) -> None:
    await world.deliver("a-1", items=2)

    with pytest.raises(Tampered):
        await world.opened(world.purchases.records["o-1-1-1"], Place("purchases", "owner", "o-1-1-2"))


async def test_a_guest_is_known_by_the_order_alone_and_has_a_key_of_their_own(world: World) -> None:
    await world.deliver("")

    [record] = world.purchases.records.values()

    assert record.owner is not None
    assert record.owner.sealed == b""
    assert set(world.data_keys.stored) == {"order:o-1"}


async def test_the_link_of_a_guests_order_opens_its_records_and_no_others(world: World) -> None:
    await world.deliver("", order="o-1", items=2)
    await world.deliver("", order="o-2")
    await world.deliver("a-1", order="o-3")

    guest = await holder_of(world.deps, None, order_id="o-1", token=world.token_of("o-1"))
    page, _ = await list_purchases(world.deps, guest, limit=10)

    assert {record.order_id for record in page} == {"o-1"}
    assert len(page) == 2
    for order_id, token in (("o-2", world.token_of("o-1")), ("o-1", ""), ("o-3", world.token_of("o-3")), ("o-9", "")):
        with pytest.raises(PurchaseNotFound):
            await holder_of(world.deps, None, order_id=order_id, token=token)


async def test_the_contact_of_a_purchase_is_kept_for_its_owner_in_a_box(world: World) -> None:
    await world.deliver("a-1")

    [record] = world.purchases.records.values()

    person = await world.deps.people.known("a-1")
    assert open_contact(record, person) == Contact(name="Ann Example", email="ann@example.org")
    assert record.owner is not None
    assert b"ann@" not in record.owner.contact


async def test_an_event_that_does_not_fit_its_contract_is_refused(world: World) -> None:
    event = world.purchase("a-1")
    del event.data["items"][0]["sku"]

    with pytest.raises(MalformedEvent):
        await record_purchase(world.deps, event)

    assert world.purchases.records == {}


async def test_an_event_of_another_type_is_refused(world: World) -> None:
    good = world.purchase("a-1")
    event = Event(good.id, "orders.order.shipped.v1", good.source, good.subject, good.time, good.data)

    with pytest.raises(MalformedEvent):
        await record_purchase(world.deps, event)


async def test_an_event_without_a_box_for_us_is_refused_and_nothing_is_stored(world: World) -> None:
    event = world.purchase("a-1")
    event.data["buyer"]["mailer"] = event.data["buyer"].pop("warranty")

    with pytest.raises(DomainError) as refusal:
        await record_purchase(world.deps, event)

    assert refusal.value.code == "cannot-open"
    assert world.purchases.records == {}


async def test_a_box_of_another_event_is_refused(world: World) -> None:
    event, other = world.purchase("a-1"), world.purchase("a-2", order="o-2")
    event.data["buyer"] = other.data["buyer"]

    with pytest.raises(DomainError):
        await record_purchase(world.deps, event)

    assert world.purchases.records == {}


async def test_one_impossible_item_refuses_the_whole_order(world: World) -> None:
    event = world.purchase("a-1", items=2)
    event.data["items"][1]["warranty_months"] = -1

    with pytest.raises(ImpossiblePurchase):
        await record_purchase(world.deps, event)

    assert world.purchases.records == {}
    assert await world.data_keys.find("a-1") is None  # nothing is kept of whom
