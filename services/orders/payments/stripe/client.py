"""Stripe's library, opened so that it neither waits for ever, nor repeats a call by itself, nor prints what it sends.

Alone imports `stripe`. Its errors carry what was sent and answered, and their frames the card: none leaves this module,
neither as a cause nor as a context.
"""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog

from shared.errors import TransientError

API_VERSION = "2026-10-28.endive"
"""The version of the API that this code is written against; the account's own default does not matter."""
_EXPANDED: Mapping[str, Any] = {"expand": ["latest_charge"]}
log = structlog.get_logger(__name__)


class Declined(Exception):
    """The card was declined; `error` is Stripe's object of that name."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__("declined")
        self.error = error


class Refused(Exception):
    """Stripe will not do it, whatever is asked again; `code` is its stable word for the reason, or ""."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class StripeApi:
    """The calls of Stripe's API that we need; each answers with the object as a dictionary.

    Where the outcome of a call is not known, it raises `TransientError`. Those that change something raise `Refused`,
    and `confirm_intent` raises `Declined`, too.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    async def create_intent(self, params: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        """An intent that is not confirmed: nothing is charged by it."""
        return await _answer(self._client.v1.payment_intents.create_async(params, _with(key)))

    async def confirm_intent(self, intent_id: str, params: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        """Charge, or set aside."""
        return await _answer(self._client.v1.payment_intents.confirm_async(intent_id, params, _with(key)))

    async def capture_intent(self, intent_id: str) -> dict[str, Any]:
        """Take what was set aside. That happens once by itself; a key would only keep an early refusal alive."""
        return await _answer(self._client.v1.payment_intents.capture_async(intent_id, _EXPANDED))

    async def cancel_intent(self, intent_id: str) -> dict[str, Any]:
        """End an intent that has not succeeded."""
        return await _answer(self._client.v1.payment_intents.cancel_async(intent_id, _EXPANDED))

    async def retrieve_intent(self, intent_id: str) -> dict[str, Any]:
        """An intent as it is now, with its charge."""
        return await _read(self._client.v1.payment_intents.retrieve_async(intent_id, _EXPANDED))

    async def list_intents(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """One page of intents, newest first."""
        return await _read(self._client.v1.payment_intents.list_async(params))

    async def create_refund(self, params: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        """Pay back."""
        return await _answer(self._client.v1.refunds.create_async(params, _with(key)))

    async def list_refunds(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """One page of refunds, newest first."""
        return await _read(self._client.v1.refunds.list_async(params))


@asynccontextmanager
async def open_stripe(api_key: str, *, base: str, timeout_s: float) -> AsyncIterator[StripeApi]:
    """The API at `base`; each call ends within `timeout_s`."""
    os.environ.pop("STRIPE_LOG", None)  # read at import: it would print every parameter to standard error
    import stripe

    stripe.log = None
    stripe.enable_telemetry = False
    logging.getLogger("stripe").setLevel(logging.WARNING)
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield StripeApi(
            stripe.StripeClient(
                api_key,
                stripe_version=API_VERSION,
                base_addresses={"api": base},
                max_network_retries=0,  # what a lost call has done is found out by asking, never by doing it again
                http_client=stripe.AIOHTTPClient(timeout=timeout, session=session),
            )
        )


def _with(key: str) -> dict[str, Any]:
    return {"idempotency_key": key}


async def _answer(call: Awaitable[Any]) -> dict[str, Any]:
    from stripe import StripeError

    try:
        answer: dict[str, Any] = (await call).to_dict()
        return answer
    except (StripeError, aiohttp.ClientError, OSError) as error:
        failure = _translated(error)
    raise failure  # outside of the handler: it has no context that would hold the card


async def _read(call: Awaitable[Any]) -> dict[str, Any]:
    try:
        return await _answer(call)
    except (Declined, Refused) as refused:
        raise TransientError(f"stripe: cannot be read, {refused}") from None


def _translated(error: Exception) -> Exception:
    import stripe

    match error:
        case stripe.CardError():
            body: Any = error.json_body
            return Declined(body["error"])
        case stripe.IdempotencyError():
            return Refused("idempotency_key_reused")
        case stripe.InvalidRequestError():
            return Refused(str(error.code or ""))
        case stripe.AuthenticationError() | stripe.PermissionError():
            log.error("stripe refuses our key", reason=type(error).__name__)
    return TransientError(f"stripe: {type(error).__name__}")
