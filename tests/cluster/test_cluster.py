"""`make cluster`: a replica set and a broker of three machines each, broken under load; nothing confirmed is lost.

`CLUSTER_ONLY` names steps (with commas between; without it all of them), `SEED` decides their order and the moments.
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import pytest

from deploy.cluster.cluster import Cluster, running, until
from deploy.local.layout import ROOT
from shared.logs import configure_logs
from tests.cluster.load import QUEUE, Load, under_load

BACK_WITHIN_S = 30
WHOLE_WITHIN_S = 120
OVER_WITHIN_S = 480
LOG = ROOT / ".local" / "log" / "cluster.log"
SEED = int(os.environ.get("SEED", "20261122"))
Mend = Callable[[], Awaitable[None]]


async def _kill_primary(cluster: Cluster) -> Mend:
    machine = await cluster.primary()
    machine.kill("mongod")

    async def mend() -> None:
        machine.start_mongod()

    return mend


async def _kill_leader(cluster: Cluster) -> Mend:
    machine = await cluster.leader(QUEUE)
    machine.kill("rabbitmq")

    async def mend() -> None:
        machine.start_rabbitmq()

    return mend


async def _cut_off_primary(cluster: Cluster) -> Mend:
    machine = await cluster.primary()
    machine.host.cut_off()

    async def mend() -> None:
        machine.host.connect()

    return mend


async def _lose_leader(cluster: Cluster) -> Mend:
    machine = await cluster.leader(QUEUE)
    machine.lose()
    return partial(cluster.replace, machine)


DAMAGES: dict[str, tuple[str, Callable[[Cluster], Awaitable[Mend]]]] = {
    "database": ("database's leader killed", _kill_primary),
    "queue": ("queue's leader killed", _kill_leader),
    "cut": ("machine of the database's leader cut off", _cut_off_primary),
    "lost": ("machine of the queue's leader lost for good, replaced by an empty one", _lose_leader),
}


@dataclass(frozen=True, slots=True)
class Step:
    """What was broken, after how long an order passed from its write to its record again, and all was whole."""

    name: str
    back_s: float
    whole_s: float
    confirmed: int

    def __str__(self) -> str:
        return f"  {self.name:<70} {self.back_s:>7.1f} {self.whole_s:>8.1f} {self.confirmed:>10,}"


HEAD = f"\n  {'broken':<70} {'back, s':>7} {'whole, s':>8} {'confirmed':>10}"


def steps(chance: random.Random) -> list[str]:
    """Which, in which order."""
    named = os.environ.get("CLUSTER_ONLY", "")
    wanted = [each.strip() for each in named.split(",")] if named else list(DAMAGES)
    chance.shuffle(wanted)
    return wanted


async def break_and_mend(cluster: Cluster, load: Load, step: str) -> Step:
    """One step, to its end: everybody is there again, has all, and could be lost."""
    name, damage = DAMAGES[step]
    before = len(load.confirmed)
    mend = await damage(cluster)
    moment = time.monotonic()
    back_s = await until(partial(load.flows, moment), what=name, patience_s=BACK_WITHIN_S * 3)
    assert back_s < BACK_WITHIN_S, (name, back_s)
    mended = time.monotonic()
    await mend()
    await until(cluster.is_whole, what=f"{name}: mended", patience_s=WHOLE_WITHIN_S)
    whole_s = time.monotonic() - mended
    await until(partial(load.flows, time.monotonic()), what=f"{name}: goes on", patience_s=BACK_WITHIN_S)
    return Step(name, back_s, whole_s, len(load.confirmed) - before)


# The driver leaves the socket of a connection that it was opening to a machine that is cut off.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_nothing_confirmed_is_lost_and_all_is_back_within_30_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with capsys.disabled(), LOG.open("w") as log:
        configure_logs("warning", service="rehearsal", stream=log)
        print(f"\n  seed {SEED}{HEAD}", flush=True)
        async with asyncio.timeout(OVER_WITHIN_S), running() as cluster:
            async with under_load(cluster) as load:
                for step in steps(chance):
                    await asyncio.sleep(chance.uniform(0, 2))  # the load at another point
                    print(await break_and_mend(cluster, load, step), flush=True)
            confirmed, kept = load.confirmed.keys(), load.kept
            print(f"\n  {len(confirmed):,} confirmed in {load.tries:,} tries, {len(kept):,} recorded", end="")
            print(f", {len(confirmed - kept)} lost")

    assert confirmed <= kept
