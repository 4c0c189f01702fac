"""How long each service takes from its start until /readyz says yes: `python -m bench.starts`, beside a running stack.

One more process of each service, with the settings of the stack and a port of its own, started again and again; the
first start of each, which fills the caches, does not count. Status 1 where a median is above `MOST_S`.
"""

import asyncio
import json
import os
import resource
import shlex
import statistics
import sys
import time
from collections.abc import Mapping

import aiohttp

from deploy.local.layout import ROOT, SERVICES, Layout

MOST_S = 1.5
ROUNDS = 5
PATIENCE_S = 60


async def start_once(service: str, environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds until it is ready, and seconds of CPU until it has ended."""
    spent = _children_s()
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", "serve", cwd=ROOT, env=environ,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{await _port(process)}/readyz"
            while not await _says_yes(session, url):
                await asyncio.sleep(0.01)
        ready_s = time.perf_counter() - began
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
    return ready_s, _children_s() - spent


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    async for line in process.stdout:
        said = json.loads(line)
        if said["event"] == "ready":
            return int(said["port"])
    raise RuntimeError("it ended before it was ready")


async def _says_yes(session: aiohttp.ClientSession, url: str) -> bool:
    async with session.get(url) as answer:
        return answer.status == 200


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def environ_of(service: str) -> dict[str, str]:
    """The settings that the stack has written down, with a port of its own."""
    words = shlex.split(Layout.of_checkout().env_file(service).read_text())
    settings = dict(word.split("=", 1) for word in words)
    return {"PATH": os.environ["PATH"]} | settings | {"PADLOCK_HTTP_PORT": "0"}


async def main() -> int:
    """Measure all four, print a table."""
    slow = False
    print(f"{'service':<10}{'ready, median':>15}{'best':>8}{'worst':>8}{'CPU':>8}")
    for service in SERVICES:
        environ = environ_of(service)
        await start_once(service, environ)
        found = [await start_once(service, environ) for _ in range(ROUNDS)]
        ready = [ready_s for ready_s, _ in found]
        median = statistics.median(ready)
        slow = slow or median > MOST_S
        cpu_s = statistics.median(cpu for _, cpu in found)
        print(f"{service:<10}{median:>13.2f} s{min(ready):>6.2f} s{max(ready):>6.2f} s{cpu_s:>6.2f} s")
    print(f"a median above {MOST_S} s is too slow")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
