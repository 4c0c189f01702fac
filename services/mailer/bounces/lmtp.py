"""Intake by LMTP (RFC 2033): the shop's mail server hands over what comes to the return paths."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.mailer.bounces.mime import MOST_BYTES
from services.mailer.bounces.tags import REPORTS
from services.mailer.bounces.usecases import receive
from services.mailer.deps import Deps
from shared.errors import TransientError

_LATER = "451 4.3.0 Not now, please try again"
_TIMEOUT_S = 60
log = structlog.get_logger(__name__)


class Intake:
    """What aiosmtpd asks. One recipient a transaction: LMTP answers for each, and aiosmtpd for all at once."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only for what we made."""
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        local, _, domain = address.lower().rpartition("@")
        is_report = local in REPORTS and domain == self._deps.settings.bounce_domain
        if not is_report and self._deps.return_paths.read(address) is None:
            return "550 5.1.1 No such return path"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Taken when it is noted, and not before."""
        content = envelope.content
        assert isinstance(content, bytes)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await receive(
                    self._deps, recipient=envelope.rcpt_tos[0], sender=envelope.mail_from or "", message=content
                )
        except (TransientError, TimeoutError) as error:
            log.warning("returned mail put off", error=str(error))
            return _LATER
        return "250 2.0.0 Noted"

    async def handle_exception(self, error: Exception) -> str:
        """What nobody thought of: the mail comes again, and nothing of it is repeated in the reply."""
        log.error("returned mail could not be read", error=type(error).__name__)
        return _LATER


@asynccontextmanager
async def listening(deps: Deps, *, host: str, port: int) -> AsyncIterator[int]:
    """Listen while the block runs; gives the port."""
    logging.getLogger("mail.log").disabled = True  # it names sender and recipient of each transaction
    loop, intake = asyncio.get_running_loop(), Intake(deps)

    def connection() -> LMTP:
        return LMTP(
            intake, loop=loop, hostname=deps.settings.mail_host, data_size_limit=MOST_BYTES, timeout=_TIMEOUT_S,
            ident="Padlock",
        )  # fmt: skip

    server = await loop.create_server(connection, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
