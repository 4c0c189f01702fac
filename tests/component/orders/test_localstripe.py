"""A second opinion on Stripe's API: localstripe, which others wrote, running as a program of its own.

It knows no idempotency keys and no `amount_received`, pays back more than it took, and takes no card with the
confirmation: `Localised` says what is different. What is left to see is that states, fields and errors are what we take
them for.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import stripe

from services.orders.payments.provider import Outcome
from services.orders.payments.stripe.client import StripeApi
from services.orders.payments.stripe.provider import StripeProvider
from shared.testing.clock import FixedClock
from tests.unit.orders.provider_suite import A_CHARGE, PAYS, SET_ASIDE, a_card
from tests.unit.orders.stripe_world import MemoryBook

KEY = "sk_test_localstripe"
DECLINED_WHEN_CHARGED = "4000000000000341"
PATIENCE_S = 30


class Localised(StripeApi):
    """The same calls as localstripe takes them: the card comes as a payment method with the new intent."""

    def __init__(self, client: stripe.StripeClient) -> None:
        super().__init__(client)
        self.local = client
        self.card = PAYS

    async def create_intent(self, params: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        number: Any = {"number": self.card, "exp_month": 12, "exp_year": 2034, "cvc": "123"}
        method = await self.local.v1.payment_methods.create_async({"type": "card", "card": number})
        return await super().create_intent({**params, "payment_method": method.id}, key=key)

    async def confirm_intent(self, intent_id: str, params: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        return _with_amount(await super().confirm_intent(intent_id, {"expand": ["latest_charge"]}, key=key))

    async def capture_intent(self, intent_id: str) -> dict[str, Any]:
        return _with_amount(await super().capture_intent(intent_id))

    async def retrieve_intent(self, intent_id: str) -> dict[str, Any]:
        return _with_amount(await super().retrieve_intent(intent_id))


def _with_amount(intent: dict[str, Any]) -> dict[str, Any]:
    return {"amount_received": intent["amount"]} | intent


@pytest.fixture
async def api() -> AsyncIterator[Localised]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port), cwd="/tmp",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    try:
        await _is_up(base)
        async with aiohttp.ClientSession() as session:
            client = stripe.StripeClient(
                KEY, base_addresses={"api": base}, max_network_retries=0,
                http_client=stripe.AIOHTTPClient(timeout=5, session=session),
            )  # fmt: skip
            yield Localised(client)
    finally:
        process.terminate()
        await process.wait()


async def _is_up(base: str) -> None:
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(base + "/v1/payment_intents"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


@pytest.fixture
def provider(api: Localised) -> StripeProvider:
    return StripeProvider(api, MemoryBook(), clock=FixedClock())


async def test_charged_and_refunded_in_parts(provider: StripeProvider) -> None:
    charge = await provider.charge(A_CHARGE, card=a_card())
    await provider.refund("o-1", "r-1", amount_minor=5_000)
    await provider.refund("o-1", "r-1", amount_minor=5_000)

    found = await provider.lookup("o-1")

    assert (charge.outcome, charge.amount_minor, charge.currency) == (Outcome.PAID, 15_900, "JPY")
    assert found == replace(charge, refunded_minor=5_000)


async def test_declined(provider: StripeProvider, api: Localised) -> None:
    api.card = DECLINED_WHEN_CHARGED

    charge = await provider.charge(A_CHARGE, card=a_card())
    found = await provider.lookup("o-1")

    assert found is not None
    assert (charge.outcome, charge.reason) == (found.outcome, found.reason) == (Outcome.DECLINED, "card-declined")


async def test_set_aside_then_taken_or_given_up(provider: StripeProvider) -> None:
    for order_id in ("o-1", "o-2"):
        aside = await provider.charge(replace(SET_ASIDE, order_id=order_id), card=a_card())
        assert aside.outcome is Outcome.AUTHORISED

    assert (await provider.capture("o-1")).outcome is Outcome.PAID
    assert (await provider.void("o-2")).outcome is Outcome.VOIDED
