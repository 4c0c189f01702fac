"""A review ends once: approved and paid, or rejected and cancelled, whoever dies or is slow at whichever step."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from services.orders.life.domain import Order
from services.orders.life.finish import sweep_unfinished
from services.orders.life.steps import Status
from services.orders.life.take_over import claim_order, claim_token
from services.orders.payments.domain import PaymentState
from services.orders.payments.provider import Outcome
from services.orders.screening.domain import Finding, Kind
from services.orders.screening.review import NotInReview, ReviewedOtherwise, note_of, review, sweep_reviews
from services.orders.screening.rules import load_rules
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.errors import TransientError
from tests.unit.orders.world import LAST_FIVE, SETTINGS, Fate, World, a_body, mortal

Client = TestClient[web.Request, web.Application]
NIGERIAN = "4000566000000002"
REVIEWS = "/api/orders/screening/reviews"
BLOCKS = "/api/orders/screening/blocks"
WHY = "Called the buyer back, all is well"
MOST_STEPS = 16


@pytest.fixture(autouse=True)
def rules(world: World) -> None:
    """The rules that come along."""
    world.screen_by(load_rules())


async def in_review(world: World, account: str = "") -> Order:
    body = a_body(LAST_FIVE, quantity=3, card=NIGERIAN)
    order = (await world.buy(body, account=account, network="203.0.113.0/24")).order
    assert order.status is Status.IN_REVIEW
    return order


async def settle(world: World) -> None:
    """Time passes, and every sweep comes round."""
    await world.sweep()
    await sweep_reviews(world.deps)
    await sweep_unfinished(world.deps)


async def test_what_is_approved_is_paid_and_announced_once(world: World) -> None:
    order = await in_review(world)

    paid = await review(world.deps, order, Finding.APPROVE, by="staff:s-1", note=WHY)
    again = await review(world.deps, order, Finding.APPROVE, by="staff:s-2", note=WHY)

    assert (paid.status, paid.payment.state, paid.payment.captured_minor) == (
        Status.PAID, PaymentState.CAPTURED, order.total_minor
    )  # fmt: skip
    assert again == paid
    assert [step.by for step in paid.history if step.status is Status.PAID] == ["staff:s-1"]
    [event] = world.relay.events
    told = world.sealing.unsealer("mailer").open(Buyer, event.read(PurchaseCompleted).buyer, event=event, field="buyer")
    assert told.email == "ann@example.org"
    assert await world.paid_charges() == 1
    await settle(world)
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_what_is_rejected_is_voided_and_its_units_go_back(world: World) -> None:
    order = await in_review(world)

    cancelled = await review(world.deps, order, Finding.REJECT, by="staff:s-1", note=WHY, block=[Kind.CARD])

    charge = await world.sandbox.lookup(order.id)
    assert charge is not None
    assert (cancelled.status, cancelled.payment.state, charge.outcome) == (
        Status.CANCELLED, PaymentState.CANCELLED, Outcome.VOIDED
    )  # fmt: skip
    assert await world.left(LAST_FIVE) == 5
    assert await world.paid_charges() == 0
    assert [event.type for event in world.relay.events] == ["orders.order.cancelled.v1"]
    [listed] = await world.stores.blocks.entries(behind="", limit=9)
    assert (listed.kind, listed.mark, listed.note) == (Kind.CARD, order.marks.card, f"order {order.number}")


@pytest.mark.parametrize("first", list(Finding))
async def test_of_two_who_decide_at_once_one_counts(world: World, first: Finding) -> None:
    order = await in_review(world)
    findings = [first, *(other for other in Finding if other is not first)]

    outcomes = await asyncio.gather(
        *(review(world.deps, order, finding, by=f"staff:{finding.value}") for finding in findings),
        return_exceptions=True,
    )

    [refused] = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(refused, ReviewedOtherwise | NotInReview)
    ended = await world.stores.orders.get(order.id)
    assert ended.review is not None
    expected = {Finding.APPROVE: Status.PAID, Finding.REJECT: Status.CANCELLED}[ended.review.finding]
    await settle(world)
    assert (await world.stores.orders.get(order.id)).status is expected
    assert await world.paid_charges() == (expected is Status.PAID)


@pytest.mark.parametrize("finding", list(Finding))
@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_whoever_dies_while_deciding_leaves_what_the_sweep_ends(
    world: World, dies_at: int, finding: Finding
) -> None:
    order = await in_review(world)
    doomed = mortal(world.deps, Fate(dies_at))

    await asyncio.gather(review(doomed, order, finding, by="staff:s-1", block=[Kind.CARD]), return_exceptions=True)
    await settle(world)
    await settle(world)

    ended = await world.stores.orders.get(order.id)
    if ended.review is None:
        assert (ended.status, dies_at <= 2) == (Status.IN_REVIEW, True)
        return
    assert ended.status is {Finding.APPROVE: Status.PAID, Finding.REJECT: Status.CANCELLED}[finding]
    await _assert_ended_well(world, ended)


@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_the_sweep_of_reviews_may_die_too(world: World, dies_at: int) -> None:
    order = await in_review(world)
    doomed = mortal(world.deps, Fate(3))
    await asyncio.gather(review(doomed, order, Finding.APPROVE, by="staff:s-1"), return_exceptions=True)
    world.clock.advance(seconds=60)

    await asyncio.gather(sweep_reviews(mortal(world.deps, Fate(dies_at))), return_exceptions=True)
    await settle(world)

    ended = await world.stores.orders.get(order.id)
    assert ended.status is Status.PAID
    await _assert_ended_well(world, ended)


async def _assert_ended_well(world: World, order: Order) -> None:
    charge = await world.sandbox.lookup(order.id)
    assert charge is not None
    is_paid = order.status is Status.PAID
    assert charge.outcome is (Outcome.PAID if is_paid else Outcome.VOIDED)
    assert await world.left(LAST_FIVE) == (2 if is_paid else 5)
    assert [event.type for event in world.pending[order.id]] == [
        "orders.purchase.completed.v1" if is_paid else "orders.order.cancelled.v1"
    ]


class Slow:
    """A provider that does as asked, and whose first answers get lost."""

    def __init__(self, world: World, *, losses: int) -> None:
        self._provider = world.sandbox
        self._losses = losses

    def __getattr__(self, name: str) -> object:
        async def call(*arguments: object, **named: object) -> object:
            answer = await getattr(self._provider, name)(*arguments, **named)
            if self._losses:
                self._losses -= 1
                raise TransientError("provider: no answer in time")
            return answer

        return call


@pytest.mark.parametrize("finding", list(Finding))
async def test_an_answer_that_gets_lost_is_asked_for_again(world: World, finding: Finding) -> None:
    order = await in_review(world)
    slow = replace(world.deps, provider=Slow(world, losses=1))  # type: ignore[arg-type]

    before = await review(slow, order, finding, by="staff:s-1")
    await settle(world)

    ended = await world.stores.orders.get(order.id)
    assert before.status in (Status.IN_REVIEW, Status.CANCELLED)
    assert ended.status is {Finding.APPROVE: Status.PAID, Finding.REJECT: Status.CANCELLED}[finding]
    await _assert_ended_well(world, ended)


async def test_what_nobody_reviews_in_time_is_voided(world: World) -> None:
    order = await in_review(world)
    world.clock.advance(seconds=SETTINGS.review_days * 86_400 - 120)
    await settle(world)
    assert (await world.stores.orders.get(order.id)).status is Status.IN_REVIEW

    world.clock.advance(seconds=240)
    await settle(world)

    ended = await world.stores.orders.get(order.id)
    assert ended.review is not None
    assert (ended.status, ended.review.by) == (Status.CANCELLED, "shop")
    await _assert_ended_well(world, ended)


async def test_an_authorisation_that_lapsed_at_the_provider_is_no_purchase(world: World) -> None:
    order = await in_review(world)
    await world.sandbox.void(order.id)

    ended = await review(world.deps, order, Finding.APPROVE, by="staff:s-1")

    assert ended.status is Status.CANCELLED
    await settle(world)
    await _assert_ended_well(world, ended)


async def test_one_that_lapsed_unseen_is_found_by_asking_the_provider(world: World) -> None:
    from services.orders.life.resolve import ask_about_waiting

    order = await in_review(world)
    await world.sandbox.void(order.id)
    world.clock.advance(seconds=3_600)

    await ask_about_waiting(world.deps)

    ended = await world.stores.orders.get(order.id)
    assert ended.status is Status.CANCELLED
    await _assert_ended_well(world, ended)


async def test_what_does_not_wait_for_a_review_is_not_decided(world: World) -> None:
    order = (await world.buy()).order

    with pytest.raises(NotInReview):
        await review(world.deps, order, Finding.REJECT, by="staff:s-1")

    assert (await world.stores.orders.get(order.id)).status is Status.PAID


async def test_an_erased_buyers_order_is_still_decided_and_its_note_is_gone(world: World) -> None:
    order = await in_review(world)
    await world.stores.data_keys.remove(order.personal.person_id)

    paid = await review(world.deps, order, Finding.APPROVE, by="staff:s-1", note=WHY)

    assert paid.status is Status.PAID
    assert paid.review is not None
    assert paid.review.note == b""


async def claimed(world: World, order: Order) -> Order:
    token = claim_token(world.deps, order, until=world.clock() + timedelta(hours=1))
    return await claim_order(world.deps, "a-1", order.id, token)


@pytest.mark.parametrize("finding", list(Finding))
async def test_the_note_of_a_review_goes_along_with_an_order_that_an_account_claims(
    client: Client, world: World, finding: Finding
) -> None:
    order = await in_review(world)
    reviewed = await review(world.deps, order, finding, by="staff:s-1", note=WHY)

    await claimed(world, reviewed)

    shown = await client.get(f"{REVIEWS}/{order.id}", headers=world.as_staff("fraud"))
    page = await client.get(f"/desk/orders/reviews/{order.id}", headers=world.as_staff("fraud"))
    assert (shown.status, page.status) == (200, 200)
    assert (await shown.json())["note"] == WHY
    assert WHY in await page.text()


async def test_a_note_that_was_left_under_a_key_that_is_gone_hides_the_note_alone(client: Client, world: World) -> None:
    order = await in_review(world)
    reviewed = await review(world.deps, order, Finding.APPROVE, by="staff:s-1", note=WHY)
    owned = await claimed(world, reviewed)
    assert reviewed.review is not None
    await world.stores.orders.save(replace(owned, review=reviewed.review))

    shown = await client.get(f"{REVIEWS}/{order.id}", headers=world.as_staff("fraud"))

    body = await shown.json()
    assert (shown.status, body["note"], body["finding"]) == (200, "", "approve")


async def test_a_note_written_while_an_account_claims_is_not_left_under_the_guests_key(world: World) -> None:
    order = await in_review(world)
    await claimed(world, order)

    with pytest.raises(TransientError, match="claimed"):
        await review(world.deps, order, Finding.APPROVE, by="staff:s-1", note=WHY)

    seen_anew = await world.stores.orders.get(order.id)
    assert seen_anew.review is None
    decided = await review(world.deps, seen_anew, Finding.APPROVE, by="staff:s-1", note=WHY)
    assert await note_of(world.deps, decided) == WHY


async def test_the_queue_shows_why_and_neither_person_nor_digit(client: Client, world: World) -> None:
    order = await in_review(world, account="a-1")
    world.clock.advance(seconds=90)

    listed = await client.get(REVIEWS, headers=world.as_staff("fraud"))
    one = await client.get(f"{REVIEWS}/{order.id}", headers=world.as_staff("fraud"))

    [row] = (await listed.json())["items"]
    expected = {"id": order.id, "number": order.number, "total_minor": order.total_minor, "currency": "JPY",
                "country": "JP", "card_country": "NG", "decision": "review", "age_s": 90, "units": 3,
                "has_account": True, "finding": "", "status": "in_review"}  # fmt: skip
    assert row.items() >= expected.items()
    assert {hit["rule"]: hit["reason"] for hit in row["rules"]}["foreign-card"].startswith("A new buyer's card")
    assert (await one.json()).items() >= row.items()
    text = (await listed.text() + await one.text()).replace(order.id, "")
    for clear in ("Ann", "ann@", "Jingumae", "400056", "0002", "12/34", order.card_fingerprint):
        assert clear not in text


async def test_the_queue_comes_by_pages_oldest_first(client: Client, world: World) -> None:
    ids = [(await in_review(world)).id for _ in range(1)]
    for card in ("4000566000000010", "4000566000000028"):
        body = a_body(quantity=3, card=card)
        ids.append((await world.buy(body | {"contact": {"name": "B", "email": "b@example.org"}})).order.id)

    first = await client.get(f"{REVIEWS}?limit=2", headers=world.as_staff("fraud"))
    rest = await client.get(first.links["next"]["url"].path_qs, headers=world.as_staff("fraud"))

    shown = [row["id"] for row in (await first.json())["items"] + (await rest.json())["items"]]
    assert shown == ids
    assert "next" not in rest.links


async def test_a_decision_is_taken_over_http_once(client: Client, world: World) -> None:
    order = await in_review(world)
    fraud = world.as_staff("fraud")
    seen = await client.get(f"{REVIEWS}/{order.id}", headers=fraud)
    url, tag = f"{REVIEWS}/{order.id}/decision", {"If-Match": seen.headers["ETag"]}

    approved = await client.post(url, json={"outcome": "approve", "note": WHY}, headers=fraud | tag)
    stale = await client.post(url, json={"outcome": "reject", "note": WHY}, headers=fraud | tag)
    other = await client.post(url, json={"outcome": "reject", "note": WHY}, headers=fraud)

    body = await approved.json()
    assert (approved.status, stale.status, other.status) == (200, 412, 409)
    assert (body["status"], body["finding"], body["note"], body["reviewed_by"]) == (
        "paid", "approve", WHY, "staff:s-1"
    )  # fmt: skip
    assert await world.paid_charges() == 1
    stored = await world.stores.orders.get(order.id)
    assert WHY not in repr(stored)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"outcome": "maybe", "note": WHY}, "/outcome"),
        ({"outcome": "approve"}, "/note"),
        ({"outcome": "approve", "note": "ok"}, "/note"),
        ({"outcome": "reject", "note": "card 4000 5660 0000 0002 again"}, "/note"),
        ({"outcome": "reject", "note": WHY, "block": ["holder"]}, "/block/0"),
        ({"outcome": "reject", "note": WHY, "block": "card"}, "/block"),
    ],
)
async def test_bad_decisions_are_refused_by_field(
    client: Client, world: World, body: dict[str, object], pointer: str
) -> None:
    order = await in_review(world)

    answer = await client.post(f"{REVIEWS}/{order.id}/decision", json=body, headers=world.as_staff("fraud"))

    text = await answer.text()
    assert answer.status == 422
    assert pointer in [fault["pointer"] for fault in (await answer.json())["errors"]]
    assert "4000 5660" not in text
    assert (await world.stores.orders.get(order.id)).review is None


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", REVIEWS), ("GET", f"{REVIEWS}/o-1"), ("POST", f"{REVIEWS}/o-1/decision"), ("GET", BLOCKS),
     ("POST", BLOCKS), ("DELETE", f"{BLOCKS}/card-x")],
)  # fmt: skip
async def test_only_the_role_fraud_gets_in(client: Client, world: World, method: str, path: str) -> None:
    others = [world.as_staff(role) for role in ("support", "marketing", "officer", "admin")]

    statuses = [(await client.request(method, path, headers=who)).status for who in [*others, world.as_customer()]]

    assert set(statuses) == {403}
    assert (await client.request(method, path)).status in (401, 403)


async def test_orders_can_be_blocked_by_what_they_are_recognised_by(client: Client, world: World) -> None:
    order, fraud = (await world.buy()).order, world.as_staff("fraud")

    made = await client.post(BLOCKS, json={"order_id": order.id, "kinds": ["card", "email", "network"]}, headers=fraud)
    listed = (await (await client.get(BLOCKS, headers=fraud)).json())["items"]
    blocked = await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"})
    for entry in listed:
        assert (await client.delete(f"{BLOCKS}/{entry['id']}", headers=fraud)).status == 204
    gone = await client.delete(f"{BLOCKS}/{listed[0]['id']}", headers=fraud)
    allowed = await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k2"})

    assert made.status == 201
    assert [(entry["kind"], entry["by"], entry["note"]) for entry in listed] == [
        (kind, "staff:s-1", f"order {order.number}") for kind in ("card", "email")
    ]
    assert (blocked.status, gone.status, allowed.status) == (402, 404, 201)


async def test_unknown_and_unscreened_orders_are_not_found(client: Client, world: World) -> None:
    fraud = world.as_staff("fraud")

    shown = await client.get(f"{REVIEWS}/o-9", headers=fraud)
    blocked = await client.post(BLOCKS, json={"order_id": "o-9", "kinds": ["card"]}, headers=fraud)

    assert (shown.status, blocked.status) == (404, 404)
