"""Limits hold across processes, each of which has stores of its own on one database."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from services.auth.refusals import TooManyTries
from services.auth.service import ensure_indexes
from services.auth.throttle.guard import Guard
from services.auth.throttle.mongo import TRIES, MongoTries
from services.auth.throttle.store import Limit
from shared.mongo import Database
from shared.personal import BlindIndex
from shared.testing.clock import FixedClock
from shared.testing.keys import MemoryKeys

LIMIT = Limit("login", most=10, within=timedelta(minutes=15))
KEYS = MemoryKeys(["index"])


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def guards(database: Database, clock: FixedClock) -> list[Guard]:
    """Those of two processes."""
    await ensure_indexes(database)
    return [_guard(database, clock), _guard(database, clock)]


def _guard(database: Database, clock: FixedClock) -> Guard:
    return Guard(MongoTries(database), clock, index=BlindIndex(KEYS.get("index", 1)), per_network=300)


async def _is_admitted(guard: Guard, subject: str, network: str) -> bool:
    try:
        await guard.admit(LIMIT, subject, network=network)
    except TooManyTries:
        return False
    return True


async def test_of_fifty_tries_at_once_at_two_processes_exactly_ten_are_let_through(guards: list[Guard]) -> None:
    tries = [_is_admitted(guards[each % 2], "victim", "203.0.113.0/24") for each in range(50)]

    assert Counter(await asyncio.gather(*tries)) == {True: 10, False: 40}


async def test_of_two_thousand_guesses_from_two_hundred_networks_ten_are_let_through(guards: list[Guard]) -> None:
    admitted = 0
    for guess in range(10):  # from every network at once, ten times
        tries = [_is_admitted(guards[(guess + n) % 2], "victim", f"10.{n}.0.0/24") for n in range(200)]
        admitted += (await asyncio.gather(*tries)).count(True)

    assert admitted == 10


async def test_what_an_account_refuses_does_not_count_for_the_network(guards: list[Guard]) -> None:
    network = "203.0.113.0/24"
    for _ in range(7):
        await asyncio.gather(*(_is_admitted(guards[0], "victim", network) for _ in range(50)))

    others = [await _is_admitted(guards[1], f"other-{each}", network) for each in range(291)]

    assert others == [True] * 290 + [False]


async def test_a_network_is_counted_at_all_processes_together_and_stored_only_keyed(
    guards: list[Guard], database: Database
) -> None:
    tries = [_is_admitted(guards[each % 2], f"a-{each}", "203.0.113.0/24") for each in range(320)]

    assert (await asyncio.gather(*tries)).count(True) == 300
    stored = await database["tries"].find({}).to_list(None)
    assert "203.0.113" not in repr(stored)


async def test_waits_grow_and_hold_after_a_restart(database: Database, clock: FixedClock) -> None:
    await ensure_indexes(database)
    waits = []
    for _ in range(3):
        guard = _guard(database, clock)  # a new process each time
        for _ in range(10):
            await guard.admit(LIMIT, "victim")
        with pytest.raises(TooManyTries) as refused:
            await guard.admit(LIMIT, "victim")
        assert refused.value.retry_after_s is not None
        waits.append(refused.value.retry_after_s)
        clock.advance(seconds=refused.value.retry_after_s)

    assert waits == [901, 1801, 3601]


async def test_a_first_try_is_kept_as_any_other_also_of_whoever_got_in_before(
    database: Database, clock: FixedClock
) -> None:
    await ensure_indexes(database)
    tries = MongoTries(database)
    await tries.take(LIMIT, "comes-back", at=clock())
    await tries.forget(LIMIT, "comes-back")
    clock.advance(seconds=25 * 3600)

    for each in ("is-new", "comes-back"):
        await tries.take(LIMIT, each, at=clock())
    for _ in range(2):
        await tries.take(LIMIT, "tries-on", at=clock())

    kept = {each.pop("_id"): each async for each in database[TRIES].find({})}
    once = {"at": [clock()], "fills": 0, "until": None, "expires_at": clock() + timedelta(hours=24)}
    assert kept == {
        "login:is-new": once,
        "login:comes-back": once,
        "login:tries-on": once | {"at": [clock(), clock()]},
    }


async def test_a_first_try_costs_the_same_writes_as_one_of_an_address_that_was_tried_before(
    database: Database, clock: FixedClock
) -> None:
    """Else answers tell by their time which addresses are being tried."""
    await ensure_indexes(database)
    tries = MongoTries(database)
    costs = []
    await database.command("profile", 2)
    try:
        for _ in range(3):
            before = await _profiled(database)
            await tries.take(LIMIT, "victim", at=clock())
            costs.append(await _profiled(database) - before)
    finally:
        await database.command("profile", 0)

    assert costs == [Counter(update=1)] * 3


async def _profiled(database: Database) -> Counter[str]:
    """What has been done to the tries since the profiler was started."""
    ops = database["system.profile"].find({"ns": f"{database.name}.{TRIES}"})
    return Counter([each["op"] async for each in ops])


async def test_one_write_forgets_all_who_get_in_together_and_nobody_else(database: Database, clock: FixedClock) -> None:
    await ensure_indexes(database)
    tries = MongoTries(database)
    closing = Limit("login", most=2, within=timedelta(minutes=15))
    names = ("ann", "ben", "eve")
    for each in names * 2:
        await tries.take(closing, each, at=clock())

    await asyncio.gather(tries.forget(closing, "ann"), tries.forget(closing, "ben"))

    waits = [await tries.wait(closing, each, at=clock()) for each in names]
    assert waits == [None, None, timedelta(minutes=15)]
