"""Gauges of what lies in mailer's database; `mailer send` ends too soon for anybody to ask it for counters."""

from prometheus_client import Gauge

from services.mailer.deps import Deps

CAPPED = Gauge("padlock_newsletters_capped", "Copies that ended campaigns withheld, the reader's month being full.")
WAITING = Gauge("padlock_notices_waiting", "Service mails that nobody is handing over just now.")
WAITING_AGE = Gauge("padlock_notices_age_seconds", "How long the oldest service mail has waited.")


async def count_mails(deps: Deps) -> None:
    """Set them."""
    CAPPED.set(await deps.campaigns.capped())
    waiting, since = await deps.notices.waiting()
    WAITING.set(waiting)
    WAITING_AGE.set(max(0.0, (deps.clock() - since).total_seconds()) if since else 0.0)
