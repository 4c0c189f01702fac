"""What each kind of fault does to a running stack, and how it ends."""

import asyncio
import os
import random
import resource
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from proof.beside import gateway_with, process_beside, settings_of
from proof.canaries.places import descendants
from proof.cuts.proxy import NEVER, Proxy, running
from proof.cuts.reading import Plain
from proof.faults.schedule import Fault

SLOW_S = (0.01, 0.08)
"""How long each piece of what travels waits."""
NO_ROOM, ROOM = "100000GB", "200MB"
_PATIENCE_S = 60
Reading = Callable[[], Mapping[str, Any]]


@asynccontextmanager
async def happening(fault: Fault, read: Reading, dice: random.Random) -> AsyncIterator[None]:
    """The fault, as long as the block runs. `read` gives stack.json anew."""
    match fault.kind:
        case "pause":
            with _paused(pids_of(read(), fault.victim)):
                yield
        case "full" if fault.victim == "rabbitmq":
            await _limit_disk(read(), NO_ROOM)
            try:
                yield
            finally:
                await _limit_disk(read(), ROOM)
        case "full":
            for pid in pids_of(read(), fault.victim):
                _forbid_growth(pid)
            yield
        case "clock":
            with process_beside(fault.victim, "serve", "--work", environ=_wrong(fault.amount)):
                yield
        case "slow":
            with _slow(read(), fault.victim, dice):
                yield
        case _:
            raise ValueError(fault.kind)


def pids_of(data: Mapping[str, Any], name: str) -> list[int]:
    """Every process of a part or a service, with their children."""
    row = data["services"][name] if name in data["services"] else data["parts"][name]
    return descendants(row["pids"])


@contextmanager
def _paused(pids: list[int]) -> Iterator[None]:
    """As when a machine is frozen: nothing of it runs, its connections stay open."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _forbid_growth(pid: int) -> None:
    """No file of the process can be written to any more: as on a full disk it fails, and dies of it.

    Whoever starts it again has room: a limit is of one process.
    """
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, 1))


async def _limit_disk(data: Mapping[str, Any], limit: str) -> None:
    """The broker believes that its disk is full (it blocks whoever publishes), or that it is not.

    Raises:
        TimeoutError: it could not be told.
    """
    async with asyncio.timeout(_PATIENCE_S):
        while not await _told(data, "set_disk_free_limit", limit):
            await asyncio.sleep(0.2)


async def _told(data: Mapping[str, Any], *words: str) -> bool:
    environ = _environ(pids_of(data, "rabbitmq"))
    control = shutil.which("rabbitmqctl", path="/usr/lib/rabbitmq/bin:/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
    if not environ or control is None:
        return False
    process = await asyncio.create_subprocess_exec(
        control, "-n", environ["RABBITMQ_NODENAME"], *words, env=environ,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _environ(pids: list[int]) -> dict[str, str]:
    """The broker's own, so that its control program finds node, cookie and port mapper."""
    for pid in pids:
        with suppress(OSError):
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            found = dict(word.decode().split("=", 1) for word in words if b"=" in word)
            if "RABBITMQ_NODENAME" in found:
                return found | {"PATH": os.environ["PATH"]}
    return {}


def _wrong(offset_s: float) -> dict[str, str]:
    return {"PADLOCK_CLOCK_OFFSET_S": str(offset_s)}


@contextmanager
def _slow(data: Mapping[str, Any], service: str, dice: random.Random) -> Iterator[None]:
    """A second process of the service, far from broker and database; the gateway asks that one alone."""
    with ExitStack() as undone:
        environ = {}
        for setting in ("PADLOCK_AMQP_URL", "PADLOCK_MONGO_URL"):
            address = urlsplit(settings_of(service)[setting])
            upstream = (address.hostname or "", address.port or 0)
            proxy = undone.enter_context(running(Proxy(upstream, Plain, NEVER, dice, delay_s=SLOW_S)))
            changed = address._replace(netloc=f"{address.netloc.rpartition(':')[0]}:{proxy.port}")
            if setting == "PADLOCK_MONGO_URL":  # the driver must not find the way around
                changed = changed._replace(query="directConnection=true&authSource=admin")
            environ[setting] = changed.geturl()
        _, url = undone.enter_context(process_beside(service, "serve", "--work", environ=environ))
        own = urlsplit(data["services"][service]["url"]).netloc
        undone.enter_context(gateway_with(data, {f"server {own} ": f"server {urlsplit(url).netloc} "}))
        yield
