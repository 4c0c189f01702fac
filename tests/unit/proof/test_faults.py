"""Schedules of faults: equal for equal seeds; and what a fault does to a process."""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from proof.faults.__main__ import as_text
from proof.faults.kinds import happening
from proof.faults.schedule import LEASE_S, SERVICES, VICTIMS, Fault, schedule
from tests.faults.ledgers import shown
from tests.faults.told import tell

ALL = tuple(VICTIMS)


def test_equal_seeds_make_equal_schedules() -> None:
    first, again, other = (schedule(ALL, seed=seed, purchases=500, faults=40) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_faults_come_one_after_the_other_and_hit_who_can_be_hit() -> None:
    made = schedule(ALL, seed=7, purchases=500, faults=40)

    assert [each.before for each in made] == sorted({each.before for each in made})
    assert all(each.victim in VICTIMS[each.kind] for each in made)
    assert {each.kind for each in made} == set(ALL)


def test_one_pause_outlasts_a_lease_of_a_service_that_holds_some() -> None:
    for seed in range(20):
        long = [each for each in schedule(("pause",), seed=seed, purchases=50, faults=4) if each.lasts_s > LEASE_S]

        assert [each.victim in SERVICES[:3] for each in long] == [True]


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_a_pause_stops_a_process_and_lets_it_go_on() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    data = {"services": {"orders": {"pids": [process.pid]}}, "parts": {}}
    try:
        async with happening(Fault(1, "pause", "orders", 1), lambda: data, random.Random(1)):
            await _until(lambda: _state(process.pid) == "T")
        await _until(lambda: _state(process.pid) != "T")
    finally:
        process.kill()
        process.wait()


async def test_on_a_full_disk_a_process_writes_nothing_more(tmp_path: Path) -> None:
    file = tmp_path / "data"
    code = f"f = open({str(file)!r}, 'wb', 0)\nf.write(b'1')\nprint('ready', flush=True)\ninput()\nf.write(b'2' * 9)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    data = {"services": {}, "parts": {"mongod": {"pids": [process.pid]}}}

    async with happening(Fault(1, "full", "mongod", 1), lambda: data, random.Random(1)):
        process.communicate(b"\n", timeout=20)

    assert process.returncode != 0
    assert file.read_bytes() == b"1"


def test_two_ledgers_that_differ_are_shown_where_they_do() -> None:
    assert shown(Counter(a=1, b=1), Counter(a=1, b=2, c=1), "charges") == (
        "  b: bought 1, charges 2\n  c: bought 0, charges 1"
    )


async def _until(is_so: Callable[[], bool], patience_s: float = 20) -> None:
    ends = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)


def test_what_a_schedule_went_through_is_a_line_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "faults.jsonl"

    tell("purchases, pause", cases=48, faults=4, begun=time.monotonic(), path=path)

    [row] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert as_text([row]).splitlines() == [
        "schedule          cases  faults  violations  time",
        "purchases, pause     48       4           0   0 s",
    ]
