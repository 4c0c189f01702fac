"""Notes ride in the write, whoever dies afterwards: one suite for the stores in memory and those in MongoDB.

Heirs give the fixture `stores`, empty.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

import pytest

from services.auth.accounts.store import Accounts
from services.auth.mydata.domain import Outcome
from services.auth.mydata.store import Erasures, Exports
from services.auth.refusals import AccountChanged
from services.auth.sessions.store import RememberedBrowsers, Sessions
from services.auth.trail.pending import Noted, noted
from services.auth.trail.store import CarriedNotes, Trail
from shared.testing.clock import NOON, FixedClock
from tests.unit.auth.mydata_suite import an_erasure, an_event, an_export
from tests.unit.auth.stores_suite import a_browser, a_session, an_account


@dataclass
class Stores:
    """All that carry notes, in a process that dies after each write, unless it is `alive()`."""

    accounts: Accounts
    sessions: Sessions
    remembered: RememberedBrowsers
    exports: Exports
    erasures: Erasures
    trail: Trail
    notes: CarriedNotes
    clock: FixedClock
    alive: Callable[[], AbstractAsyncContextManager[None]]

    async def whats(self) -> list[str]:
        """What the trail of "a-1" says, oldest first."""
        return [entry.what for entry in reversed(await self.trail.of_account("a-1", limit=100))]

    async def sweep(self) -> None:
        """As another process does it, later."""
        self.clock.advance(seconds=10)
        await self.notes.sweep()


def a_note(key: str = "") -> Noted:
    """At noon."""
    return noted("a-1", "name-changed", NOON, key=key, device="Firefox on Linux")


async def _add_account(stores: Stores) -> None:
    await stores.accounts.add(an_account(), [], notes=[a_note()])


async def _save_account(stores: Stores) -> None:
    await stores.accounts.add(an_account(), [])
    await stores.accounts.save(an_account(), [an_event()], notes=[a_note()])


async def _begin_session(stores: Stores) -> None:
    await stores.sessions.add(a_session(), notes=[a_note()])


async def _confirm_session(stores: Stores) -> None:
    await stores.sessions.add(a_session())
    assert await stores.sessions.confirm(b"s-1", at=NOON, notes=[a_note()])


async def _end_session(stores: Stores) -> None:
    await stores.sessions.add(a_session())
    assert await stores.sessions.end(b"s-1", at=NOON, notes=[a_note()])


async def _end_sessions(stores: Stores) -> None:
    for key in (b"s-1", b"s-2", b"s-3"):
        await stores.sessions.add(a_session(key))
    await stores.sessions.end_account("a-1", at=NOON, notes=[a_note()])


async def _end_browser(stores: Stores) -> None:
    await stores.remembered.add(a_browser())
    assert await stores.remembered.end("r-1", [], at=NOON, notes=[a_note()])


async def _end_browsers_and_sessions(stores: Stores) -> None:
    note = a_note()
    for name in ("r-1", "r-2"):
        await stores.remembered.add(a_browser(name))
    await stores.sessions.add(a_session())
    await stores.remembered.end_account("a-1", at=NOON, notes=[note])
    await stores.sessions.end_account("a-1", at=NOON, notes=[note])


async def _ask_for_export(stores: Stores) -> None:
    await stores.exports.add(an_export(), [], notes=[a_note()])


async def _finish_export(stores: Stores) -> None:
    await stores.exports.add(an_export(), [])
    assert await stores.exports.finish(an_export().finish(NOON), [an_event()], notes=[a_note()])


async def _begin_erasure(stores: Stores) -> None:
    await stores.accounts.add(an_account(), [])
    await stores.erasures.begin(an_account(), an_erasure(), [an_event()], notes=[a_note()])


async def _complete_erasure(stores: Stores) -> None:
    await stores.erasures.open(an_erasure())
    await stores.erasures.note("r-1", "orders", Outcome())
    assert await stores.erasures.complete("r-1", at=NOON, notes=[a_note()])


WRITES = [
    _add_account, _save_account, _begin_session, _confirm_session, _end_session, _end_sessions, _end_browser,
    _end_browsers_and_sessions, _ask_for_export, _finish_export, _begin_erasure, _complete_erasure,
]  # fmt: skip


class NotesSuite:
    @pytest.mark.parametrize("write", WRITES)
    async def test_whoever_dies_after_the_write_leaves_the_note_in_it(
        self, stores: Stores, write: Callable[[Stores], Awaitable[None]]
    ) -> None:
        await write(stores)
        assert await stores.whats() == []

        await stores.sweep()
        await stores.sweep()

        assert await stores.whats() == ["name-changed"]

    @pytest.mark.parametrize("write", WRITES)
    async def test_whoever_lives_appends_it_at_once(
        self, stores: Stores, write: Callable[[Stores], Awaitable[None]]
    ) -> None:
        async with stores.alive():
            await write(stores)
            await stores.notes.settled()

            assert await stores.whats() == ["name-changed"]
        await stores.sweep()

        assert await stores.whats() == ["name-changed"]

    async def test_whoever_dies_between_the_chain_and_the_document_tells_it_once(self, stores: Stores) -> None:
        note = a_note("k-1")
        await stores.accounts.add(an_account(), [], notes=[note])
        assert await stores.trail.append("a-1", note.note, key="k-1")

        await stores.sweep()

        assert await stores.whats() == ["name-changed"]

    async def test_it_reads_as_it_was_written(self, stores: Stores) -> None:
        await stores.accounts.add(an_account(), [], notes=[a_note()])

        await stores.sweep()

        [entry] = await stores.trail.of_account("a-1", limit=9)
        assert (entry.at, entry.details, entry.reason) == (NOON, {"device": "Firefox on Linux"}, b"")

    async def test_notes_of_one_write_keep_their_order(self, stores: Stores) -> None:
        both = [noted("a-1", "registered", NOON), noted("a-1", "verified", NOON, by="link")]
        await stores.accounts.add(an_account(), [], notes=both)

        await stores.sweep()

        assert await stores.whats() == ["registered", "verified"]

    async def test_a_write_that_is_refused_leaves_no_note(self, stores: Stores) -> None:
        await stores.accounts.add(an_account(), [])
        with pytest.raises(AccountChanged):
            await stores.accounts.save(replace(an_account(), version=7), [], notes=[a_note()])
        assert not await stores.sessions.end(b"none", at=NOON, notes=[a_note()])
        assert not await stores.sessions.confirm(b"none", at=NOON, notes=[a_note()])
        assert not await stores.remembered.end("none", [], at=NOON, notes=[a_note()])

        await stores.sweep()

        assert await stores.whats() == []

    async def test_what_has_ended_ends_once(self, stores: Stores) -> None:
        await stores.sessions.add(a_session())

        ended = [await stores.sessions.end(b"s-1", at=NOON, notes=[a_note()]) for _ in range(2)]
        await stores.sweep()

        assert (ended, await stores.whats()) == ([True, False], ["name-changed"])

    async def test_an_ended_session_is_not_begun_again(self, stores: Stores) -> None:
        await stores.sessions.add(a_session())
        await stores.sessions.end(b"s-1", at=NOON)

        await stores.sessions.add(a_session())

        assert await stores.sessions.find(b"s-1") is None
        assert await stores.sessions.of_account("a-1") == []
        assert not await stores.sessions.confirm(b"s-1", at=NOON)

    async def test_an_account_that_carries_a_note_is_not_removed(self, stores: Stores) -> None:
        await stores.accounts.add(an_account(), [], notes=[a_note()])
        account = await stores.accounts.get("a-1")

        assert not await stores.accounts.remove(account)
        await stores.sweep()

        assert await stores.accounts.remove(account)

    async def test_nothing_that_carries_a_note_is_forgotten(self, stores: Stores) -> None:
        await stores.sessions.add(a_session())
        await stores.sessions.end(b"s-1", at=NOON, notes=[a_note()])
        await stores.remembered.add(a_browser())
        await stores.remembered.end("r-1", [], at=NOON, notes=[a_note()])
        await stores.exports.add(an_export(), [], notes=[a_note()])

        for _ in range(2):
            await stores.sessions.forget_account("a-1")
            await stores.remembered.forget_account("a-1")
            await stores.exports.drop("a-1")
            await stores.sweep()

        assert await stores.whats() == ["name-changed"] * 3
        assert await stores.remembered.of_account("a-1") == []
        assert await stores.exports.of_account("a-1") == []
