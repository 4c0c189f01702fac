"""Intake from a mailbox: what was delivered there is noted first, and marked as seen only then."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import getaddresses

import structlog

from services.mailer.bounces.mailbox import Mailbox, MailboxAddress, opened
from services.mailer.bounces.mime import Fields, read_part
from services.mailer.bounces.tags import REPORTS
from services.mailer.bounces.usecases import receive
from services.mailer.deps import Deps
from shared.errors import TransientError

_NAMED_IN = ("delivered-to", "x-original-to", "envelope-to", "to")
"""Where a mail server writes down for whom a mail came."""
_MOST = 500
_TIMEOUT_S = 60
_NOT_NULL = "unknown"
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Collected:
    """Mails of one look: about copies of ours, about nothing of ours, and put off."""

    noted: int = 0
    others: int = 0
    put_off: int = 0


async def collect(deps: Deps, address: MailboxAddress, *, move_to: str = "") -> Collected:
    """Take in what nobody has seen yet, 500 mails at the most. Read twice, a mail is as if it were read once.

    Raises:
        MailboxAway: the mail server is; what was noted stays noted.
    """
    collected = Collected()
    way = opened(address)
    mailbox = await asyncio.to_thread(way.__enter__)
    try:
        for uid in (await asyncio.to_thread(mailbox.unread))[:_MOST]:
            await _take(deps, mailbox, uid, collected, move_to=move_to)
    finally:
        await asyncio.to_thread(way.__exit__, None, None, None)
    return collected


async def _take(deps: Deps, mailbox: Mailbox, uid: str, collected: Collected, *, move_to: str) -> None:
    message = await asyncio.to_thread(mailbox.read, uid)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            is_ours = await _noted(deps, message)
    except (TransientError, TimeoutError) as error:
        log.warning("returned mail put off", error=str(error))
        collected.put_off += 1
        return
    await asyncio.to_thread(mailbox.done, uid, move_to=move_to)
    collected.noted += is_ours
    collected.others += not is_ours


async def _noted(deps: Deps, message: bytes) -> bool:
    fields = read_part(message).fields
    recipient = next(_recipients(deps, fields), None)
    if recipient is None:
        return False
    return await receive(deps, recipient=recipient, sender=fields.get("return-path", _NOT_NULL), message=message)


def _recipients(deps: Deps, fields: Fields) -> Iterator[str]:
    """For whom of ours it came: a return path, or an address for complaints."""
    for name in _NAMED_IN:
        for _, address in getaddresses([fields.get(name, "")]):
            local, _, domain = address.lower().rpartition("@")
            is_for_reports = local in REPORTS and domain == deps.settings.bounce_domain
            if is_for_reports or deps.return_paths.read(address) is not None:
                yield address
