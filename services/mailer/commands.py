"""Mailer's own commands: send, schedule, recover, rehearse, import, dkim, lmtp, bounces and disclosure."""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

import structlog

from services.mailer import recovery
from services.mailer.bounces.commands import BOUNCES, LMTP
from services.mailer.deps import Deps
from services.mailer.disclosure.commands import DISCLOSURE
from services.mailer.sending.progress import Progress
from services.mailer.sending.rehearsal import rehearse
from services.mailer.sending.usecases import send_due
from services.mailer.subscriptions.importcommand import add_import_arguments, import_subscribers
from shared.clock import Clock, system_clock
from shared.errors import TransientError
from shared.lifecycle import end_task
from shared.service import Command

_LEASE = "mailer.schedule"
_LONGEST_NAP_S = 30.0

log = structlog.get_logger(__name__)


async def send(deps: Deps, _arguments: argparse.Namespace) -> int:
    """One scheduled run: everything due, then exit. A signal ends it in good order."""
    stop = asyncio.Event()
    progress = Progress()
    showing = asyncio.create_task(progress.show(sys.stdout))
    sending = asyncio.create_task(send_due(deps.sending, stop=stop, progress=progress))
    try:
        await asyncio.shield(sending)
    except asyncio.CancelledError:
        stop.set()
        await sending
        raise
    finally:
        await end_task(showing)
        progress.summarise(sys.stdout)
    return 0


async def schedule(deps: Deps, _arguments: argparse.Namespace) -> int:
    """`send` by cron expression until a signal; of several schedulers one sends at a time."""
    from cronsim import CronSim

    zone = deps.settings.calendar.zone
    while True:
        upcoming = next(CronSim(deps.settings.send_cron, deps.clock().astimezone(zone)))
        while (wait_s := (upcoming - deps.clock()).total_seconds()) > 0:  # noqa: ASYNC110 - clocks are set now and then
            await asyncio.sleep(min(wait_s, _LONGEST_NAP_S))
        try:
            async with deps.leases.hold(_LEASE) as fence:
                if fence is not None:
                    await send(deps, _arguments)
        except TransientError as error:
            log.warning("scheduled run postponed", error=str(error))


def _add_rehearse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", required=True, type=_moment, help="the time, the shop's where no zone is given")
    parser.add_argument("--subscribers", type=_count, default=12)
    parser.add_argument("--issues", type=_count, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day or a time, such as 2027-02-10T10:00") from None


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("must be 1 to 1000")
    return number


async def rehearse_month(deps: Deps, arguments: argparse.Namespace) -> int:
    """Play another month to invented subscribers, with the real relay."""
    calendar = deps.settings.calendar
    at: datetime = arguments.at if arguments.at.tzinfo else arguments.at.replace(tzinfo=calendar.zone)
    async with deps.open_stage(_clock_from(at)) as stage:
        accepted = await rehearse(stage, subscribers=arguments.subscribers, issues=arguments.issues)
    month = calendar.month_of(at)
    allowed = min(calendar.place_at(at).caps.values())
    if arguments.json:
        sys.stdout.write(json.dumps({"month": month, "allowed": allowed, "accepted": accepted}) + "\n")
        return 0
    sys.stdout.write(f"{month} allows {allowed}; {arguments.issues} issues were sent\n")
    for address, count in accepted.items():
        sys.stdout.write(f"{address}  {count}\n")
    return 0


async def show_dkim(deps: Deps, _arguments: argparse.Namespace) -> int:
    """The TXT records under which receivers find the public halves of the keys that mails are signed with."""
    for key in deps.settings.dkim_keys:
        name, text = key.record
        chunks = " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
        sys.stdout.write(f"{name}. IN TXT {chunks}\n")
    if not deps.settings.dkim_keys:
        sys.stderr.write("mails are not signed: PADLOCK_DKIM_RSA_KEY and PADLOCK_DKIM_ED25519_KEY are empty\n")
        return 1
    return 0


def _clock_from(at: datetime) -> Clock:
    """A clock that stands at `at` now, and runs."""
    offset: timedelta = at.astimezone(UTC) - system_clock()
    return lambda: system_clock() + offset


COMMANDS = (
    Command("send", "send the newsletters that are due, then exit", run=send),
    Command("schedule", "send by the cron expression of the settings, until a signal", run=schedule),
    recovery.COMMAND,
    Command("rehearse", "play another month to invented subscribers", add_arguments=_add_rehearse, run=rehearse_month),
    Command(
        "import",
        "take in a CSV file of subscribers, and report row by row",
        add_arguments=add_import_arguments,
        run=import_subscribers,
    ),
    Command("dkim", "print the DNS records of the keys that mails are signed with", run=show_dkim),
    LMTP,
    BOUNCES,
    DISCLOSURE,
)
