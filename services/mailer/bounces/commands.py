"""`lmtp`: take in what comes back, until a signal."""

import argparse
import asyncio
import sys

import structlog

from services.mailer.deps import Deps
from shared.cli import Command

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


LMTP = Command("lmtp", "take in bounces and complaints by LMTP, until a signal", run=serve_lmtp)
