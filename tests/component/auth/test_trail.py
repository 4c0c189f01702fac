"""The audit trail on a real database: whole when it is left alone, and no change of it goes unseen."""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aio_pika
import pytest
from bson.datetime_ms import DatetimeMS

from services.auth.config import Settings
from services.auth.deps import Deps
from services.auth.service import SERVICE, ensure_indexes
from services.auth.trail.commands import TRAIL
from services.auth.trail.domain import Note, reason_place
from services.auth.trail.mongo import MongoTrail
from services.auth.trail.verify import MongoAudit
from services.auth.work import ACCESSES
from shared import keycommands
from shared.bus import Outgoing
from shared.contracts.orders import AccessRecorded
from shared.contracts.persons import AccessReason
from shared.events import Event, encode
from shared.keys import FileKeys
from shared.mongo import Database
from shared.testing.clock import NOON, FixedClock
from shared.testing.keys import MemoryKeys
from shared.topology import EXCHANGE
from tests.component.auth.conftest import Auth, running_auth
from tests.unit.auth.stores_suite import a_note

Damage = Callable[[Database], Awaitable[Any]]


class Process:
    """One process of auth, as far as the trail goes."""

    def __init__(self, database: Database, keys: MemoryKeys, clock: FixedClock) -> None:
        self.trail = MongoTrail(database, keys, clock)
        self.audit = MongoAudit(database, keys, clock)

    async def faults(self, expected: str = "") -> list[str]:
        return [str(fault) for fault in (await self.audit.verify(expected=expected)).faults]


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys(["trail"])


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def process(database: Database, keys: MemoryKeys, clock: FixedClock) -> Process:
    await ensure_indexes(database)
    return Process(database, keys, clock)


async def _filled(process: Process) -> None:
    for minute in range(5):
        for account in ("a-1", "a-2"):
            await process.trail.append(account, a_note(minute=minute, device=f"d-{minute}"))


async def test_what_nobody_has_touched_is_whole(process: Process) -> None:
    await _filled(process)
    await process.audit.anchor()
    await process.trail.append("a-1", a_note("logged-out"), key="once")

    report = await process.audit.verify()

    assert (report.faults, report.entries, report.chains, report.anchors) == ([], 11, 2, 1)


async def test_an_empty_trail_is_whole(process: Process) -> None:
    assert await process.audit.anchor() == []
    assert await process.faults() == []


async def _alter(database: Database) -> None:
    await database["trail"].update_one({"_id": "a-1:3"}, {"$set": {"details.device": "another"}})


async def _alter_a_time(database: Database) -> None:
    entry = await database["trail"].find_one({"_id": "a-1:2"})
    assert entry is not None
    await database["trail"].update_one({"_id": "a-1:3"}, {"$set": {"at": entry["at"]}})


async def _remove_from_the_middle(database: Database) -> None:
    await database["trail"].delete_one({"_id": "a-1:3"})


async def _remove_the_first(database: Database) -> None:
    await database["trail"].delete_one({"_id": "a-1:1"})


async def _cut_the_tail(database: Database) -> None:
    await database["trail"].delete_many({"_id": {"$in": ["a-1:4", "a-1:5"]}})


async def _remove_the_chain(database: Database) -> None:
    await database["trail"].delete_many({"account_id": "a-1"})


async def _swap(database: Database) -> None:
    trail = database["trail"]
    two, three = await trail.find_one({"_id": "a-1:2"}), await trail.find_one({"_id": "a-1:3"})
    assert two is not None
    assert three is not None
    await trail.delete_many({"_id": {"$in": ["a-1:2", "a-1:3"]}})
    await trail.insert_many([two | {"_id": "a-1:3", "number": 3}, three | {"_id": "a-1:2", "number": 2}])


async def _move_to_another(database: Database) -> None:
    entry = await database["trail"].find_one({"_id": "a-2:5"})
    assert entry is not None
    await database["trail"].insert_one(entry | {"_id": "a-1:6", "account_id": "a-1", "number": 6})


async def _close_the_gap(database: Database) -> None:
    """Remove an entry and number those behind it anew."""
    trail = database["trail"]
    await trail.delete_one({"_id": "a-1:3"})
    for number in (4, 5):
        entry = await trail.find_one({"_id": f"a-1:{number}"})
        assert entry is not None
        await trail.delete_one({"_id": f"a-1:{number}"})
        await trail.insert_one(entry | {"_id": f"a-1:{number - 1}", "number": number - 1})


async def _slip_one_in(database: Database) -> None:
    await database["trail"].insert_one({"_id": "anything", "account_id": "a-1", "what": "logged-in"})


@pytest.mark.parametrize(
    "damage",
    [_alter, _alter_a_time, _remove_from_the_middle, _remove_the_first, _cut_the_tail, _remove_the_chain, _swap,
     _move_to_another, _close_the_gap, _slip_one_in],
)  # fmt: skip
async def test_damage_shows_with_the_account_that_it_is_about(
    process: Process, database: Database, damage: Damage
) -> None:
    await _filled(process)
    await process.audit.anchor()
    assert await process.faults() == []

    await damage(database)

    faults = await process.faults()
    assert faults
    assert all("a-1" in fault for fault in faults), faults


async def test_of_an_altered_entry_one_fault_is_told(process: Process, database: Database) -> None:
    await _filled(process)

    await _alter(database)

    assert await process.faults() == ["account a-1: entry 3 was altered or is out of its place"]


async def test_a_forger_without_the_key_cannot_write_a_chain_that_fits(
    process: Process, database: Database, clock: FixedClock
) -> None:
    await _filled(process)

    forger = Process(database, MemoryKeys(["trail"]), clock)
    await forger.trail.append("a-1", a_note("password-changed"))

    assert await process.faults() == ["account a-1: entry 6 was altered or is out of its place"]


async def _alter_an_anchor(database: Database) -> None:
    await database["trail_anchors"].update_one({"_id": 1}, {"$pop": {"heads": 1}})


async def _remove_an_anchor(database: Database) -> None:
    await database["trail_anchors"].delete_one({"_id": 1})


@pytest.mark.parametrize("damage", [_alter_an_anchor, _remove_an_anchor])
async def test_damage_of_the_anchors_shows(process: Process, database: Database, damage: Damage) -> None:
    await _filled(process)
    await process.audit.anchor()
    await process.trail.append("a-1", a_note("logged-out"))
    await process.audit.anchor()

    await damage(database)

    assert any("anchor" in fault for fault in await process.faults())


async def test_the_hash_in_the_log_shows_that_the_last_anchor_was_removed(process: Process, database: Database) -> None:
    await _filled(process)
    [logged] = await process.audit.anchor()
    assert await process.faults(logged.hex()) == []

    await database["trail_anchors"].delete_many({})

    assert await process.faults(logged.hex()) == [f"there is no anchor with the hash {logged.hex()}"]


async def test_an_anchor_has_only_what_has_grown(process: Process, database: Database, clock: FixedClock) -> None:
    await _filled(process)
    await process.audit.anchor()
    clock.advance(seconds=3600)
    await process.trail.append("a-2", a_note("logged-out"))

    made = [len(await process.audit.anchor()) for _ in range(2)]

    anchors = await database["trail_anchors"].find({}).sort("_id", 1).to_list(None)
    assert made == [1, 0]
    assert [[head[:2] for head in each["heads"]] for each in anchors] == [[["a-1", 5], ["a-2", 5]], [["a-2", 6]]]


async def test_an_entry_that_is_late_is_still_anchored(
    process: Process, database: Database, keys: MemoryKeys, clock: FixedClock
) -> None:
    """A process whose clock is behind has written while the anchor was made."""
    await _filled(process)
    await process.audit.anchor()
    behind = FixedClock()
    behind.advance(seconds=-600)

    await Process(database, keys, behind).trail.append("a-3", a_note())

    assert len(await process.audit.anchor()) == 1
    await database["trail"].delete_one({"account_id": "a-3"})
    assert await process.faults() == ["account a-3: entry 1, which anchor 2 saw, is gone"]


async def test_processes_that_append_and_anchor_at_once_leave_whole_chains(
    database: Database, keys: MemoryKeys, clock: FixedClock
) -> None:
    await ensure_indexes(database)
    processes = [Process(database, keys, clock) for _ in range(4)]

    async def work(process: Process) -> None:
        for _ in range(15):
            await process.trail.append("a-1", a_note())
            await process.audit.anchor()

    await asyncio.gather(*(work(process) for process in processes))

    report = await processes[0].audit.verify()
    assert (report.faults, report.entries, report.chains) == ([], 60, 1)


async def test_old_entries_stay_whole_when_the_key_is_rotated(process: Process, keys: MemoryKeys) -> None:
    await _filled(process)
    await process.audit.anchor()
    keys.rotate("trail")
    await _filled(process)
    await process.audit.anchor()
    assert await process.faults() == []

    keys.forget("trail", 1)

    report = await process.audit.verify()
    assert report.unproven == {1: 11}  # five old entries in each of two chains, and an anchor
    assert (report.faults, report.is_whole) == ([], False)


async def test_what_names_a_key_that_never_was_is_altered(process: Process, database: Database) -> None:
    await _filled(process)
    await database["trail"].update_one({"_id": "a-1:3"}, {"$set": {"key_version": 9}})

    assert await process.faults() == ["account a-1: entry 3 was altered or is out of its place"]


async def _run(auth: Auth, *words: str) -> int:
    return await _run_with(auth.deps, *words)


async def _run_with(deps: Deps, *words: str) -> int:
    parser = argparse.ArgumentParser()
    TRAIL.add_arguments(parser)
    return await TRAIL.run(deps, parser.parse_args(words))


async def test_the_command_says_what_is_wrong(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    await auth.deps.trail.append("a-1", Note("logged-in", auth.deps.clock()))
    await auth.deps.trail.append("a-1", Note("logged-out", auth.deps.clock()))

    assert await _run(auth, "anchor") == 0
    made = capsys.readouterr()
    hashed = made.out.splitlines()[-1]  # behind the log, which is not configured here
    assert await _run(auth, "anchor") == 0
    again = capsys.readouterr()
    assert (again.out, made.err, again.err) == (f"{hashed}\n", "", "nothing new since the newest anchor\n")
    assert await _run(auth, "verify", "--anchor", hashed) == 0
    assert capsys.readouterr().out == "whole: 2 entries in 1 chains, 1 anchors\n"

    await auth.runtime.database["trail"].delete_one({"number": 2})

    assert await _run(auth, "verify") == 1
    assert capsys.readouterr().out.splitlines() == [
        "account a-1: entry 2, which anchor 1 saw, is gone",
        "1 faults in 1 entries in 1 chains, 1 anchors",
    ]


async def _retire(auth: Auth) -> int:
    asked = argparse.Namespace(action="retire", purpose="trail", below=2, anyway=True)
    return await keycommands.keys(auth.deps.settings, asked, in_use=SERVICE.keys_in_use)


async def test_a_key_of_the_trail_stays_while_an_entry_needs_it(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    await auth.deps.trail.append("a-1", Note("logged-in", auth.deps.clock()))
    await _run(auth, "anchor")
    keys = FileKeys(auth.deps.settings.key_dir)
    keys.rotate("trail")
    young = await _retire(auth), capsys.readouterr().err
    os.utime(auth.deps.settings.key_dir / "trail" / "2.key", (0, 0))

    refused = await _retire(auth), capsys.readouterr().err
    await auth.runtime.database["trail"].delete_many({})
    await auth.runtime.database["trail_anchors"].delete_many({})
    done = await _retire(auth), capsys.readouterr().out

    assert (young[0], "may go after 600 s" in young[1]) == (1, True)
    assert refused == (1, "trail: still needed to check what is stored: 2 under version 1\n")
    assert done == (0, "trail: versions deleted: 1\n")


async def test_a_lost_key_is_told_apart_from_an_altered_entry(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    await auth.deps.trail.append("a-1", Note("logged-in", auth.deps.clock()))
    FileKeys(auth.deps.settings.key_dir).rotate("trail")
    (auth.deps.settings.key_dir / "trail" / "1.key").unlink()
    audit = MongoAudit(auth.runtime.database, FileKeys(auth.deps.settings.key_dir), auth.deps.clock)

    assert await _run_with(replace(auth.deps, audit=audit), "verify") == 1

    assert capsys.readouterr().out.splitlines() == [
        "version 1 of the key trail is not here: 1 entries and anchors cannot be checked",
        "no fault found, but not all could be checked: 1 entries in 1 chains, 0 anchors",
    ]


async def test_an_access_that_orders_tells_of_twice_is_in_the_trail_once(
    settings: Settings, database: Database
) -> None:
    async with running_auth(settings) as auth:
        person = await auth.deps.people.person("a-1")
        event = _an_access(auth)
        message = Outgoing(EXCHANGE, event.type, encode(event), event.id, type=event.type)
        await auth.runtime.bus.publish([message, message, message])
        async with asyncio.timeout(20):
            while await _waiting(settings) or not (entries := await auth.deps.trail.of_account("a-1", limit=10)):
                await asyncio.sleep(0.05)
        faults = (await auth.deps.audit.verify()).faults

    [entry] = entries
    assert (entry.what, entry.details["staff"], entry.details["subject"]) == ("staff-access", "s-1", "o-1")
    assert person.open(entry.reason, reason_place("x-1"), purpose="account") == b"A parcel came back."
    assert faults == []
    assert await _waiting(settings) == 0  # what was in flight has ended, and nothing came back
    assert await database["trail"].count_documents({}) == 1


def _an_access(auth: Auth) -> Event:
    readers = {"auth": AccessReason(reason="A parcel came back.")}
    reason = auth.deps.sealer.seal_for(readers, event_type=AccessRecorded.TYPE, event_id="e-1", field="reason")
    access = AccessRecorded(
        access_id="x-1", account_id="a-1", staff_id="s-1", roles=("support",), what="order-contact", subject="o-1",
        accessed_at=NOON, reason=reason,
    )  # fmt: skip
    return Event.of(access, id="e-1", subject="o-1", at=NOON)


async def _waiting(settings: Settings) -> int:
    """Messages of the queue that are not settled yet, as a fresh connection sees them."""
    connection = await aio_pika.connect(settings.amqp_url.get_secret_value(), timeout=5)
    async with connection:
        queue = await (await connection.channel()).declare_queue(ACCESSES, passive=True)
        return queue.declaration_result.message_count or 0


FAR = DatetimeMS(10**15)
"""Beyond the year 9999."""


@pytest.mark.parametrize(
    "planted",
    [{"number": "x"}, {"number": [3]}, {"number": None}, {"at": FAR}, {"recorded_at": "now"}, {"key_version": [1]},
     {"hash": 10**11}, {"hash": None}, {"reason": 10**11}, {"details": 5}],
    ids=str,
)  # fmt: skip
async def test_whatever_was_planted_is_a_fault_and_the_rest_is_still_looked_at(
    process: Process, database: Database, planted: dict[str, Any]
) -> None:
    await _filled(process)
    await database["trail"].update_one({"_id": "a-1:3"}, {"$set": planted})
    await database["trail"].update_one({"_id": "a-2:5"}, {"$set": {"what": "logged-out"}})

    faults = await process.faults()

    assert "account a-1: entry a-1:3 is none of ours" in faults
    assert "account a-2: entry 5 was altered or is out of its place" in faults


@pytest.mark.parametrize(
    "planted",
    [{"hash": "x"}, {"hash": None}, {"hash": 10**11}, {"at": "now"}, {"at": FAR}, {"key_version": [1]},
     {"heads": [["a-1", 5, 10**11]]}, {"heads": 5}],
    ids=str,
)  # fmt: skip
async def test_whatever_was_planted_in_an_anchor_is_a_fault_too(
    process: Process, database: Database, planted: dict[str, Any]
) -> None:
    await _filled(process)
    await process.audit.anchor()
    await database["trail_anchors"].update_one({"_id": 1}, {"$set": planted})
    await database["trail"].update_one({"_id": "a-2:5"}, {"$set": {"what": "logged-out"}})

    faults = await process.faults()

    assert "anchor 1 was altered, or one before it is missing" in faults
    assert "account a-2: entry 5 was altered or is out of its place" in faults
