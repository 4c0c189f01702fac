"""The audit trail, as its owner reads it and as what happens fills it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from yarl import URL

from services.auth.trail.accesses import record_access
from services.auth.trail.chain import START, Chain, Link
from services.auth.trail.domain import Note, reason_place
from services.auth.trail.refused import RefusedLogins
from services.auth.work import ACCESSES, build_work
from shared.contracts.orders import AccessRecorded
from shared.contracts.persons import AccessReason
from shared.errors import TransientError
from shared.events import Event, MalformedEvent
from shared.sealing import CannotOpen
from shared.testing.clock import NOON, FixedClock
from shared.testing.keys import MemoryKeys
from tests.unit.auth.doubles import Browser, MemoryTrail, World
from tests.unit.auth.people import ANN, BOB, a_customer

PATH = "/api/auth/trail"
REASON = "The parcel came back; I call the buyer."
WRONG = "not the right password"


@pytest.fixture
async def ann(world: World) -> str:
    return await a_customer(world)


@pytest.fixture
async def at_home(browser: Browser, ann: str) -> Browser:
    """Ann's browser, logged in."""
    await browser.log_in(ann)
    return browser


@pytest.fixture
def stranger(client: TestClient[Any, Any], world: World) -> Browser:
    return Browser(client, world.settings)


async def _read(browser: Browser, query: str = "") -> list[dict[str, Any]]:
    answer = await browser.send("GET", PATH + query)
    assert answer.status == 200
    items: list[dict[str, Any]] = (await answer.json())["items"]
    return items


def _account(world: World, number: int = 0) -> str:
    return list(world.accounts.stored)[number]


def _told(world: World, account_id: str, *, access_id: str = "x-1", reason: str = REASON) -> Event:
    """What orders says of a look."""
    event_id = f"e-{access_id}"
    readers = {"auth": AccessReason(reason=reason)}
    sealed = world.sealing.sealer.seal_for(readers, event_type=AccessRecorded.TYPE, event_id=event_id, field="reason")
    access = AccessRecorded(
        access_id=access_id,
        account_id=account_id,
        staff_id="s-7",
        roles=("support",),
        what="order-contact",
        subject="o-1",
        accessed_at=NOON,
        reason=sealed,
    )
    return Event.of(access, id=event_id, subject="o-1", at=NOON)


async def test_one_reads_what_happened_newest_first(at_home: Browser) -> None:
    await at_home.send("DELETE", "/api/auth/session")
    await at_home.log_in(ANN)

    items = await _read(at_home)

    assert [item["what"] for item in items][:3] == ["logged-in", "logged-out", "logged-in"]
    assert items[0]["details"] == {"device": "Browser"}
    assert items[0]["at"].endswith("Z")


async def test_a_long_trail_is_read_page_by_page(at_home: Browser, world: World) -> None:
    for number in range(7):
        await world.trail.append(_account(world), Note("name-changed", world.clock(), {"n": str(number)}))
    everything = await _read(at_home, "?limit=100")

    seen: list[dict[str, Any]] = []
    path = f"{PATH}?limit=3"
    while path:
        answer = await at_home.send("GET", path)
        seen += (await answer.json())["items"]
        path = str(URL(answer.links["next"]["url"]).relative()) if "next" in answer.links else ""

    assert seen == everything
    assert len(seen) > 7


async def test_what_was_written_late_stands_where_it_happened(at_home: Browser, world: World) -> None:
    account = _account(world)
    early = world.clock()
    world.clock.advance(seconds=120)
    await world.trail.append(account, Note("name-changed", world.clock()))
    await world.trail.append(account, Note("login-refused", early + timedelta(minutes=1), {"count": "3"}))

    first = await at_home.send("GET", f"{PATH}?limit=2")
    rest = await _read(at_home, f"?{URL(first.links['next']['url']).query_string}")

    assert [item["what"] for item in (await first.json())["items"]] == ["name-changed", "login-refused"]
    assert "login-refused" not in {item["what"] for item in rest}
    assert "name-changed" not in {item["what"] for item in rest}


async def test_nobody_reads_anothers_trail(at_home: Browser, world: World, stranger: Browser) -> None:
    await a_customer(world, BOB)
    await world.trail.append(_account(world, 1), Note("staff-access", world.clock(), {"mark": "bob's"}))

    assert "bob's" not in str(await _read(at_home))
    assert (await stranger.send("GET", PATH)).status == 401


@pytest.mark.parametrize("cursor", ["nonsense", "MA", "LTE", "4pyT", "MS41", "x" * 401, "OTk5OTk5OTk5OTk5OTk5OTk5OQ"])
async def test_a_cursor_that_is_not_ours_is_refused(at_home: Browser, cursor: str) -> None:
    assert (await at_home.send("GET", f"{PATH}?cursor={cursor}")).status == 422


async def test_an_access_of_another_service_is_read_with_its_reason(at_home: Browser, world: World) -> None:
    account = _account(world)

    await record_access(world.deps, _told(world, account))

    [item] = [each for each in await _read(at_home) if each["what"] == "staff-access"]
    assert item["details"] == {
        "access": "x-1",
        "service": "orders",
        "what": "order-contact",
        "subject": "o-1",
        "staff": "s-7",
        "roles": "support",
        "reason": REASON,
    }
    assert REASON not in repr(world.trail.stored)


async def test_the_work_of_auth_listens_to_accesses(world: World) -> None:
    event = _told(world, "a-1")

    await build_work(world.deps).handlers[ACCESSES][event.type](event)

    assert world.trail.whats("a-1") == ["staff-access"]


async def test_an_access_told_twice_is_there_once(ann: str, world: World) -> None:
    account = _account(world)

    for _ in range(2):
        await record_access(world.deps, _told(world, account))
    await asyncio.gather(*(record_access(world.deps, _told(world, account)) for _ in range(5)))
    await record_access(world.deps, _told(world, account, access_id="x-2"))

    assert world.trail.whats(account).count("staff-access") == 2


async def test_an_access_to_whom_nobody_knows_any_more_is_kept_without_the_reason(ann: str, world: World) -> None:
    account = _account(world)
    await world.deps.people.erase(account)

    await record_access(world.deps, _told(world, account))

    [note] = [note for owner, note in world.trail.stored if owner == account and note.what == "staff-access"]
    assert (note.reason, note.details["staff"]) == (b"", "s-7")


async def test_what_is_no_access_is_refused_for_good(ann: str, world: World) -> None:
    good = _told(world, _account(world))
    foreign = _told(world, _account(world), access_id="x-2").data["reason"]

    with pytest.raises(MalformedEvent):
        await record_access(world.deps, replace(good, data={"access_id": "x"}))
    with pytest.raises(MalformedEvent):
        await record_access(world.deps, replace(good, data=good.data | {"account_id": ""}))
    with pytest.raises(CannotOpen):
        await record_access(world.deps, replace(good, data=good.data | {"reason": foreign}))
    assert "staff-access" not in world.trail.whats(_account(world))


async def test_a_reason_that_was_tampered_with_does_not_hide_the_rest(at_home: Browser, world: World) -> None:
    note = Note("staff-access", world.clock(), {"access": "x-1"}, reason=b"\x01" + b"x" * 40)
    await world.trail.append(_account(world), note)

    items = await _read(at_home)

    assert items[0] | {"at": ""} == {"what": "staff-access", "at": "", "details": {"access": "x-1"}}
    assert len(items) > 1


async def test_a_reason_opens_only_as_that_of_its_access(at_home: Browser, world: World) -> None:
    account = _account(world)
    box = (await world.deps.people.known(account)).seal(REASON, reason_place("x-1"))

    await world.trail.append(account, Note("staff-access", world.clock(), {"access": "x-2"}, reason=box))

    assert "reason" not in (await _read(at_home))[0]["details"]


async def test_refused_logins_are_one_entry_however_many(at_home: Browser, stranger: Browser, world: World) -> None:
    for _ in range(9):
        await stranger.log_in(ANN, WRONG)
    await world.deps.refused.flush()

    [entry] = [each for each in await _read(at_home) if each["what"] == "login-refused"]
    assert entry["details"] == {"count": "9"}


async def test_refused_logins_of_nobody_leave_no_trace(stranger: Browser, world: World) -> None:
    await stranger.log_in("nobody@shop.example", WRONG)
    await world.deps.refused.flush()

    assert world.trail.stored == []


async def test_the_answer_does_not_wait_for_the_entry(ann: str, stranger: Browser, world: World) -> None:
    """What is written for known addresses only would tell them from unknown ones by the time that it takes."""
    before = len(world.trail.stored)

    await stranger.log_in(ANN, WRONG)

    assert len(world.trail.stored) == before


async def test_there_is_one_entry_of_refused_logins_in_a_quarter_of_an_hour() -> None:
    trail, clock = MemoryTrail(), FixedClock()
    refused = RefusedLogins(trail, clock)
    for _ in range(6):
        refused.note("a-1")
        refused.note("a-1")
        await refused.flush()
        clock.advance(seconds=300)
    clock.advance(seconds=900)
    await refused.flush()
    await refused.flush()

    counts = [note.details["count"] for _, note in trail.stored]
    assert len(counts) == 3
    assert sum(map(int, counts)) == 12


async def test_two_processes_make_one_entry_and_lose_no_count() -> None:
    trail, clock = MemoryTrail(), FixedClock()
    processes = [RefusedLogins(trail, clock) for _ in range(2)]
    for process in processes:
        process.note("a-1")
        await process.flush()
    assert len(trail.stored) == 1

    clock.advance(seconds=900)
    for process in processes:
        await process.flush()

    assert [note.details["count"] for _, note in trail.stored] == ["1", "1"]


class _Away(MemoryTrail):
    is_away = True

    async def append(self, account_id: str, note: Note, *, key: str = "") -> bool:
        if self.is_away:
            raise TransientError("away")
        return await super().append(account_id, note, key=key)


async def test_refused_logins_wait_for_a_database_that_is_away() -> None:
    trail = _Away()
    refused = RefusedLogins(trail, FixedClock())
    refused.note("a-1")
    await refused.flush()
    trail.is_away = False
    refused.note("a-1")

    await refused.flush()

    assert [note.details for _, note in trail.stored] == [{"count": "2"}]


async def test_the_theft_of_a_cookie_is_there_once(ann: str, browser: Browser, world: World) -> None:
    await browser.log_in(ann, remember=True)
    thieves = [browser.copy() for _ in range(3)]
    browser.close()
    await browser.identity()
    world.clock.advance(seconds=120)

    for thief in thieves:
        thief.close()
        await thief.identity()

    assert world.trail.whats(_account(world)).count("remember-theft") == 1


def _a_link(**changes: Any) -> Link:
    note = Note("logged-in", NOON, {"device": "Firefox on Linux"}, b"sealed")
    return replace(Link("a-1", 2, note, recorded_at=NOON, key="k", key_version=1), **changes)


@pytest.mark.parametrize(
    "other",
    [
        _a_link(account_id="a-2"),
        _a_link(number=3),
        _a_link(key=""),
        _a_link(recorded_at=NOON + timedelta(milliseconds=1)),
        _a_link(note=replace(_a_link().note, what="logged-out")),
        _a_link(note=replace(_a_link().note, at=NOON + timedelta(milliseconds=1))),
        _a_link(note=replace(_a_link().note, details={})),
        _a_link(note=replace(_a_link().note, reason=b"")),
    ],
)
def test_the_hash_covers_all_that_a_link_says(other: Link) -> None:
    chain = Chain(MemoryKeys(["trail"]))
    made = chain.hash_of(_a_link(), after=START)

    assert chain.fits(_a_link(), made, after=START)
    assert not chain.fits(other, made, after=START)
    assert not chain.fits(_a_link(), made, after=b"\1" * 32)
    assert not Chain(MemoryKeys(["trail"])).fits(_a_link(), made, after=START)
    assert not chain.fits(_a_link(key_version=2), made, after=START)
