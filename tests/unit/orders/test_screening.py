"""Checkouts are screened: allowed, reviewed or blocked, with the rule and its reason kept, and no oracle."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient

from services.orders.life.steps import Status
from services.orders.payments.domain import PaymentState
from services.orders.payments.provider import Outcome
from services.orders.persons import Contact, ShippingAddress
from services.orders.screening.blocks import Block
from services.orders.screening.domain import Decision, Kind
from services.orders.screening.marks import mark_of_email, marks_of
from services.orders.screening.postal import postal_form
from services.orders.screening.rules import load_rules
from tests.unit.orders.world import DECLINED, LAST_FIVE, PAYS, Fate, World, a_body, mortal

Client = TestClient
NIGERIAN = "4000566000000002"
KEY = {"Idempotency-Key": "k-1"}
MOST_STEPS = 14


@pytest.fixture(autouse=True)
def rules(world: World) -> None:
    """The rules that come along."""
    world.screen_by(load_rules())


def declined_cards(count: int) -> list[str]:
    """One number that is declined, with other dates, so that each is a card of its own."""
    return [f"{month:02}/3{year}" for year in range(10) for month in range(1, 13)][:count]


def a_declined(expiry: str) -> dict[str, object]:
    body = a_body(card=DECLINED)
    return body | {"card": body["card"] | {"expiry": expiry}}


async def block(world: World, kind: Kind, mark: str) -> None:
    await world.stores.blocks.add(Block(kind, mark, "staff:s-1", world.clock()))


async def test_an_ordinary_order_is_allowed_and_says_so(world: World) -> None:
    order = (await world.buy(network="203.0.113.0/24")).order

    assert order.status is Status.PAID
    assert order.screening is not None
    assert (order.screening.decision, order.screening.hits) == (Decision.ALLOW, ())
    assert order.screening.rules_version == load_rules().version
    assert len(order.marks.present) == 4
    assert (await world.stores.orders.get(order.id)).marks == order.marks


@pytest.mark.parametrize("kind", list(Kind))
async def test_whoever_is_listed_is_blocked(world: World, kind: Kind) -> None:
    known = (await world.buy(network="203.0.113.0/24")).order
    await block(world, kind, known.marks.of(kind))

    blocked = (await world.buy(a_body(LAST_FIVE), network="203.0.113.0/24")).order

    assert blocked.status is Status.DECLINED
    assert blocked.screening is not None
    assert [(hit.rule, hit.decision) for hit in blocked.screening.hits] == [("block-list", Decision.BLOCK)]
    assert await world.sandbox.lookup(blocked.id) is None
    assert await world.left(LAST_FIVE) == 5


async def test_a_blocked_address_is_blocked_however_it_is_spelled(world: World) -> None:
    await block(world, Kind.ADDRESS, (await world.buy()).order.marks.address)
    place = {"line1": "ＪＩＮＧＵＭＡＥ　１丁目２番３号", "city": "SHIBUYA", "postcode": "1500001", "country": "JP"}

    blocked = (await world.buy(a_body() | {"shipping": place})).order
    neighbour = (await world.buy(a_body() | {"shipping": place | {"line1": "Jingumae 1-2-4"}})).order

    assert (blocked.status, neighbour.status) == (Status.DECLINED, Status.PAID)


async def test_a_blocked_buyer_is_told_what_a_declined_one_is_told(client: Client, world: World) -> None:
    known = (await world.buy()).order
    declined = await client.post("/api/orders", json=a_body(card=DECLINED), headers={"Idempotency-Key": "k-0"})
    await block(world, Kind.EMAIL, known.marks.email)

    blocked = await client.post("/api/orders", json=a_body(), headers=KEY)
    again = await client.post("/api/orders", json=a_body(), headers=KEY)

    told, expected = await blocked.json(), await declined.json()
    assert blocked.status == again.status == declined.status == 402
    assert told | {"instance": ""} == expected | {"instance": ""}
    assert set(blocked.headers) == set(declined.headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await again.json() == told


async def test_a_block_is_replayed_after_the_list_has_changed(client: Client, world: World) -> None:
    known = (await world.buy()).order
    entry = Block(Kind.EMAIL, known.marks.email, "staff:s-1", world.clock())
    await world.stores.blocks.add(entry)
    blocked = await client.post("/api/orders", json=a_body(), headers=KEY)
    await world.stores.blocks.remove(entry.id)

    again = await client.post("/api/orders", json=a_body(), headers=KEY)
    anew = await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k-2"})

    assert (blocked.status, again.status, anew.status) == (402, 402, 201)
    assert await again.json() == await blocked.json()
    assert await world.paid_charges() == 2


async def test_fifty_equal_requests_at_once_are_blocked_once_and_count_once(client: Client, world: World) -> None:
    known = (await world.buy()).order
    await block(world, Kind.CARD, known.marks.card)

    answers = await asyncio.gather(*(client.post("/api/orders", json=a_body(), headers=KEY) for _ in range(50)))

    assert {answer.status for answer in answers} <= {402, 409}
    assert len(await world.all_orders()) == 2
    seen = await world.stores.counted().look(known.marks, "", at=world.clock())
    assert sum(seen.tries[Kind.CARD].values()) == 2


async def test_a_card_that_is_declined_again_and_again_is_not_tried_any_more(world: World) -> None:
    for _ in range(5):
        assert (await world.buy(a_body(card=DECLINED))).order.status is Status.DECLINED
    charges = sum((await world.stores.ledger.counts()).values())

    order = (await world.buy(a_body(card=DECLINED))).order

    assert order.screening is not None
    assert [hit.rule for hit in order.screening.hits] == ["card-testing-card"]
    assert sum((await world.stores.ledger.counts()).values()) == charges == 5
    world.clock.advance(seconds=3_600 + 300)
    assert (await world.buy(a_body(card=DECLINED))).order.screening.decision is Decision.ALLOW  # type: ignore[union-attr]


def strangers_body(n: int, expiry: str, card: str = DECLINED) -> dict[str, object]:
    """As who tests cards sends it: another person and address each time."""
    body = a_declined(expiry)
    return body | {
        "card": body["card"] | {"number": card},  # type: ignore[operator]
        "contact": {"name": "Nobody", "email": f"n{n}@example.org"},
        "shipping": a_body()["shipping"] | {"line1": f"{n}-1 Somewhere"},
    }


async def test_a_network_that_tests_cards_is_stopped_but_for_who_has_paid_before(world: World) -> None:
    honest, tester = "198.51.100.0/24", "203.0.113.0/24"
    await world.buy(a_body(), network=tester)
    for n, expiry in enumerate(declined_cards(12)):
        await world.buy(strangers_body(n, expiry), network=tester)

    stolen = (await world.buy(strangers_body(99, "01/40", "5555555555554444"), network=tester)).order
    customer = (await world.buy(a_body(), network=tester)).order
    elsewhere = (await world.buy(strangers_body(98, "02/40", "5555555555554444"), network=honest)).order

    assert stolen.status is Status.DECLINED
    assert [hit.rule for hit in stolen.screening.hits] == ["card-testing-network"]  # type: ignore[union-attr]
    assert await world.sandbox.lookup(stolen.id) is None
    assert (customer.status, elsewhere.status) == (Status.PAID, Status.PAID)


async def test_a_wave_of_declines_over_many_networks_is_seen_by_the_whole_shop(world: World) -> None:
    await world.buy(a_body(), network="198.51.100.0/24")
    for n, expiry in enumerate(declined_cards(60)):
        await world.buy(strangers_body(n, expiry), network=f"10.0.{n}.0/24")

    cheap = (await world.buy(strangers_body(99, "01/40", "5555555555554444"), network="10.1.0.0/24")).order
    customer = (await world.buy(a_body(), network="198.51.100.0/24")).order

    assert cheap.status is Status.DECLINED
    assert "card-testing-shop" in [hit.rule for hit in cheap.screening.hits]  # type: ignore[union-attr]
    assert customer.status is Status.PAID


async def test_many_checkouts_at_once_do_not_slip_by_the_limit(world: World) -> None:
    orders = await asyncio.gather(*(world.buy(a_body()) for _ in range(30)))

    charged_at_once = sum(placed.order.status is Status.PAID for placed in orders)
    assert charged_at_once <= 7
    assert {placed.order.status for placed in orders} <= {Status.PAID, Status.IN_REVIEW}


async def test_a_foreign_card_of_somebody_new_is_set_aside_for_review(world: World) -> None:
    order = (await world.buy(a_body(LAST_FIVE, quantity=3, card=NIGERIAN))).order

    charge = await world.sandbox.lookup(order.id)
    assert charge is not None
    assert (order.status, order.payment.state, charge.outcome) == (
        Status.IN_REVIEW, PaymentState.AUTHORISED, Outcome.AUTHORISED
    )  # fmt: skip
    assert order.screening is not None
    assert "foreign-card" in [hit.rule for hit in order.screening.hits]
    assert order.screening.card_country == "NG"
    assert await world.left(LAST_FIVE) == 2
    assert world.relay.events == []
    assert (await world.stores.orders.get(order.id)).screening == order.screening


async def test_a_declined_card_under_review_is_declined(world: World) -> None:
    world.screen_by(load_rules())
    for _ in range(7):
        await world.buy(a_body())
    body = a_body(card=DECLINED)

    order = (await world.buy(body | {"card": body["card"]})).order

    assert order.status is Status.DECLINED
    assert await world.paid_charges() == 7


@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_whoever_dies_in_a_purchase_to_be_reviewed_takes_no_money(world: World, dies_at: int) -> None:
    deps = mortal(world.deps, Fate(dies_at))
    body = a_body(LAST_FIVE, quantity=3, card=NIGERIAN)
    await asyncio.gather(world.buy(body, key="k", deps=deps), return_exceptions=True)

    await world.sweep()

    assert await world.paid_charges() == 0
    for order in await world.all_orders():
        assert order.status in (Status.FAILED, Status.IN_REVIEW)
        if order.status is Status.IN_REVIEW:
            assert order.screening is not None
            assert order.screening.hits
    waiting = sum(order.status is Status.IN_REVIEW for order in await world.all_orders())
    assert await world.left(LAST_FIVE) == 5 - 3 * waiting


@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_whoever_dies_in_a_purchase_to_be_blocked_charges_nothing(world: World, dies_at: int) -> None:
    known = (await world.buy()).order
    await block(world, Kind.CARD, known.marks.card)
    deps = mortal(world.deps, Fate(dies_at))

    await asyncio.gather(world.buy(a_body(LAST_FIVE), key="k", deps=deps), return_exceptions=True)
    await world.sweep()

    assert await world.paid_charges() == 1
    assert await world.left(LAST_FIVE) == 5
    assert await world.holds() == 0
    assert {o.status for o in await world.all_orders()} <= {Status.PAID, Status.DECLINED, Status.FAILED}


async def test_a_process_that_cannot_screen_charges_nothing(world: World) -> None:
    from tests.unit.orders.world import Away

    screener = replace(world.deps.screener, tallies=Away())

    await asyncio.gather(
        world.buy(a_body(LAST_FIVE), deps=replace(world.deps, screener=screener)), return_exceptions=True
    )
    await world.sweep()

    assert await world.paid_charges() == 0
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_more_than_an_account_ever_paid_is_looked_at(world: World) -> None:
    small = (await world.buy(a_body(quantity=1), account="a-1")).order
    other_card = a_body(quantity=7, card="5555555555554444")

    order = (await world.buy(other_card, account="a-1")).order
    same_as_guest = (await world.buy(other_card | {"contact": {"name": "X", "email": "x@example.org"}})).order

    assert small.status is Status.PAID
    assert order.screening is not None
    assert [hit.rule for hit in order.screening.hits] == ["unusual-amount"]
    assert same_as_guest.screening is not None
    assert "unusual-amount" not in [hit.rule for hit in same_as_guest.screening.hits]


async def test_what_is_kept_of_screening_names_nobody(world: World) -> None:
    order = (await world.buy(a_body(card=NIGERIAN, quantity=3), network="203.0.113.0/24")).order

    shown = repr([order.screening, order.marks])
    for text in ("ann@example", "Jingumae", "203.0.113", "400056", "4000566000000002", "Ann"):
        assert text not in shown


def an_address(**changes: str) -> ShippingAddress:
    parts = {"line1": "Müllerstraße 7-9", "city": "Köln", "postcode": "50667", "country": "DE"}
    return ShippingAddress(**parts | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        an_address(line1="müllerstraße  7–9"), an_address(line1="MULLERSTRASSE 7 9"), an_address(city="KÖLN"),
 an_address(postcode="50 667"),
    ],
)  # fmt: skip
def test_one_address_written_in_many_ways_is_one(other: ShippingAddress) -> None:
    assert postal_form(other) == postal_form(an_address())


@pytest.mark.parametrize("other", [an_address(line1="Müllerstraße 8"), an_address(postcode="50668"),
                                   an_address(country="FR"), an_address(line2="Hinterhaus")])  # fmt: skip
def test_another_address_is_another(other: ShippingAddress) -> None:
    assert postal_form(other) != postal_form(an_address())


@pytest.mark.parametrize(
    "text", ["hanako@example.com", "Hanako.Yamada@EXAMPLE.com", "HANAKO+shop@bücher.example", "h@XN--BCHER-KVA.example"]
)
def test_a_checkout_has_the_mark_of_its_address_as_the_desk_writes_it(world: World, text: str) -> None:
    contact = Contact(name="Hanako", email=text)

    marks = marks_of(world.deps.index, fingerprint="f", contact=contact, shipping=an_address(), network="")

    assert marks.email == mark_of_email(world.deps.index, text)


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("eve@example.org", "Eve+1@EXAMPLE.org", True),
        ("eve+a@example.org", "eve+b@example.org", True),
        ("eve.mallory@gmail.com", "evemallory+x@googlemail.com", True),
        ("+tag@example.org", "+tag@example.org", True),
        ("+tag@example.org", "+other@example.org", False),
        ("eve.mallory@example.org", "evemallory@example.org", False),
        ("eve@example.org", "eve@example.com", False),
        ("eve@example.org", "eva@example.org", False),
    ],
)
def test_a_mailbox_is_one_whatever_tag_is_put_behind_its_name(world: World, one: str, other: str, is_one: bool) -> None:
    index = world.deps.index
    contact = Contact(name="Eve", email=other)

    marks = marks_of(index, fingerprint="f", contact=contact, shipping=an_address(), network="")

    assert (marks.email == mark_of_email(index, one)) is is_one


async def test_marks_of_one_kind_are_not_those_of_another(world: World) -> None:
    contact = Contact(name="Ann", email="ANN@example.org")
    marks = marks_of(world.deps.index, fingerprint="f", contact=contact, shipping=an_address(), network="")

    assert marks.network == ""
    assert set(marks.present) == {Kind.CARD, Kind.ADDRESS, Kind.EMAIL}
    assert len(set(marks.present.values())) == 3
    assert PAYS not in repr(marks)
