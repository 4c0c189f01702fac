"""A kill between a write and its entry in the trail loses nothing, on a real database."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from services.auth.accounts.mongo import MongoAccounts
from services.auth.config import Settings
from services.auth.deps import CARRIERS
from services.auth.mydata.erasures_mongo import MongoErasures
from services.auth.mydata.exports_mongo import MongoExports
from services.auth.people import email_key
from services.auth.service import ensure_indexes
from services.auth.sessions.mongo import MongoRememberedBrowsers, MongoSessions
from services.auth.trail.domain import Note
from services.auth.trail.mongo import MongoTrail
from services.auth.trail.pending import Noted
from services.auth.trail.relay import LEFT_BEHIND, TrailRelay
from services.auth.trail.verify import MongoAudit
from shared.errors import TransientError
from shared.mongo import LATEST, Database
from shared.testing.clock import FixedClock
from shared.testing.keys import MemoryKeys
from shared.testing.relay import MemoryRelay
from tests.component.auth.conftest import Auth, running_auth
from tests.unit.auth.doubles import PASSWORD
from tests.unit.auth.notes_suite import NotesSuite, Stores, a_note
from tests.unit.auth.stores_suite import a_session


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


def _stores(database: Database, clock: FixedClock, keys: MemoryKeys) -> Stores:
    trail = MongoTrail(database, keys, clock)
    notes = TrailRelay(database, trail, clock, collections=CARRIERS)
    announcer = MemoryRelay()
    return Stores(
        accounts=MongoAccounts(database, announcer, notes),
        sessions=MongoSessions(database, notes),
        remembered=MongoRememberedBrowsers(database, announcer, notes),
        exports=MongoExports(database, announcer, notes),
        erasures=MongoErasures(database, announcer, notes),
        trail=trail,
        notes=notes,
        clock=clock,
        alive=notes.running,
    )


class TestMongoNotes(NotesSuite):
    @pytest.fixture
    async def stores(self, database: Database, clock: FixedClock) -> Stores:
        await ensure_indexes(database)
        return _stores(database, clock, MemoryKeys(["trail"]))

    async def test_nothing_is_left_in_the_documents(self, stores: Stores, database: Database) -> None:
        for number in range(3):
            await stores.sessions.add(a_session(b"s-%d" % number), notes=[a_note()])

        await stores.sweep()

        assert await database["sessions"].count_documents({"notes.0": {"$exists": True}}) == 0

    async def test_what_a_living_process_has_just_written_is_left_to_it(self, stores: Stores) -> None:
        await stores.sessions.add(a_session(), notes=[a_note()])
        stores.clock.advance(seconds=LEFT_BEHIND.total_seconds() - 1)

        await stores.notes.sweep()

        assert await stores.whats() == []

    async def test_processes_that_sweep_at_once_tell_each_note_once(
        self, stores: Stores, database: Database, clock: FixedClock
    ) -> None:
        keys = MemoryKeys(["trail"])
        others = [_stores(database, clock, keys) for _ in range(4)]
        for number in range(20):
            await stores.sessions.add(a_session(b"s-%d" % number), notes=[a_note()])

        await asyncio.gather(*(each.sweep() for each in others))

        assert await stores.whats() == ["name-changed"] * 20
        assert (await MongoAudit(database, keys, clock).verify()).faults == []


class _Away(MongoTrail):
    """A trail that cannot be written to, until it can."""

    is_away = True

    async def append(self, account_id: str, note: Note, *, key: str = "") -> bool:
        if self.is_away:
            raise TransientError("away")
        return await super().append(account_id, note, key=key)


async def test_what_cannot_be_appended_now_is_left_to_the_sweep(database: Database, clock: FixedClock) -> None:
    await ensure_indexes(database)
    trail = _Away(database, MemoryKeys(["trail"]), clock)
    relay = TrailRelay(database, trail, clock, collections=CARRIERS)
    async with relay.running():
        await MongoSessions(database, relay).add(a_session(), notes=[a_note()])
        await relay.settled()
        assert await trail.of_account("a-1", limit=9) == []

        trail.is_away = False
        clock.advance(seconds=LEFT_BEHIND.total_seconds())
        await relay.sweep()

    assert [entry.what for entry in await trail.of_account("a-1", limit=9)] == ["name-changed"]


async def test_what_is_taken_out_is_what_was_appended_and_nothing_that_came_since(
    database: Database, clock: FixedClock
) -> None:
    await ensure_indexes(database)
    trail = MongoTrail(database, MemoryKeys(["trail"]), clock)
    relay = TrailRelay(database, trail, clock, collections=CARRIERS)
    sessions = MongoSessions(database, relay)
    others = MongoSessions(database, TrailRelay(database, trail, clock, collections=CARRIERS))  # of a dead process
    first, second = a_session(), replace(a_session(), key=b"2" * 32, id="s-2")

    async with relay.running():
        for each, key in ((first, "k-1"), (second, "k-2")):
            await sessions.add(each, notes=[a_note(key)])
        await others.confirm(first.key, at=clock(), notes=[a_note("k-3")])
        await relay.settled()

    stored = database["sessions"].with_options(read_concern=LATEST)  # no majority has to have what is only taken out
    left = [[note["key"] for note in each["notes"]] async for each in stored.find().sort("id", 1)]
    assert left == [["k-3"], []]


@pytest.fixture
async def dying(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Auth]:
    """Auth whose process, as far as the trail goes, is killed after each write."""

    def killed(_self: object, _collection: str, _document: object, _notes: Sequence[Noted]) -> None:
        return

    async with running_auth(settings) as auth:
        monkeypatch.setattr(TrailRelay, "take", killed)
        yield auth


async def _whats(auth: Auth, email: str) -> list[str]:
    account = await _account(auth, email)
    return [entry.what for entry in reversed(await auth.deps.trail.of_account(account, limit=100))]


async def _account(auth: Auth, email: str) -> str:
    found = await auth.deps.accounts.find_by_email(email_key(auth.deps.index, email))
    assert found is not None
    return found.id


async def test_all_that_happens_to_an_account_outlives_the_process_that_did_it(dying: Auth) -> None:
    """Over HTTP, through every kind of change; afterwards another process sweeps."""
    browser = dying.browser()
    email = "ann@shop.example"
    new = "another horse battery staple"
    await browser.send("POST", "/api/auth/accounts", json={"email": email, "name": "Ann", "password": PASSWORD})
    link = (await dying.mailbox.next())[1].link
    await browser.send("POST", "/api/auth/accounts/verify", json={"token": link.partition("t=")[2]})
    assert (await browser.log_in(email, remember=True)).status == 200
    for method, path, body in (
        ("POST", "/api/auth/session/confirm", {"password": PASSWORD}),
        ("PUT", "/api/auth/name", {"name": "Ann Example"}),
        ("DELETE", "/api/auth/remember", None),
        ("PUT", "/api/auth/password", {"current_password": PASSWORD, "new_password": new}),
        ("DELETE", "/api/auth/session", None),
    ):
        answer = await browser.send(method, path, **({} if body is None else {"json": body}))
        assert answer.status < 300, (method, path, await answer.text())
    assert await _whats(dying, email) == []

    await _sweep_later(dying)

    assert sorted(await _whats(dying, email)) == sorted([
        "registered", "verified", "logged-in", "password-confirmed", "name-changed", "browser-forgotten",
        "password-changed", "logged-in", "logged-out",
    ])  # fmt: skip
    assert (await dying.deps.audit.verify()).is_whole


async def _sweep_later(auth: Auth) -> None:
    runtime = auth.runtime
    later = FixedClock(auth.deps.clock())
    later.advance(seconds=60)
    await TrailRelay(runtime.database, auth.deps.trail, later, collections=CARRIERS).sweep()


_DIES = """
import asyncio, os, signal, sys
from services.auth.deps import open_deps
from services.auth.config import Settings
from services.auth.staff.usecases import NewStaff, add_staff
from services.auth.accounts.passwords import Password
from services.auth.trail.relay import TrailRelay
from shared.runtime import open_runtime

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    settings = Settings.from_env(os.environ)
    async with open_runtime(settings) as runtime, open_deps(runtime) as deps:
        TrailRelay.take = die
        await add_staff(deps, NewStaff("sue@staff.example", "Sue", "support", Password("correct horse battery")))

asyncio.run(main())
"""


async def test_a_process_that_is_killed_between_the_two_loses_nothing(auth: Auth, settings: Settings) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _DIES, env=_environment(settings))
    async with asyncio.timeout(60):
        assert await process.wait() == -9
    assert await _whats(auth, "sue@staff.example") == []

    await _sweep_later(auth)

    assert await _whats(auth, "sue@staff.example") == ["roles-changed"]


def _environment(settings: Settings) -> dict[str, str]:
    values: dict[str, Any] = settings.model_dump(exclude_defaults=True) | {
        "mongo_url": settings.mongo_url.get_secret_value(),
        "amqp_url": settings.amqp_url.get_secret_value(),
    }
    return dict(os.environ) | {f"PADLOCK_{name.upper()}": str(value) for name, value in values.items()}
