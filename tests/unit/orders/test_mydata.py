"""What a person may ask of orders: a copy, and to be forgotten. Through the handlers of its queue."""

import asyncio
from typing import Any

import orjson
import pytest

from services.orders.checkout.place import Placed, Purchase, place_order
from services.orders.checkout.requests import CheckoutRequest
from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.finish import sweep_unfinished
from services.orders.life.shipping import Parcel, prepare, ship
from services.orders.life.steps import Status
from services.orders.mydata.holdings import PERSONS, SETTLES_WITHIN
from services.orders.payments.domain import PaymentState
from services.orders.payments.provider import Charge, Outcome
from services.orders.persons import ShippingAddress
from services.orders.profile.domain import Profile
from services.orders.profile.usecases import add_address, find_profile, keep_profile
from services.orders.screening.domain import Finding
from services.orders.screening.review import NotInReview, review
from services.orders.screening.rules import load_rules
from services.orders.work import build_work
from shared.contracts.orders import Buyer, Notified, OrderCancelled, PersonErased, PersonExported, PurchaseCompleted
from shared.errors import DomainError, TransientError
from shared.events import Event
from shared.persons import Row
from shared.testing.identity import an_identity
from shared.testing.persons import AskingAuth, told
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import ASKS_BANK, CHARGES_LATE, DECLINED, LAST_FIVE, SILENT, Fate, World, a_body, mortal

HTML = {"Accept": "text/html"}
ADDRESS = {"line1": "1-2-3 Jingumae", "city": "Shibuya", "postcode": "150-0001", "country": "JP"}


@pytest.fixture
def auth(world: World) -> AskingAuth:
    return AskingAuth(world.sealing)


async def hear(world: World, event: Event) -> None:
    """The event arrives."""
    await build_work(world.deps).handlers[PERSONS][event.type](event)


async def buy(world: World, account: str = "a-1", *, key: str = "k", deps: Deps | None = None, **body: Any) -> Placed:
    """The account buys a watch."""
    request = CheckoutRequest.model_validate_json(orjson.dumps(a_body(**body)), strict=True)
    return await place_order(deps or world.deps, Purchase(request, key, account, "en"))


async def keep(world: World, account: str = "a-1") -> None:
    """The account keeps a profile."""
    profile = Profile.model_validate({"name": "Ann Example", "shipping": ADDRESS})
    await keep_profile(world.deps, an_identity(account, fresh=True), profile)


async def copy_of(world: World, auth: AskingAuth, account: str = "a-1") -> dict[str, list[Row]]:
    """What the account gets."""
    await hear(world, auth.export(account))
    return auth.collected(world.answers.events[-1], PersonExported)


def told_to_mailer(world: World) -> tuple[PurchaseCompleted, Buyer]:
    """The one purchase that was announced, and its buyer."""
    [event] = world.relay.events
    purchase = event.read(PurchaseCompleted)
    return purchase, world.sealing.unsealer("mailer").open(Buyer, purchase.buyer, event=event, field="buyer")


async def test_a_copy_has_orders_with_buyer_address_and_card_and_the_profile(world: World, auth: AskingAuth) -> None:
    placed = await buy(world)
    await keep(world)
    await buy(world, "a-2", key="other")
    await world.buy()

    sections = await copy_of(world, auth)

    [order] = sections["orders"]
    assert order["number"] == placed.order.number
    assert order["contact"] == {"name": "Ann Example", "email": "ann@example.org"}
    assert order["shipping"] == {"line2": None, "region": None, **ADDRESS}
    assert order["card"] == "visa ending 4242"
    assert "12/34" not in str(order)
    assert [line["quantity"] for line in order["lines"]] == [1]  # type: ignore[attr-defined]
    assert [row["name"] for row in sections["profile"]] == ["Ann Example"]
    assert "424242" not in repr(sections)


async def test_a_copy_has_attempts_that_came_to_nothing_too(world: World, auth: AskingAuth) -> None:
    await buy(world, card=DECLINED)
    await asyncio.gather(buy(world, key="k-2", card=SILENT), return_exceptions=True)
    await world.sweep()

    sections = await copy_of(world, auth)

    assert sorted(str(order["status"]) for order in sections["orders"]) == ["declined", "failed"]


async def test_a_copy_for_somebody_unknown_is_empty(world: World, auth: AskingAuth) -> None:
    assert await copy_of(world, auth, "nobody") == {"orders": [], "profile": []}


async def test_an_erasure_makes_person_and_card_unreadable_and_keeps_the_facts(
    world: World, auth: AskingAuth, client: Client
) -> None:
    placed = await buy(world)
    await keep(world)

    await hear(world, auth.erasure())

    assert told(world.answers.events[0], PersonErased) == {
        "erased": {"contacts": 1, "addresses": 1, "cards": 1, "profile": 1},
        "kept": {"purchase-facts": 1},
    }
    order = await world.stores.orders.get(placed.order.id)
    assert (order.status, order.total_minor, order.card_fingerprint) == (Status.PAID, 15_600, "")
    shown = await client.get(f"/api/orders/{order.id}", headers=world.as_customer("a-1"))
    assert (shown.status, (await shown.json())["type"]) == (410, "/problems/person-erased")
    assert order.marks.present == {}
    seen = await world.stores.counted().look(placed.order.marks, "a-1", at=world.clock())
    assert seen.highest_paid == {}
    [row] = (await copy_of(world, auth))["orders"]
    assert row.keys() & {"contact", "shipping", "card", "card_expiry"} == set()


async def test_all_saved_addresses_are_in_the_copy_and_go_with_the_person(world: World, auth: AskingAuth) -> None:
    await keep(world)
    shipping = ShippingAddress(line1="Hauptstr. 1", city="Berlin", postcode="10115", country="DE")
    await add_address(world.deps, an_identity("a-1", fresh=True), shipping, is_default=False)

    copied = str((await copy_of(world, auth))["profile"])
    await hear(world, auth.erasure())

    assert "Hauptstr. 1" in copied
    assert "Berlin" in copied
    assert await world.stores.profiles.find("a-1") is None


async def test_others_and_guests_are_left_alone(world: World, auth: AskingAuth, client: Client) -> None:
    other = (await buy(world, "a-2")).order
    guest = (await world.buy()).order

    await hear(world, auth.erasure("a-1"))

    assert (await client.get(f"/api/orders/{other.id}", headers=world.as_customer("a-2"))).status == 200
    await world.deps.people.known(guest.personal.person_id)


async def test_nothing_is_kept_for_the_erased_again(world: World, auth: AskingAuth, client: Client) -> None:
    await hear(world, auth.erasure())

    bought = await client.post(
        "/api/orders", json=a_body(), headers={"Idempotency-Key": "k"} | world.as_customer("a-1")
    )
    profile = {"name": "Ann", "shipping": ADDRESS}
    kept = await client.put("/api/orders/profile", json=profile, headers=world.as_customer("a-1"))

    assert (bought.status, kept.status) == (410, 410)
    assert await world.paid_charges() == 0
    assert await world.all_orders() == []


@pytest.mark.parametrize("dies_at", range(1, 13))
async def test_an_erasure_in_the_middle_of_a_purchase_leaves_books_that_balance(
    world: World, auth: AskingAuth, dies_at: int
) -> None:
    doomed = mortal(world.deps, Fate(dies_at))
    await asyncio.gather(buy(world, deps=doomed), return_exceptions=True)
    world.clock.advance(seconds=SETTLES_WITHIN.total_seconds())

    await hear(world, auth.erasure())
    await world.sweep()

    await world.assert_books_balance("TF-KISAI-01", 100_000)
    assert await world.paid_charges() <= 1
    assert not isinstance(await _profile_of(world), Profile)


async def test_who_was_charged_when_they_left_is_told_of_it_and_then_forgotten(world: World, auth: AskingAuth) -> None:
    await asyncio.gather(buy(world, deps=mortal(world.deps, Fate(6))), return_exceptions=True)
    [order] = await world.all_orders()
    assert (order.status, await world.paid_charges()) == (Status.CHARGING, 1)

    await hear(world, auth.erasure())

    assert (await world.stores.orders.get(order.id)).status is Status.PAID
    _, buyer = told_to_mailer(world)
    assert buyer.email == "ann@example.org"
    with pytest.raises(DomainError, match="not known here"):
        await world.deps.people.known("a-1")


async def test_an_erasure_waits_until_a_young_charge_is_settled_with_its_buyer(world: World, auth: AskingAuth) -> None:
    await asyncio.gather(buy(world, card=CHARGES_LATE, newsletter=True), return_exceptions=True)
    [order] = await world.all_orders()
    with pytest.raises(TransientError):
        await hear(world, auth.erasure())
    before = list(world.answers.events)
    await world.deps.people.known("a-1")

    world.caller_gave_up.set()
    await world.late_charges()
    await hear(world, auth.erasure())

    purchase, buyer = told_to_mailer(world)
    assert (before, len(world.answers.events)) == ([], 1)
    assert (buyer.email, buyer.newsletter, purchase.placed_at) == ("ann@example.org", True, order.created_at)
    with pytest.raises(DomainError, match="not known here"):
        await world.deps.people.known("a-1")


async def test_an_erasure_waits_for_the_sweep_and_then_ends_at_its_next_delivery(
    world: World, auth: AskingAuth
) -> None:
    await asyncio.gather(buy(world, card=SILENT), return_exceptions=True)
    with pytest.raises(TransientError):
        await hear(world, auth.erasure())

    await world.sweep(after_s=25)
    await hear(world, auth.erasure())

    assert len(world.answers.events) == 1


async def test_an_erasure_does_not_wait_for_a_charge_that_is_stuck(world: World, auth: AskingAuth) -> None:
    await asyncio.gather(buy(world, card=SILENT), return_exceptions=True)
    world.clock.advance(seconds=SETTLES_WITHIN.total_seconds())

    await hear(world, auth.erasure())

    assert len(world.answers.events) == 1


async def test_the_same_erasure_twice_answers_once(world: World, auth: AskingAuth) -> None:
    await buy(world)

    for _ in range(2):
        await hear(world, auth.erasure())

    assert len(world.answers.events) == 1


async def test_an_account_that_orders_never_heard_of_is_answered_with_nothing(world: World, auth: AskingAuth) -> None:
    await hear(world, auth.erasure("nobody"))

    assert told(world.answers.events[0], PersonErased) == {"erased": {}, "kept": {}}


async def test_what_waits_for_the_bank_is_given_up_with_the_account(world: World, auth: AskingAuth) -> None:
    order = (await buy(world, card=ASKS_BANK)).order

    await hear(world, auth.erasure())
    await sweep_unfinished(world.deps)
    await world.sandbox.act(order.id, approved=True)
    await world.sweep()

    order = await world.deps.orders.get(order.id)
    assert (order.status, order.payment.state, order.is_unfinished) == (Status.CANCELLED, PaymentState.CANCELLED, False)
    assert await world.paid_charges() == 0
    [event] = world.pending[order.id]
    sealed = event.read(OrderCancelled).recipient
    told_to = world.sealing.unsealer("mailer").open(Notified, sealed, event=event, field="recipient")
    assert (event.read(OrderCancelled).by, told_to.email) == ("shop", "ann@example.org")


async def test_what_is_in_review_is_given_up_with_the_account(world: World, auth: AskingAuth) -> None:
    order = await in_review(world)

    await hear(world, auth.erasure())
    await sweep_unfinished(world.deps)

    with pytest.raises(NotInReview):
        await review(world.deps, order, Finding.APPROVE, by="staff:s-1", note="All is well with this one")
    assert (await world.deps.orders.get(order.id)).status is Status.CANCELLED
    assert await world.paid_charges() == 0


async def test_an_erasure_does_not_wait_for_a_provider_that_is_away_to_give_up_what_waits(
    world: World, auth: AskingAuth
) -> None:
    order = (await buy(world, card=ASKS_BANK)).order

    await build_work(world.without_provider()).handlers[PERSONS][auth.erasure().type](auth.erasure())

    assert len(world.answers.events) == 1
    assert (await world.deps.orders.get(order.id)).owes_void


@pytest.mark.parametrize("outcome", [Outcome.NEEDS_ACTION, Outcome.AUTHORISED])
async def test_a_charge_that_was_stuck_and_then_waits_is_given_up_too(
    world: World, auth: AskingAuth, outcome: Outcome
) -> None:
    await asyncio.gather(buy(world, card=SILENT), return_exceptions=True)
    [order] = await world.all_orders()
    world.clock.advance(seconds=SETTLES_WITHIN.total_seconds())
    await hear(world, auth.erasure())

    at = world.clock()
    await world.stores.ledger.enter(Charge(order.id, order.total_minor, "JPY", outcome, "", at, "https://bank.example"))
    await world.sweep()
    await sweep_unfinished(world.deps)

    order = await world.deps.orders.get(order.id)
    assert (order.status, order.payment.state, order.is_unfinished) == (Status.CANCELLED, PaymentState.CANCELLED, False)


async def test_no_money_is_taken_for_an_approved_order_whose_buyer_is_gone(world: World) -> None:
    order = await in_review(world)
    orphan = await world.deps.orders.save(order.orphaned())
    assert orphan

    ended = await review(world.deps, orphan, Finding.APPROVE, by="staff:s-1", note="All is well with this one")

    assert ended.status is Status.CANCELLED
    assert await world.paid_charges() == 0


@pytest.mark.parametrize("is_packed", [False, True])
async def test_support_is_told_of_what_is_paid_and_can_be_sent_to_nobody_and_cancels_it(
    world: World, auth: AskingAuth, client: Client, is_packed: bool
) -> None:
    order, staff = (await buy(world)).order, world.as_staff("support")
    if is_packed:
        await prepare(world.deps, order, by="staff:s-1")
    await hear(world, auth.erasure())
    await hear(world, auth.erasure())

    listed = await (await client.get("/api/orders/desk?attention=true", headers=staff)).json()
    page = await (await client.get(f"/desk/orders/{order.id}", headers=HTML | staff)).text()
    cancelled = await client.post(f"/api/orders/{order.id}/cancel", headers=staff)
    left = await (await client.get("/api/orders/desk?attention=true", headers=staff)).json()

    assert [(item["id"], item["needs_attention"]) for item in listed["items"]] == [(order.id, True)]
    assert "The buyer has erased the account" in page
    assert "/shipment" not in page
    assert ((await cancelled.json())["status"], left["items"]) == ("cancelled", [])
    assert (await world.deps.orders.get(order.id)).payment.state is PaymentState.REFUNDED


async def test_what_was_shipped_before_stays_as_it_is(world: World, auth: AskingAuth) -> None:
    order = await ship(world.deps, (await buy(world)).order, Parcel("Yamato", "1234-5678"), by="staff:s-1")

    await hear(world, auth.erasure())

    after = await world.deps.orders.get(order.id)
    assert (after.status, after.needs_attention, after.version) == (Status.SHIPPED, False, order.version)


async def in_review(world: World) -> Order:
    """The account's order that somebody has to look at."""
    world.screen_by(load_rules())
    order = (await buy(world, sku=LAST_FIVE, quantity=3, card="4000566000000002")).order
    assert order.status is Status.IN_REVIEW
    return order


async def _profile_of(world: World) -> object:
    try:
        return await find_profile(world.deps, an_identity("a-1", fresh=True))
    except DomainError as refusal:
        return refusal
