"""What every payment provider must do: the sandbox, and Stripe as our fake of its API has it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from services.orders.payments.provider import Card, Charge, ChargeRequest, Outcome, Provider, RefundRefused
from shared.errors import TransientError
from shared.secrets import CardCode, CardNumber

PAYS, DECLINED, NO_FUNDS, ASKS_BANK = "4242424242424242", "4000000000000002", "4000000000009995", "4000000000003220"
A_CHARGE = ChargeRequest("o-1", 15_900, "JPY", return_url="https://shop.example/orders/o-1/payment?t=1")
SET_ASIDE = replace(A_CHARGE, capture=False)


def a_card(number: str = PAYS) -> Card:
    return Card(CardNumber(number), CardCode("123"), "12/34", "Ann Example")


@dataclass
class Bench:
    """A provider, and what a test does beside it."""

    provider: Provider
    act: Callable[[str, bool], Awaitable[object]]
    """The buyer approves or refuses an order at the bank."""
    lose_the_answer: Callable[[], str]
    """From now on the next charge's answer gets lost; the card to charge."""
    charge_late: Callable[[], str]
    """The next charge arrives only after the caller gave up; the card to charge."""
    callers_gave_up: Callable[[], Awaitable[None]]

    async def all_charges(self) -> list[Charge]:
        return [charge async for charge in self.provider.charges()]

    async def paid_minor(self) -> int:
        return sum(charge.amount_minor for charge in await self.all_charges() if charge.outcome is Outcome.PAID)


class ProviderSuite:
    async def test_a_card_that_is_good_is_charged(self, bench: Bench) -> None:
        charge = await bench.provider.charge(A_CHARGE, card=a_card())

        assert (charge.order_id, charge.amount_minor, charge.currency) == ("o-1", 15_900, "JPY")
        assert (charge.outcome, charge.reason, charge.action_url, charge.capture) == (Outcome.PAID, "", "", True)
        assert await bench.provider.lookup("o-1") == charge

    @pytest.mark.parametrize(("number", "reason"), [(DECLINED, "card-declined"), (NO_FUNDS, "insufficient-funds")])
    async def test_a_card_that_is_not_is_declined_for_ever(self, bench: Bench, number: str, reason: str) -> None:
        charge = await bench.provider.charge(A_CHARGE, card=a_card(number))

        assert (charge.outcome, charge.reason) == (Outcome.DECLINED, reason)
        assert await bench.provider.lookup("o-1") == charge
        assert (await bench.provider.void("o-1")).outcome is Outcome.DECLINED
        assert (await bench.provider.charge(A_CHARGE, card=a_card(number))).outcome is Outcome.DECLINED

    async def test_charging_twice_charges_once(self, bench: Bench) -> None:
        first = await bench.provider.charge(A_CHARGE, card=a_card())

        assert await bench.provider.charge(A_CHARGE, card=a_card()) == first
        assert await bench.paid_minor() == 15_900

    async def test_of_many_at_once_one_charges(self, bench: Bench) -> None:
        answers = await asyncio.gather(
            *(bench.provider.charge(A_CHARGE, card=a_card()) for _ in range(10)), return_exceptions=True
        )

        assert {type(answer) for answer in answers} <= {Charge, TransientError}
        assert await bench.paid_minor() == 15_900

    async def test_other_orders_have_other_charges(self, bench: Bench) -> None:
        for order_id in ("o-1", "o-2"):
            await bench.provider.charge(replace(A_CHARGE, order_id=order_id), card=a_card())

        assert {charge.order_id for charge in await bench.all_charges()} == {"o-1", "o-2"}
        assert await bench.paid_minor() == 31_800

    async def test_of_what_was_never_asked_nothing_is_known(self, bench: Bench) -> None:
        assert await bench.provider.lookup("o-1") is None

    async def test_a_charge_whose_answer_was_lost_is_found(self, bench: Bench) -> None:
        with pytest.raises((TimeoutError, TransientError)):
            async with asyncio.timeout(0.2):
                await bench.provider.charge(A_CHARGE, card=a_card(bench.lose_the_answer()))

        found = await bench.provider.lookup("o-1")

        assert found is not None
        assert (found.outcome, found.amount_minor) == (Outcome.PAID, 15_900)

    async def test_what_was_voided_unasked_can_be_charged_no_more(self, bench: Bench) -> None:
        voided = await bench.provider.void("o-1")
        late = await bench.provider.charge(A_CHARGE, card=a_card())

        assert voided.outcome is late.outcome is Outcome.VOIDED
        assert (await bench.provider.void("o-1")).outcome is Outcome.VOIDED
        assert await bench.paid_minor() == 0

    async def test_a_charge_that_arrives_late_finds_itself_voided(self, bench: Bench) -> None:
        with pytest.raises((TimeoutError, TransientError)):
            async with asyncio.timeout(0.2):
                await bench.provider.charge(A_CHARGE, card=a_card(bench.charge_late()))
        assert await bench.provider.lookup("o-1") is None

        voided = await bench.provider.void("o-1")
        await bench.callers_gave_up()

        found = await bench.provider.lookup("o-1")
        assert found is not None
        assert voided.outcome is found.outcome is Outcome.VOIDED
        assert await bench.paid_minor() == 0

    async def test_what_is_paid_is_voided_no_more(self, bench: Bench) -> None:
        paid = await bench.provider.charge(A_CHARGE, card=a_card())

        assert await bench.provider.void("o-1") == paid
        assert await bench.paid_minor() == 15_900

    async def test_what_is_set_aside_is_taken_once(self, bench: Bench) -> None:
        aside = await bench.provider.charge(SET_ASIDE, card=a_card())
        assert (aside.outcome, await bench.paid_minor()) == (Outcome.AUTHORISED, 0)

        taken = await asyncio.gather(*(bench.provider.capture("o-1") for _ in range(5)))

        assert {charge.outcome for charge in taken} == {Outcome.PAID}
        assert await bench.paid_minor() == 15_900
        assert (await bench.provider.void("o-1")).outcome is Outcome.PAID

    async def test_what_is_set_aside_and_voided_is_taken_no_more(self, bench: Bench) -> None:
        await bench.provider.charge(SET_ASIDE, card=a_card())

        voided = await bench.provider.void("o-1")

        assert voided.outcome is (await bench.provider.capture("o-1")).outcome is Outcome.VOIDED
        assert await bench.paid_minor() == 0

    async def test_a_capture_of_nothing_is_unknown(self, bench: Bench) -> None:
        with pytest.raises(TransientError):
            await bench.provider.capture("o-1")

    @pytest.mark.parametrize(("wanted", "outcome"), [(A_CHARGE, Outcome.PAID), (SET_ASIDE, Outcome.AUTHORISED)])
    async def test_approved_at_the_bank_it_goes_on(self, bench: Bench, wanted: ChargeRequest, outcome: Outcome) -> None:
        asked = await bench.provider.charge(wanted, card=a_card(ASKS_BANK))
        assert (asked.outcome, await bench.paid_minor()) == (Outcome.NEEDS_ACTION, 0)
        assert asked.action_url.startswith("http")

        await bench.act("o-1", True)

        found = await bench.provider.lookup("o-1")
        assert found is not None
        assert (found.outcome, found.action_url) == (outcome, "")

    async def test_refused_at_the_bank_it_is_declined(self, bench: Bench) -> None:
        await bench.provider.charge(A_CHARGE, card=a_card(ASKS_BANK))

        await bench.act("o-1", False)
        await bench.act("o-1", True)

        found = await bench.provider.lookup("o-1")
        assert found is not None
        assert (found.outcome, found.reason) == (Outcome.DECLINED, "not-authenticated")

    async def test_what_waits_for_the_bank_can_be_voided_and_not_taken(self, bench: Bench) -> None:
        asked = await bench.provider.charge(A_CHARGE, card=a_card(ASKS_BANK))
        assert (await bench.provider.capture("o-1")).outcome is asked.outcome

        voided = await bench.provider.void("o-1")
        await bench.act("o-1", True)

        assert voided.outcome is Outcome.VOIDED
        assert await bench.paid_minor() == 0

    async def test_a_refund_is_paid_once(self, bench: Bench) -> None:
        await bench.provider.charge(A_CHARGE, card=a_card())

        await asyncio.gather(
            *(bench.provider.refund("o-1", "r-1", amount_minor=5_000) for _ in range(5)), return_exceptions=True
        )
        await bench.provider.refund("o-1", "r-1", amount_minor=5_000)

        assert [charge.refunded_minor for charge in await bench.all_charges()] == [5_000]

    async def test_the_same_refund_of_another_amount_is_refused(self, bench: Bench) -> None:
        await bench.provider.charge(A_CHARGE, card=a_card())
        await bench.provider.refund("o-1", "r-1", amount_minor=5_000)

        with pytest.raises(RefundRefused):
            await bench.provider.refund("o-1", "r-1", amount_minor=5_001)

        assert [charge.refunded_minor for charge in await bench.all_charges()] == [5_000]

    async def test_refunds_of_two_orders_may_have_one_name(self, bench: Bench) -> None:
        for order_id in ("o-1", "o-2"):
            await bench.provider.charge(replace(A_CHARGE, order_id=order_id), card=a_card())
            await bench.provider.refund(order_id, "r-1", amount_minor=5_000)

        assert [charge.refunded_minor for charge in await bench.all_charges()] == [5_000, 5_000]

    async def test_no_more_is_refunded_than_was_taken(self, bench: Bench) -> None:
        await bench.provider.charge(A_CHARGE, card=a_card())
        await bench.provider.refund("o-1", "r-1", amount_minor=10_000)

        for refund_id, amount_minor in (("r-2", 5_901), ("r-3", 15_900)):
            with pytest.raises(RefundRefused):
                await bench.provider.refund("o-1", refund_id, amount_minor=amount_minor)
        await bench.provider.refund("o-1", "r-4", amount_minor=5_900)

        with pytest.raises(RefundRefused):
            await bench.provider.refund("o-1", "r-5", amount_minor=1)
        assert [charge.refunded_minor for charge in await bench.all_charges()] == [15_900]

    async def test_what_was_not_taken_is_not_refunded(self, bench: Bench) -> None:
        await bench.provider.charge(SET_ASIDE, card=a_card())

        for order_id in ("o-1", "o-2"):
            with pytest.raises(RefundRefused):
                await bench.provider.refund(order_id, "r-1", amount_minor=100)

    async def test_the_ledger_goes_on_behind_a_page(self, bench: Bench) -> None:
        orders = [f"o-{n:04}" for n in range(130)]
        for order_id in orders:
            await bench.provider.charge(replace(A_CHARGE, order_id=order_id), card=a_card())

        listed = [charge.order_id for charge in await bench.all_charges()]

        assert sorted(listed) == orders

    async def test_no_answer_holds_a_digit_of_the_card(self, bench: Bench) -> None:
        charge = await bench.provider.charge(A_CHARGE, card=a_card())
        found = await bench.provider.lookup("o-1")

        assert PAYS[6:12] not in repr((charge, found, await bench.all_charges()))
