"""More processes of the services beside those of the running stack, and the gateway that spreads requests over them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from deploy.local.ports import HOST, choose_ports
from deploy.outside.shop import Shop
from proof.beside import BASE, ROOT, gateway_with, settings_of

READY_WITHIN_S = 60
STOP_WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class Member:
    """One process: of which service, where its probes answer, and where it logs."""

    service: str
    port: int
    process: asyncio.subprocess.Process
    log: Path

    async def stop(self) -> int:
        """Ask it to stop, as a platform does; its exit status once it has."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_WITHIN_S):
            return await self.process.wait()


@dataclass
class Fleet:
    """Processes by slot: a slot is a port that the gateway knows, whether or not somebody listens there."""

    slots: Mapping[str, Sequence[int]]
    members: list[Member] = field(default_factory=list)

    async def start(self, service: str, *words: str, port: int = 0, root: Path = ROOT) -> Member:
        """Start a command of the service that is in the checkout `root`, and wait until it is ready."""
        [port] = [port] if port else choose_ports(BASE / "audit" / "fleet.json", names=("one",), preferred={}).values()
        log = BASE / "audit" / f"fleet-{service}-{port}.log"
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", f"services.{service}", *words,
                cwd=root, env=_environ(service, port), stdout=file, stderr=file,
            )  # fmt: skip
        self.members.append(Member(service, port, process, log))
        await _ready(self.members[-1])
        return self.members[-1]

    async def run(self, service: str, *words: str, root: Path = ROOT) -> tuple[int, str]:
        """A command that ends; its status and what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"services.{service}", *words,
            cwd=root, env=_environ(service, 0), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(READY_WITHIN_S):
            out, _ = await process.communicate()
        return int(process.returncode or 0), out.decode()

    async def end(self) -> None:
        """Whatever still runs."""
        for member in self.members:
            if member.process.returncode is None:
                member.process.kill()
            await member.process.wait()


@asynccontextmanager
async def fleet(shop: Shop, slots: Mapping[str, int]) -> AsyncIterator[Fleet]:
    """So many slots of each service beside the stack's own process; the gateway is as before at the end."""
    (BASE / "audit").mkdir(exist_ok=True)
    names = tuple(f"{service}-{number}" for service, count in slots.items() for number in range(count))
    ports = choose_ports(BASE / "audit" / "slots.json", names=names, preferred={})
    of = {service: [ports[f"{service}-{number}"] for number in range(count)] for service, count in slots.items()}
    data = shop.stack.read()
    changes = {}
    for service in slots:
        own = f"server {data['services'][service]['url'].removeprefix('http://')} max_fails=0;"
        changes[own] = " ".join([own, *(f"server {HOST}:{port} max_fails=0;" for port in of[service])])
    running = Fleet(of)
    with gateway_with(data, changes):
        try:
            yield running
        finally:
            await running.end()


def _environ(service: str, port: int) -> dict[str, str]:
    own = {"PADLOCK_HTTP_PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    return settings_of(service) | own | {"HOME": str(BASE), "TZ": "UTC", "LANG": "C.UTF-8"}


async def _ready(member: Member) -> None:
    async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession() as session:
        while True:
            assert member.process.returncode is None, member.log.read_text()[-2000:]
            try:
                async with session.get(f"http://{HOST}:{member.port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
