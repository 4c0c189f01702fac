"""Webhooks may come late, twice, in any order or from a stranger: the provider's own answer is all that counts."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from services.orders.app import build_app
from services.orders.life.cancel import cancel
from services.orders.life.domain import Order
from services.orders.life.refunds import refund as ask_for_refund
from services.orders.life.steps import Status
from services.orders.payments.domain import PaymentState, Refund, RefundState
from services.orders.payments.reconcile import Counted, reconcile
from services.orders.payments.webhook import TOLERANCE_S
from services.orders.testing.fakestripe.faults import Fault
from services.orders.testing.fakestripe.webhooks import SECRET, signed
from shared.contracts.orders import RefundRefused
from tests.unit.orders.conftest import Client
from tests.unit.orders.stripe_world import AtStripe, at_stripe, stripe_settings
from tests.unit.orders.world import ASKS_BANK, LAST_FIVE, PAYS, World, a_body, a_world

PATH = "/api/orders/payments/webhook"


@dataclass
class Shop:
    """A shop that charges at the fake of Stripe."""

    world: World
    stripe: AtStripe
    client: Client

    async def hear(self, event: object, *, secret: str = SECRET, age_s: int = 0) -> int:
        """The webhook arrives."""
        body, headers = signed(event, at=int(self.world.clock().timestamp()) - age_s, secret=secret)
        return (await self.client.post(PATH, data=body, headers=headers)).status

    async def wait_for_the_bank(self) -> Order:
        """An order whose buyer is at the bank."""
        return (await self.world.buy(a_body(LAST_FIVE, card=ASKS_BANK))).order

    async def status_of(self, order: Order) -> Status:
        """Where the order stands."""
        return (await self.world.stores.orders.get(order.id)).status


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with (
        at_stripe() as stripe,
        a_world(provider=stripe.provider, clock=stripe.clock, settings=stripe_settings()) as world,
        TestClient(TestServer(build_app(world.deps)), cookie_jar=DummyCookieJar()) as client,
    ):
        yield Shop(world, stripe, client)


async def test_the_provider_is_asked_and_the_order_concluded(shop: Shop) -> None:
    order = await shop.wait_for_the_bank()
    await shop.stripe.act(order.id, True)

    assert await shop.hear(shop.stripe.fake.webhooks.of("payment_intent.succeeded")) == 204

    assert await shop.status_of(order) is Status.PAID
    assert len(shop.world.relay.events) == 1
    await shop.world.sweep()
    await shop.world.assert_books_balance(LAST_FIVE, 5)


async def test_twice_and_in_any_order_it_ends_once(shop: Shop) -> None:
    order = await shop.wait_for_the_bank()
    await shop.stripe.act(order.id, True)

    for event in [*reversed(shop.stripe.fake.webhooks.events), *shop.stripe.fake.webhooks.events]:
        assert await shop.hear(event) == 204

    assert await shop.status_of(order) is Status.PAID
    assert len(shop.world.relay.events) == 1


async def test_a_word_of_success_that_came_too_early_is_not_believed(shop: Shop) -> None:
    order = await shop.wait_for_the_bank()
    event: dict[str, Any] = shop.stripe.fake.webhooks.of("payment_intent.requires_action") | {
        "type": "payment_intent.succeeded", "created": 4_000_000_000,
    }  # fmt: skip

    assert await shop.hear(event) == 204

    assert await shop.status_of(order) is Status.NEEDS_ACTION


async def test_a_late_word_of_failure_undoes_nothing(shop: Shop) -> None:
    order = (await shop.world.buy(a_body(LAST_FIVE, card=PAYS))).order
    [intent] = shop.stripe.fake.intents.intents.values()

    event = {"type": "payment_intent.payment_failed", "data": {"object": intent | {"status": "canceled"}}}

    assert await shop.hear(event) == 204
    assert await shop.status_of(order) is Status.PAID


async def test_a_charge_whose_answer_was_lost_is_concluded_before_the_sweep(shop: Shop) -> None:
    shop.stripe.fail_next("confirm", Fault.CUT_AFTER)
    with pytest.raises(Exception, match="outcome unknown"):
        await shop.world.buy(a_body(LAST_FIVE))
    [order] = await shop.world.all_orders()
    assert order.status is Status.CHARGING

    assert await shop.hear(shop.stripe.fake.webhooks.of("payment_intent.succeeded")) == 204

    assert await shop.status_of(order) is Status.PAID


async def cancelled(shop: Shop) -> tuple[Order, str]:
    """An order whose money went back, as far as anybody knew; and the refund's name at the provider."""
    order = await cancel(shop.world.deps, (await shop.world.buy(a_body(LAST_FIVE, card=PAYS))).order, by="buyer")
    [name] = shop.stripe.fake.intents.refunds
    assert (order.payment.state, order.needs_attention) == (PaymentState.REFUNDED, False)
    return order, name


async def test_a_refund_that_the_bank_sends_back_weeks_later_needs_attention(shop: Shop) -> None:
    order, name = await cancelled(shop)
    shop.world.clock.advance(days=30)
    shop.stripe.fake.intents.send_back(name)

    for _ in range(2):
        assert await shop.hear(shop.stripe.fake.webhooks.of("refund.failed")) == 204

    changed = await shop.world.stores.orders.get(order.id)
    [refund] = changed.payment.refunds
    assert (changed.status, changed.payment.state, changed.needs_attention) == (
        Status.CANCELLED, PaymentState.CAPTURED, True
    )  # fmt: skip
    assert (refund.state, refund.reason, refund.settled_at) == (
        RefundState.REFUSED, "refund-sent-back", shop.world.clock()
    )  # fmt: skip
    assert [event.type for event in shop.world.pending[order.id]][-1:] == [RefundRefused.TYPE]
    assert len([event for event in shop.world.pending[order.id] if event.type == RefundRefused.TYPE]) == 1
    assert [each async for each in reconcile(shop.world.deps, counted=Counted())] == []


async def test_a_refund_that_was_sent_back_can_be_made_up_for(shop: Shop) -> None:
    order, name = await cancelled(shop)
    shop.stripe.fake.intents.send_back(name)
    await shop.hear(shop.stripe.fake.webhooks.of("refund.failed"))
    changed = await shop.world.stores.orders.get(order.id)

    anew = Refund("r-2", order.total_minor, "desk", "staff:s-1", shop.world.clock())
    done = await ask_for_refund(shop.world.deps, changed, anew)

    assert (done.payment.state, done.needs_attention) == (PaymentState.REFUNDED, False)


async def test_a_refund_that_fails_before_anybody_has_written_it_down_is_refused(shop: Shop) -> None:
    order = await cancel(shop.world.without_provider(), (await shop.world.buy(a_body(LAST_FIVE))).order, by="buyer")
    [wanted] = order.payment.pending
    await shop.stripe.provider.refund(order.id, wanted.id, amount_minor=wanted.amount_minor)
    [name] = shop.stripe.fake.intents.refunds
    shop.stripe.fake.intents.send_back(name)

    assert await shop.hear(shop.stripe.fake.webhooks.of("refund.failed")) == 204

    changed = await shop.world.stores.orders.get(order.id)
    assert (changed.payment.refunds[0].state, changed.needs_attention) == (RefundState.REFUSED, True)


async def test_a_word_of_a_failed_refund_is_not_believed(shop: Shop) -> None:
    order, name = await cancelled(shop)
    event = {"type": "refund.failed", "data": {"object": shop.stripe.fake.intents.refunds[name] | {"status": "failed"}}}

    assert await shop.hear(event) == 204

    assert (await shop.world.stores.orders.get(order.id)) == order


async def test_a_refund_of_a_charge_that_is_none_of_ours_is_left(shop: Shop) -> None:
    order, name = await cancelled(shop)
    intents = shop.stripe.fake.intents
    intents.intents["pi_other"] = intents.find(await shop.stripe.intent_id(order.id)) | {"id": "pi_other"}
    intents.refunds[name]["payment_intent"] = "pi_other"
    intents.send_back(name)

    assert await shop.hear(shop.stripe.fake.webhooks.of("refund.failed")) == 204

    assert (await shop.world.stores.orders.get(order.id)) == order


async def test_while_the_provider_is_away_the_word_of_a_refund_has_to_come_again(shop: Shop) -> None:
    order, name = await cancelled(shop)
    shop.stripe.fake.intents.send_back(name)
    shop.stripe.fail_next("list_refunds", Fault.ERROR)

    assert [await shop.hear(shop.stripe.fake.webhooks.of("refund.failed")) for _ in range(2)] == [503, 204]

    assert (await shop.world.stores.orders.get(order.id)).needs_attention


@pytest.mark.parametrize("event", [
    {"data": {"object": {"object": "refund", "payment_intent": "pi_1", "metadata": {}}}},
    {"data": {"object": {"object": "refund", "payment_intent": {"$ne": None}, "metadata": {"refund_id": "r-1"}}}},
    {"data": {"object": {"object": "charge", "payment_intent": "pi_1", "metadata": {"refund_id": "r-1"}}}},
    {}, {"type": "x"}, {"data": []}, {"data": {"object": {"metadata": {"order_id": "unknown"}}}},
    {"data": {"object": {"metadata": {"order_id": {"$ne": None}}}}}, {"data": {"object": {"metadata": {}}}},
    {"data": {"object": {"metadata": {"order_id": "x" * 1_000}}}}, {"data": {"object": {"metadata": {"order_id": 1}}}},
])  # fmt: skip
async def test_what_is_about_none_of_our_orders_is_taken_and_left(shop: Shop, event: object) -> None:
    assert await shop.hear(event) == 204

    assert shop.stripe.fake.calls == []


async def test_while_the_provider_is_away_it_has_to_come_again(shop: Shop) -> None:
    order = await shop.wait_for_the_bank()
    await shop.stripe.act(order.id, True)
    event = shop.stripe.fake.webhooks.of("payment_intent.succeeded")
    shop.stripe.fail_next("retrieve", Fault.ERROR)

    assert [await shop.hear(event) for _ in range(2)] == [503, 204]

    assert await shop.status_of(order) is Status.PAID


@pytest.mark.parametrize("age_s", [TOLERANCE_S + 1, -TOLERANCE_S - 1])
async def test_an_old_signature_and_one_of_the_future_are_refused(shop: Shop, age_s: int) -> None:
    assert await shop.hear({"type": "x"}, age_s=age_s) == 400


async def test_a_foreign_signature_is_refused_before_anything_is_read(shop: Shop) -> None:
    order = await shop.wait_for_the_bank()
    calls = list(shop.stripe.fake.calls)
    await shop.stripe.act(order.id, True)

    assert await shop.hear(shop.stripe.fake.webhooks.of("payment_intent.succeeded"), secret="whsec_other") == 400

    assert shop.stripe.fake.calls == calls
    assert await shop.status_of(order) is Status.NEEDS_ACTION


async def test_an_altered_body_is_refused(shop: Shop) -> None:
    body, headers = signed({"type": "x"}, at=int(shop.world.clock().timestamp()))

    response = await shop.client.post(PATH, data=body.replace(b"x", b"y"), headers=headers)

    assert response.status == 400
    assert (await response.json())["type"] == "/problems/bad-signature"


@pytest.mark.parametrize("header", [
    "", "t=", "v1=", "t=1", "t=x,v1=y", "t=1,t=1,v1=x", "t=1,v1=é", ",,,", "=" * 3_000, f"t={'9' * 400},v1=x",
    "t=²,v1=x",
])  # fmt: skip
async def test_what_is_no_signature_is_refused(shop: Shop, header: str) -> None:
    raw = header.encode().decode("latin-1")
    response = await shop.client.post(PATH, data=b"{}", headers={"Stripe-Signature": raw})

    assert response.status == 400


async def test_two_signatures_pass_while_the_secret_changes(shop: Shop) -> None:
    body, headers = signed({"type": "x"}, at=int(shop.world.clock().timestamp()))
    both = headers["Stripe-Signature"].replace(",", ",v1=0123,v0=abc,")

    response = await shop.client.post(PATH, data=body, headers={"Stripe-Signature": both})

    assert response.status == 204


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff"])
async def test_signed_nonsense_is_malformed(shop: Shop, body: bytes) -> None:
    at = int(shop.world.clock().timestamp())
    signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()

    response = await shop.client.post(PATH, data=body, headers={"Stripe-Signature": f"t={at},v1={signature}"})

    assert response.status == 400
    assert (await response.json())["type"] == "/problems/malformed-body"


async def test_a_large_body_is_not_read(shop: Shop) -> None:
    response = await shop.client.post(PATH, data=b"x" * 70_000, headers={"Stripe-Signature": "t=1,v1=x"})

    assert response.status == 413


async def test_no_origin_is_asked_for(shop: Shop) -> None:
    body, headers = signed({"type": "x"}, at=int(shop.world.clock().timestamp()))

    response = await shop.client.post(
        PATH, data=body, headers=headers | {"Origin": "https://stripe.example", "Sec-Fetch-Site": "cross-site"}
    )

    assert response.status == 204


async def test_without_a_secret_nothing_passes(world: World, client: Client) -> None:
    body, headers = signed({"type": "x"}, at=int(world.clock().timestamp()), secret="")

    assert (await client.post(PATH, data=body, headers=headers)).status == 400
