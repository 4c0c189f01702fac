"""The last step before the relay: every mail, of whichever kind, leaves with the shop's signatures."""

import asyncio

from services.mailer.message.dkim import Signer
from services.mailer.smtp.pool import BeforeDot, Delivery, MailRelay
from services.mailer.smtp.session import Envelope
from shared.clock import Clock


class SignedRelay:
    """A `MailRelay` that signs what it is given and hands it on."""

    def __init__(self, relay: MailRelay, signer: Signer, clock: Clock) -> None:
        self._relay = relay
        self._signer = signer
        self._clock = clock

    async def deliver(self, envelope: Envelope, message: bytes, *, before_dot: BeforeDot) -> Delivery:
        """See `MailRelay`."""
        at = self._clock()
        if self._signer.is_slow:
            signed = await asyncio.to_thread(self._signer.sign, message, at=at)
        else:
            signed = self._signer.sign(message, at=at)
        return await self._relay.deliver(envelope, signed, before_dot=before_dot)
