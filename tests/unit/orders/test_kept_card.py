"""What is left of a card: sealed twice, readable where orders are screened, gone with its person."""

from dataclasses import replace

import pytest

from services.orders.checkout.card import Ending, KeptCard
from services.orders.life.domain import Order
from services.orders.life.kept import open_card, open_ending
from shared.oneway import OneWaySealer, open_one_way
from shared.personal import PersonKey, Place, Tampered
from shared.publickeys import CARD
from shared.testing.keys import MemoryKeys
from tests.unit.orders.world import World, a_body


async def bought(world: World) -> tuple[Order, PersonKey]:
    order = (await world.buy()).order
    return order, await world.deps.people.known(order.personal.person_id)


async def test_of_the_card_only_the_kept_parts_stay_and_those_sealed(world: World) -> None:
    order, person = await bought(world)

    kept = open_card(world.card_keys, person, order, purpose="screening")

    assert kept == KeptCard("visa", "424242", "4242", "12/34", "Ann Example")
    assert "4242" not in repr(kept)
    stored = repr(order)
    assert "4242424242424242" not in stored
    assert "Ann" not in stored


async def test_no_lasting_process_can_open_what_is_kept(world: World) -> None:
    order, person = await bought(world)

    assert world.deps.keys.versions(CARD) == []
    with pytest.raises(Tampered):
        open_card(world.deps.keys, person, order, purpose="order")


async def test_the_kept_card_opens_neither_with_another_key_of_cards_nor_without_the_person(world: World) -> None:
    order, person = await bought(world)
    _, stranger = await bought(world)
    place = Place("orders", "card", order.id)

    with pytest.raises(Tampered):
        open_card(MemoryKeys([CARD]), person, order, purpose="screening")
    with pytest.raises(Tampered):
        open_card(world.card_keys, stranger, order, purpose="screening")
    with pytest.raises(Tampered):
        open_one_way(world.card_keys, CARD, order.personal.card, place)


async def test_moved_and_altered_boxes_are_refused(world: World) -> None:
    order, person = await bought(world)
    other, _ = await bought(world)
    own = order.personal
    for card in (other.personal.card, own.ending, own.contact, own.card[:-1] + b"x", own.card[:20], b""):
        with pytest.raises(Tampered):
            open_card(world.card_keys, person, replace(order, personal=replace(own, card=card)), purpose="screening")
    for ending in (other.personal.ending, own.card, own.contact, own.ending[:-1] + b"x"):
        with pytest.raises(Tampered):
            open_ending(person, replace(order, personal=replace(own, ending=ending)), purpose="order")


async def test_the_buyer_sees_brand_and_last_four(world: World) -> None:
    order, person = await bought(world)

    assert open_ending(person, order, purpose="order") == Ending("visa", "4242")


async def test_the_key_of_cards_may_be_rotated(world: World) -> None:
    order, person = await bought(world)

    world.card_keys.rotate(CARD)
    later, another = await bought(world)

    assert open_card(world.card_keys, person, order, purpose="screening").last4 == "4242"
    assert open_card(world.card_keys, another, later, purpose="screening").last4 == "4242"


async def test_without_a_public_key_nothing_is_stored_or_charged(world: World) -> None:
    from shared.errors import TransientError
    from shared.testing.sealing import MemorySealing

    deps = replace(world.deps, one_way=OneWaySealer(MemorySealing("mailer")))

    with pytest.raises(TransientError):
        await world.buy(a_body(), deps=deps)

    await world.assert_nothing_happened()
