"""The buyer's bank wants to see the buyer: the order waits, and ends by what the provider says, once."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from services.orders.life.ask import ask_while_waiting
from services.orders.life.cancel import cancel
from services.orders.life.finish import sweep_unfinished
from services.orders.life.steps import Status
from services.orders.life.view import link_to
from services.orders.payments.domain import PaymentState
from services.orders.payments.provider import Outcome
from shared.contracts.orders import Notified, OrderCancelled, RefundCompleted
from shared.errors import TransientError
from shared.events import Event
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import ASKS_BANK, LAST_FIVE, PAYS, SETTINGS, Away, World, a_body

BODY = a_body(LAST_FIVE, card=ASKS_BANK)
KEY, OTHER = {"Idempotency-Key": "k"}, {"Idempotency-Key": "k-2"}


async def _buy(client: Client) -> dict[str, Any]:
    response = await client.post("/api/orders", json=BODY, headers=KEY)
    assert response.status == 202
    answer: dict[str, Any] = await response.json()
    return answer


def _here(url: str) -> str:
    return url.removeprefix(SETTINGS.public_url)


async def _answer_the_bank(client: Client, order: dict[str, Any], answer: str) -> Any:
    """Press the button at the bank, and follow the way back to the order's page."""
    action = _here(order["action_url"])
    return await client.post(action, data={"answer": answer}, headers={"Origin": SETTINGS.public_url})


async def test_the_order_waits_and_says_where_the_buyer_has_to_go(client: Client, world: World) -> None:
    order = await _buy(client)

    seen = await (await client.get(f"/api/orders/{order['id']}?t={order['view_link'].partition('=')[2]}")).json()

    assert (order["status"], order["payment"]) == ("needs_action", "needs_action")
    assert order["action_url"].startswith(f"{SETTINGS.public_url}/api/orders/payments/sandbox/actions/{order['id']}?t=")
    assert seen == order
    assert world.relay.events == []
    assert await world.holds() == 1


async def test_the_same_request_gets_the_same_answer_while_it_waits(client: Client, world: World) -> None:
    first = await _buy(client)

    again = await client.post("/api/orders", json=BODY, headers=KEY)

    assert again.status == 202
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await again.json() == first
    assert len(await world.all_orders()) == 1


async def test_approved_it_is_paid_and_announced_once(client: Client, world: World) -> None:
    order = await _buy(client)

    page = await _answer_the_bank(client, order, "approve")
    again = await client.post("/api/orders", json=BODY, headers=KEY)

    assert page.status == 200
    assert "Paid. Thank you!" in await page.text()
    assert again.status == 201
    assert (await again.json())["payment"] == "captured"
    assert len(world.relay.events) == 1
    await world.sweep()
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_refused_it_is_declined_and_its_units_are_back(client: Client, world: World) -> None:
    order = await _buy(client)

    page = await _answer_the_bank(client, order, "refuse")
    again = await client.post("/api/orders", json=BODY, headers=KEY)

    assert "declined" in await page.text()
    assert again.status == 402
    assert (await again.json())["errors"][0]["code"] == "not-authenticated"
    await world.assert_books_balance(LAST_FIVE, 5)


@pytest.mark.parametrize(("first", "then", "status"), [
    ("approve", "refuse", Status.PAID), ("refuse", "approve", Status.DECLINED),
])  # fmt: skip
async def test_the_first_answer_counts(client: Client, world: World, first: str, then: str, status: Status) -> None:
    order = await _buy(client)

    for answer in (first, then):
        await _answer_the_bank(client, order, answer)

    assert [each.status for each in await world.all_orders()] == [status]
    await world.sweep()
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_who_comes_back_with_a_false_word_of_success_is_not_believed(client: Client, world: World) -> None:
    order = await _buy(client)
    returning = _here(order["view_link"]).replace("?", "/payment?") + "&redirect_status=succeeded&payment_intent=pi_1"

    await client.get(returning)

    assert [each.status for each in await world.all_orders()] == [Status.NEEDS_ACTION]


async def test_a_buyer_who_closes_the_window_after_approving_is_found_by_the_sweep(world: World) -> None:
    placed = await world.buy(BODY)
    await world.sandbox.act(placed.order.id, approved=True)

    await world.sweep(after_s=SETTINGS.payment_ask_every_s + 1)

    assert (await world.stores.orders.get(placed.order.id)).status is Status.PAID
    assert len(world.relay.events) == 1


async def test_whoever_waits_too_long_is_voided_and_can_approve_no_more(world: World) -> None:
    placed = await world.buy(BODY, key="k")
    await world.sweep(after_s=SETTINGS.payment_action_timeout_s - 1)
    assert (await world.stores.orders.get(placed.order.id)).status is Status.NEEDS_ACTION

    await world.sweep(after_s=2)
    charge = await world.sandbox.act(placed.order.id, approved=True)

    assert (await world.stores.orders.get(placed.order.id)).status is Status.FAILED
    assert charge.outcome is Outcome.VOIDED
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_after_that_the_same_key_buys_anew(world: World) -> None:
    first = await world.buy(BODY, key="k")
    await world.sweep(after_s=SETTINGS.payment_action_timeout_s + 1)

    second = await world.buy(BODY, key="k")

    assert second.order.id != first.order.id
    assert second.order.status is Status.NEEDS_ACTION


async def test_a_provider_that_is_away_leaves_the_answer_as_it_was(client: Client, world: World) -> None:
    order = await _buy(client)
    asked_without = await world.buy(BODY, key="k", deps=world.without_provider())

    assert asked_without.order.id == order["id"]
    assert asked_without.order.status is Status.NEEDS_ACTION


async def test_only_the_buyer_sees_the_banks_page(client: Client, world: World) -> None:
    order = await _buy(client)
    action = _here(order["action_url"])

    own = await client.get(action, headers={"Accept-Language": "de"})
    strangers = [await client.get(action.partition("?")[0]), await client.get(action[:-1] + "x")]

    assert own.status == 200
    assert "Geben Sie diese Zahlung frei?" in await own.text()
    assert [response.status for response in strangers] == [404, 422]


async def test_a_page_that_asks_nothing_leads_back(client: Client, world: World) -> None:
    paid = (await world.buy(a_body(card=PAYS))).order
    token = link_to(world.deps, paid).partition("=")[2]

    response = await client.get(f"/api/orders/payments/sandbox/actions/{paid.id}?t={token}", allow_redirects=False)

    assert response.status == 303
    assert response.headers["Location"] == f"/orders/{paid.id}/payment?t={token}"


async def test_the_page_of_an_order_that_waits_leads_to_the_bank(client: Client, world: World) -> None:
    order = await _buy(client)

    page = await (await client.get(_here(order["view_link"]))).text()

    assert f'href="{order["action_url"]}"' in page


async def test_one_order_that_the_provider_is_silent_about_does_not_stop_the_next(world: World) -> None:
    waiting = [(await world.buy(a_body(card=ASKS_BANK))).order for _ in range(2)]
    for order in waiting:
        await world.sandbox.act(order.id, approved=True)
    first, second = sorted(order.id for order in waiting)

    with pytest.raises(TransientError):
        await world.sweep_with(SilentAbout(world.sandbox, first), after_s=120)

    assert (await world.stores.orders.get(first)).status is Status.NEEDS_ACTION
    assert (await world.stores.orders.get(second)).status is Status.PAID


async def test_several_silences_in_a_row_end_the_turn(world: World) -> None:
    for _ in range(5):
        await world.buy(a_body(card=ASKS_BANK))
    away = CountingAway()

    with pytest.raises(TransientError):
        await world.sweep_with(away, after_s=120)

    assert away.asked == 3


class SilentAbout:
    """A provider that does not answer about one order."""

    def __init__(self, provider: Any, order_id: str) -> None:
        self._provider, self._order_id = provider, order_id

    async def lookup(self, order_id: str) -> Any:
        if order_id == self._order_id:
            raise TransientError("silent")
        return await self._provider.lookup(order_id)


class CountingAway(Away):
    """A provider that is away, and counts who asks."""

    def __init__(self) -> None:
        self.asked = 0

    async def lookup(self, _order_id: str) -> Any:
        self.asked += 1
        raise TransientError("away")


def _token(order: dict[str, Any]) -> str:
    return str(order["view_link"].partition("?")[2])


async def _cancel(client: Client, order: dict[str, Any]) -> dict[str, Any]:
    response = await client.post(f"/api/orders/{order['id']}/cancel?{_token(order)}")
    assert response.status == 200
    answer: dict[str, Any] = await response.json()
    return answer


async def test_while_it_waits_for_the_bank_it_is_cancelled_and_its_units_are_back(client: Client, world: World) -> None:
    order = await _buy(client)

    cancelled = await _cancel(client, order)
    again = await _cancel(client, order)

    seen = await (await client.get(f"/api/orders/{order['id']}?{_token(order)}")).json()
    charge = await world.stores.ledger.find(order["id"])
    assert cancelled["status"] == again["status"] == "cancelled"
    assert (seen["payment"], seen["action_url"], seen["can_cancel"]) == ("cancelled", "", False)
    assert charge is not None
    assert charge.outcome is Outcome.VOIDED
    assert (await world.holds(), await world.left(LAST_FIVE)) == (0, 5)


async def test_support_cancels_what_waits_for_the_bank(client: Client, world: World) -> None:
    order = await _buy(client)

    response = await client.post(f"/api/orders/{order['id']}/cancel", headers=world.as_staff("support"))

    assert (await response.json())["status"] == "cancelled"


async def test_what_was_cancelled_while_it_waited_is_not_paid_by_a_late_approval(client: Client, world: World) -> None:
    order = await _buy(client)
    await _cancel(client, order)

    await _answer_the_bank(client, order, "approve")
    await world.sweep()

    assert (await world.deps.orders.get(order["id"])).status is Status.CANCELLED
    assert await world.paid_charges() == 0


@pytest.mark.parametrize("is_away", [False, True])
async def test_what_the_bank_approved_while_it_was_cancelled_goes_back(
    client: Client, world: World, is_away: bool
) -> None:
    placed = await _buy(client)
    order = await world.deps.orders.get(placed["id"])
    await world.sandbox.act(order.id, approved=True)  # the buyer was quicker at the bank; nobody here knows yet

    await cancel(world.without_provider() if is_away else world.deps, order, by="buyer")
    await sweep_unfinished(world.deps)
    await world.sweep()

    order = await world.deps.orders.get(order.id)
    charge = await world.stores.ledger.find(order.id)
    assert charge is not None
    assert (order.status, order.payment.state, order.is_unfinished) == (Status.CANCELLED, PaymentState.REFUNDED, False)
    assert charge.refunded_minor == charge.amount_minor == order.total_minor
    assert (await world.holds(), await world.left(LAST_FIVE)) == (0, 5)
    assert [event.type for event in world.pending[order.id]] == [OrderCancelled.TYPE, RefundCompleted.TYPE]


async def test_of_paying_and_cancelling_at_once_both_sides_agree(world: World) -> None:
    for _ in range(5):
        order = (await world.buy(BODY)).order
        await world.sandbox.act(order.id, approved=True)

        await asyncio.gather(ask_while_waiting(world.deps, order), cancel(world.deps, order, by="buyer"))
        await sweep_unfinished(world.deps)

        order = await world.deps.orders.get(order.id)
        charge = await world.stores.ledger.find(order.id)
        assert charge is not None
        assert (order.status, order.payment.state) == (Status.CANCELLED, PaymentState.REFUNDED)
        assert charge.refunded_minor == charge.amount_minor
        assert await world.left(LAST_FIVE) == 5
        told = [event.type for event in world.pending[order.id]]
        assert told.count(OrderCancelled.TYPE) == told.count(RefundCompleted.TYPE) == 1


async def test_of_declining_and_cancelling_at_once_the_units_come_back_once(world: World) -> None:
    order = (await world.buy(BODY)).order
    await world.sandbox.act(order.id, approved=False)

    await cancel(replace(world.deps, stock=Away()), order, by="buyer")
    await ask_while_waiting(world.deps, order)  # who has read it before it was cancelled
    await sweep_unfinished(world.deps)

    assert (await world.deps.orders.get(order.id)).status is Status.CANCELLED
    assert (await world.holds(), await world.left(LAST_FIVE)) == (0, 5)


async def test_nobody_is_mailed_of_a_cancelled_attempt_but_by_support(client: Client, world: World) -> None:
    by_buyer, by_staff = await _buy(client), await (await client.post("/api/orders", json=BODY, headers=OTHER)).json()
    await _cancel(client, by_buyer)
    await client.post(f"/api/orders/{by_staff['id']}/cancel", headers=world.as_staff("support"))

    [silent], [told] = world.pending[by_buyer["id"]], world.pending[by_staff["id"]]
    assert [_mailed(world, event) for event in (silent, told)] == ["", "ann@example.org"]


def _mailed(world: World, event: Event) -> str:
    sealed = event.read(OrderCancelled).recipient
    return world.sealing.unsealer("mailer").open(Notified, sealed, event=event, field="recipient").email
