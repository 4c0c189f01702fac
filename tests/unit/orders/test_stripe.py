"""What goes wrong between Stripe and us: whatever it is, asking again tells how it ended, and nothing is done twice."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from services.orders.payments.provider import Outcome, RefundRefused
from services.orders.payments.stripe.client import API_VERSION, open_stripe
from services.orders.payments.stripe.provider import StripeProvider
from services.orders.testing.fakestripe.faults import AFTER, Fault
from services.orders.testing.fakestripe.server import API_KEY
from shared.errors import TransientError
from shared.testing.clock import FixedClock
from tests.unit.orders.provider_suite import A_CHARGE, ASKS_BANK, PAYS, SET_ASIDE, a_card
from tests.unit.orders.stripe_world import AtStripe, MemoryBook, at_stripe

QUICK_S = 0.3
FAULTS = [fault for fault in Fault if fault is not Fault.LATE]


@pytest.fixture
async def stripe() -> AsyncIterator[AtStripe]:
    async with at_stripe(timeout_s=QUICK_S) as opened:
        yield opened


async def _captured_minor(stripe: AtStripe) -> int:
    return sum(intent["amount_received"] for intent in stripe.fake.intents.intents.values())


async def _refunded_minor(stripe: AtStripe) -> int:
    return sum(refund["amount"] for refund in stripe.fake.intents.refunds.values())


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_charge_that_went_wrong_is_unknown_until_it_is_asked_after(stripe: AtStripe, fault: Fault) -> None:
    stripe.fail_next("confirm", fault)

    with pytest.raises(TransientError):
        await stripe.provider.charge(A_CHARGE, card=a_card())

    found = await stripe.provider.lookup("o-1")
    assert (found is not None and found.outcome is Outcome.PAID) is (fault in AFTER)
    ended = await stripe.provider.void("o-1")
    assert ended.outcome is (Outcome.PAID if fault in AFTER else Outcome.VOIDED)
    assert await _captured_minor(stripe) == (15_900 if fault in AFTER else 0)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_charge_that_did_not_get_as_far_as_an_intent_charges_nothing(stripe: AtStripe, fault: Fault) -> None:
    stripe.fail_next("create", fault)

    with pytest.raises(TransientError):
        await stripe.provider.charge(A_CHARGE, card=a_card())

    assert await stripe.provider.lookup("o-1") is None
    assert (await stripe.provider.void("o-1")).outcome is Outcome.VOIDED
    assert (await stripe.provider.charge(A_CHARGE, card=a_card())).outcome is Outcome.VOIDED
    assert await _captured_minor(stripe) == 0


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_capture_that_went_wrong_may_be_asked_again(stripe: AtStripe, fault: Fault) -> None:
    await stripe.provider.charge(SET_ASIDE, card=a_card())
    stripe.fail_next("capture", fault)

    with pytest.raises(TransientError):
        await stripe.provider.capture("o-1")

    found = await stripe.provider.lookup("o-1")
    assert found is not None
    assert found.outcome is (Outcome.PAID if fault in AFTER else Outcome.AUTHORISED)
    assert (await stripe.provider.capture("o-1")).outcome is Outcome.PAID
    assert await _captured_minor(stripe) == 15_900


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_void_that_went_wrong_may_be_asked_again(stripe: AtStripe, fault: Fault) -> None:
    await stripe.provider.charge(SET_ASIDE, card=a_card())
    stripe.fail_next("cancel", fault)

    with pytest.raises(TransientError):
        await stripe.provider.void("o-1")

    assert (await stripe.provider.void("o-1")).outcome is Outcome.VOIDED
    assert (await stripe.provider.capture("o-1")).outcome is Outcome.VOIDED
    assert await _captured_minor(stripe) == 0


@pytest.mark.parametrize("a_day_later", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_refund_that_went_wrong_is_paid_once(stripe: AtStripe, fault: Fault, a_day_later: bool) -> None:
    await stripe.provider.charge(A_CHARGE, card=a_card())
    stripe.fail_next("refund", fault)
    with pytest.raises(TransientError):
        await stripe.provider.refund("o-1", "r-1", amount_minor=5_000)
    if a_day_later:
        stripe.fake.keys.forget()

    for _ in range(2):
        await stripe.provider.refund("o-1", "r-1", amount_minor=5_000)

    assert await _refunded_minor(stripe) == 5_000


async def test_a_refund_among_hundreds_is_found_again(stripe: AtStripe) -> None:
    await stripe.provider.charge(A_CHARGE, card=a_card())
    for n in range(102):
        await stripe.provider.refund("o-1", f"r-{n}", amount_minor=10)
    stripe.fake.keys.forget()

    await stripe.provider.refund("o-1", "r-0", amount_minor=10)

    assert await _refunded_minor(stripe) == 1_020


async def test_a_refund_that_has_failed_at_the_bank_is_refused(stripe: AtStripe) -> None:
    await stripe.provider.charge(A_CHARGE, card=a_card())
    await stripe.provider.refund("o-1", "r-1", amount_minor=5_000)
    for refund in stripe.fake.intents.refunds.values():
        refund["status"] = "failed"

    with pytest.raises(RefundRefused) as refusal:
        await stripe.provider.refund("o-1", "r-1", amount_minor=5_000)

    assert refusal.value.reason == "refund-failed"


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.BUSY, Fault.CUT, Fault.SILENT])
async def test_a_question_without_an_answer_is_no_answer(stripe: AtStripe, fault: Fault) -> None:
    await stripe.provider.charge(A_CHARGE, card=a_card())
    stripe.fail_next("retrieve", fault, fault)  # aiohttp itself asks a second time where a connection ends

    with pytest.raises(TransientError):
        await stripe.provider.lookup("o-1")


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.BUSY, Fault.CUT, Fault.SILENT])
async def test_the_library_repeats_no_call_by_itself(stripe: AtStripe, fault: Fault) -> None:
    stripe.fail_next("confirm", fault)

    with pytest.raises(TransientError):
        await stripe.provider.charge(A_CHARGE, card=a_card())

    assert stripe.fake.calls == ["create", "confirm"]


async def test_every_call_names_the_version_that_it_is_written_for(stripe: AtStripe) -> None:
    await stripe.provider.charge(A_CHARGE, card=a_card())
    await stripe.provider.lookup("o-1")

    assert stripe.fake.versions == {API_VERSION}


@pytest.mark.parametrize(("number", "reason"), [
    ("4000000000000069", "card-expired"), ("4000000000000127", "wrong-code"), ("4242424242424241", "card-declined"),
])  # fmt: skip
async def test_reasons_are_our_own_words(stripe: AtStripe, number: str, reason: str) -> None:
    charge = await stripe.provider.charge(A_CHARGE, card=a_card(number))

    assert (charge.outcome, charge.reason) == (Outcome.DECLINED, reason)


async def test_what_stripe_is_still_working_on_is_unknown(stripe: AtStripe) -> None:
    await stripe.provider.charge(A_CHARGE, card=a_card())
    stripe.fake.intents.find(await stripe.intent_id("o-1"))["status"] = "processing"

    for asked in (stripe.provider.lookup("o-1"), stripe.provider.void("o-1")):
        with pytest.raises(TransientError):
            await asked


async def test_an_amount_that_stripe_does_not_take_charges_nothing(stripe: AtStripe) -> None:
    with pytest.raises(TransientError):
        await stripe.provider.charge(replace(A_CHARGE, amount_minor=49), card=a_card())

    assert await stripe.provider.lookup("o-1") is None
    assert (await stripe.provider.void("o-1")).outcome is Outcome.VOIDED


async def test_a_wrong_key_is_unknown_and_never_a_refusal(stripe: AtStripe) -> None:
    book = MemoryBook()
    base = stripe.base
    async with open_stripe("sk_wrong", base=base, timeout_s=QUICK_S) as api:
        provider = StripeProvider(api, book, clock=FixedClock())

        with pytest.raises(TransientError):
            await provider.charge(A_CHARGE, card=a_card())


async def test_what_leaves_the_border_has_no_card_in_it(stripe: AtStripe) -> None:
    stripe.fail_next("confirm", Fault.ERROR)

    with pytest.raises(TransientError) as raised:
        await stripe.provider.charge(A_CHARGE, card=a_card())

    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert PAYS not in repr(raised.value)


async def test_the_fake_keeps_no_card(stripe: AtStripe) -> None:
    await stripe.provider.charge(A_CHARGE, card=a_card())

    kept = repr((stripe.fake.intents.intents, stripe.fake.keys.answers, stripe.fake.webhooks.events))
    assert PAYS not in kept


def test_the_library_prints_nothing_of_a_charge_even_where_it_was_told_to() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHARGE_IN_A_PROCESS], env=os.environ | {"STRIPE_LOG": "debug"}, capture_output=True,
        text=True, check=False, timeout=30,
    )  # fmt: skip

    assert json.loads(done.stdout) == {"outcome": "paid"}
    assert done.stderr == ""


async def test_the_fake_refuses_a_key_with_other_words(stripe: AtStripe) -> None:
    answers = [await _post(stripe, "/v1/payment_intents", {"amount": amount, "currency": "jpy"}, key="k")
               for amount in ("100", "100", "200")]  # fmt: skip

    assert [status for status, _ in answers] == [200, 200, 400]
    assert answers[0][1]["id"] == answers[1][1]["id"]
    assert answers[2][1]["error"]["type"] == "idempotency_error"


async def test_the_fake_refuses_a_key_that_is_in_flight(stripe: AtStripe) -> None:
    stripe.fail_next("create", Fault.LATE)
    first = asyncio.create_task(_post(stripe, "/v1/payment_intents", {"amount": "100", "currency": "jpy"}, key="k"))
    async with asyncio.timeout(5):
        while not stripe.fake.keys.answers:
            await asyncio.sleep(0)
    status, body = await _post(stripe, "/v1/payment_intents", {"amount": "100", "currency": "jpy"}, key="k")

    assert (status, body["error"]["code"]) == (409, "idempotency_key_in_use")
    stripe.fake.faults.callers_gave_up.set()
    with pytest.raises(aiohttp.ClientError):
        await first


async def test_the_banks_page_leads_back_to_the_shop(stripe: AtStripe) -> None:
    asked = await stripe.provider.charge(A_CHARGE, card=a_card(ASKS_BANK))

    async with aiohttp.ClientSession() as buyer:
        shown = await buyer.get(asked.action_url)
        answered = await buyer.post(asked.action_url, data={"answer": "approve"}, allow_redirects=False)

    assert "Approve" in await shown.text()
    assert (answered.status, answered.headers["Location"]) == (303, A_CHARGE.return_url)
    found = await stripe.provider.lookup("o-1")
    assert found is not None
    assert found.outcome is Outcome.PAID


async def _post(
    stripe: AtStripe, path: str, data: dict[str, str], *, key: str
) -> tuple[int, dict[str, dict[str, str]]]:
    base = stripe.base
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key}
    async with aiohttp.ClientSession() as session, session.post(base + path, data=data, headers=headers) as answer:
        return answer.status, await answer.json()


_CHARGE_IN_A_PROCESS = """
import asyncio, json
from tests.unit.orders.provider_suite import A_CHARGE, a_card
from tests.unit.orders.stripe_world import at_stripe

async def main():
    async with at_stripe() as stripe:
        charge = await stripe.provider.charge(A_CHARGE, card=a_card())
    print(json.dumps({"outcome": charge.outcome.value}))

asyncio.run(main())
"""
