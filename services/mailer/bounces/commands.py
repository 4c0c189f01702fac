"""`lmtp` and `bounces`: take in what comes back, until a signal."""

import argparse
import asyncio
import sys

import structlog

from services.mailer.deps import Deps
from shared.service import Command

log = structlog.get_logger(__name__)


async def serve_lmtp(deps: Deps, _arguments: argparse.Namespace) -> int:
    """Until a signal; what is on its way then comes again."""
    from services.mailer.bounces.lmtp import listening

    settings = deps.settings
    if not settings.bounce_domain:
        sys.stderr.write("PADLOCK_BOUNCE_DOMAIN is empty: nothing comes back here\n")
        return 1
    async with listening(deps, host=settings.lmtp_host, port=settings.lmtp_port) as port:
        log.info("listening", port=port)
        await asyncio.Event().wait()
    return 0


def _add_bounces(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--imap", action="store_true", required=True, help="from the mailbox of PADLOCK_IMAP_URL")
    parser.add_argument("--once", action="store_true", help="one look, then exit")


async def collect_bounces(deps: Deps, arguments: argparse.Namespace) -> int:
    """Look into the mailbox again and again until a signal, or once."""
    from services.mailer.bounces.intake import collect
    from services.mailer.bounces.mailbox import MailboxAway

    settings = deps.settings
    if not settings.bounce_domain or settings.imap is None:
        sys.stderr.write("PADLOCK_BOUNCE_DOMAIN or PADLOCK_IMAP_URL is empty: nothing comes back here\n")
        return 1
    while True:
        try:
            found = await collect(deps, settings.imap, move_to=settings.imap_move_to)
        except MailboxAway as error:
            if arguments.once:
                raise
            log.warning("mailbox not read", error=str(error))
        else:
            if arguments.once:
                sys.stdout.write(
                    f"{found.noted} noted, {found.others} about nothing of ours, {found.put_off} put off\n"
                )
                return 0
        await asyncio.sleep(settings.imap_every_s)


LMTP = Command("lmtp", "take in bounces and complaints by LMTP, until a signal", run=serve_lmtp)
BOUNCES = Command(
    "bounces",
    "take in bounces and complaints from a mailbox, until a signal",
    add_arguments=_add_bounces,
    run=collect_bounces,
)
