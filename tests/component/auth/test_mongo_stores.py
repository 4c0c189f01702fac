"""The stores in MongoDB pass the suite that those in memory pass, and leave their events with the write."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from services.auth.accounts.domain import Proof
from services.auth.accounts.mongo import MongoAccounts, with_link, without_hope
from services.auth.accounts.resets import ANSWERED_WITHIN_S, MongoResets
from services.auth.refusals import AddressTaken
from services.auth.service import ensure_indexes
from services.auth.sessions.mongo import MongoRememberedBrowsers, MongoSessions
from services.auth.throttle.mongo import MongoTries
from services.auth.trail.mongo import MongoTrail
from shared.contracts.auth import AccountVerified
from shared.events import Event, decode
from shared.mongo import Database
from shared.testing.clock import NOON, FixedClock
from shared.testing.keys import MemoryKeys
from shared.testing.relay import MemoryRelay
from tests.component.auth.conftest import NobodyTakes
from tests.unit.auth.stores_suite import (
    MINUTE,
    AccountsSuite,
    RememberedBrowsersSuite,
    ResetsSuite,
    SessionsSuite,
    TrailSuite,
    TriesSuite,
    a_browser,
    a_change,
    a_reset,
    a_session,
    an_account,
)

EVENT = Event.of(AccountVerified(account_id="a-1", verified_at=NOON), id="e-1", subject="a-1", at=NOON)


@pytest.fixture
async def relay(database: Database) -> MemoryRelay:
    await ensure_indexes(database)
    return MemoryRelay()


class TestMongoAccounts(AccountsSuite):
    @pytest.fixture
    def accounts(self, database: Database, relay: MemoryRelay) -> MongoAccounts:
        return MongoAccounts(database, relay, NobodyTakes())

    async def test_events_leave_with_the_write_and_are_announced(
        self, accounts: MongoAccounts, database: Database, relay: MemoryRelay
    ) -> None:
        await accounts.add(an_account(), [EVENT])
        await accounts.save(replace(an_account(), verified_at=NOON), [replace(EVENT, id="e-2")])

        document = await database["accounts"].find_one({"_id": "a-1"})
        assert document is not None
        assert [decode(row["body"]).id for row in document["outbox"]] == ["e-1", "e-2"]
        assert [(place, account, event.id) for place, account, event in relay.announced] == [
            ("accounts", "a-1", "e-1"),
            ("accounts", "a-1", "e-2"),
        ]

    async def test_a_refused_write_announces_nothing(self, accounts: MongoAccounts, relay: MemoryRelay) -> None:
        await accounts.add(an_account("a-1"), [])

        with pytest.raises(AddressTaken):
            await accounts.add(an_account("a-2"), [EVENT])

        assert relay.announced == []

    async def test_accounts_without_a_link_do_not_collide(self, accounts: MongoAccounts) -> None:
        await accounts.add(replace(an_account("a-1", key="k-1"), registrations=()), [])
        await accounts.add(replace(an_account("a-2", key="k-2"), registrations=()), [])

        assert await accounts.get("a-2")

    @pytest.mark.parametrize("link", [b"a-3", b"a-4", b"none"])
    async def test_a_link_is_found_through_an_index_waiting_or_followed(
        self, accounts: MongoAccounts, database: Database, link: bytes
    ) -> None:
        for number in range(20):
            await accounts.add(an_account(f"a-{number}", key=f"k-{number}"), [])
        await accounts.save(an_account("a-3", key="k-3").verify(b"a-3", at=NOON), [])

        plan = await database["accounts"].find(with_link(link)).explain()

        assert plan["executionStats"]["totalDocsExamined"] == (0 if link == b"none" else 1)
        assert plan["executionStats"]["totalKeysExamined"] <= 2

    async def test_a_change_of_address_is_found_through_an_index(
        self, accounts: MongoAccounts, database: Database
    ) -> None:
        for number in range(20):
            change = replace(a_change(), confirm=Proof(f"n-{number}".encode(), NOON))
            change = replace(change, approve=Proof(f"o-{number}".encode(), NOON))
            await accounts.add(replace(an_account(f"a-{number}", key=f"k-{number}"), email_change=change), [])

        plan = await database["accounts"].find({"email_change.tokens": b"o-7"}).explain()

        assert plan["executionStats"]["totalDocsExamined"] == 1

    async def test_looking_for_abandoned_accounts_reads_no_proven_one(
        self, accounts: MongoAccounts, database: Database
    ) -> None:
        for number in range(20):
            account = an_account(f"a-{number}", key=f"k-{number}")
            await accounts.add(account if number < 2 else account.verify(account.id.encode(), at=NOON), [])

        plan = await database["accounts"].find(without_hope(NOON + MINUTE)).sort("created_at", 1).explain()

        assert plan["executionStats"]["nReturned"] == 2
        assert plan["executionStats"]["totalDocsExamined"] == 2

    async def test_what_has_events_to_send_is_not_removed_yet(self, accounts: MongoAccounts) -> None:
        await accounts.add(an_account(), [EVENT])

        assert await accounts.abandoned(at=NOON + MINUTE, limit=9) == []
        assert not await accounts.remove(an_account())

    async def test_a_document_from_before_reads_as_one_of_now(
        self, accounts: MongoAccounts, database: Database
    ) -> None:
        await accounts.add(an_account(), [])
        young = ("language", "password_is_long", "password_serial", "email_change", "factors")
        gone = dict.fromkeys(young, "") | {"registrations.0.language": "", "registrations.0.proof.code_hash": ""}
        await database["accounts"].update_one({"_id": "a-1"}, {"$unset": gone})

        assert await accounts.get("a-1") == an_account()


class TestMongoResets(ResetsSuite):
    @pytest.fixture
    def resets(self, database: Database, relay: MemoryRelay) -> MongoResets:
        return MongoResets(database, relay)

    async def test_the_mail_leaves_with_the_write_and_is_announced_behind_the_answer(
        self, resets: MongoResets, database: Database, relay: MemoryRelay
    ) -> None:
        begun = time.monotonic()
        await resets.add(a_reset(), [EVENT])
        assert relay.announced == []
        await resets.add(a_reset(b"nobodys", account=""), [])

        [document] = await database["resets"].find({"outbox.at": {"$exists": True}}).to_list(None)
        assert [decode(row["body"]).id for row in document["outbox"]] == ["e-1"]
        async with asyncio.timeout(10):
            while not relay.announced:
                await asyncio.sleep(0.005)
        assert time.monotonic() - begun >= ANSWERED_WITHIN_S
        assert [(place, key) for place, key, _ in relay.announced] == [("resets", document["_id"])]


class TestMongoSessions(SessionsSuite):
    @pytest.fixture
    def sessions(self, database: Database, relay: MemoryRelay) -> MongoSessions:
        return MongoSessions(database, NobodyTakes())

    async def test_the_hot_look_up_reads_one_document_by_its_id(
        self, sessions: MongoSessions, database: Database
    ) -> None:
        for number in range(50):
            await sessions.add(a_session(str(number).encode()))

        plan = await database["sessions"].find({"_id": b"7"}).explain()

        assert plan["executionStats"]["totalDocsExamined"] == 1
        assert plan["executionStats"]["totalKeysExamined"] <= 1


class TestMongoRememberedBrowsers(RememberedBrowsersSuite):
    @pytest.fixture
    def remembered(self, database: Database, relay: MemoryRelay) -> MongoRememberedBrowsers:
        return MongoRememberedBrowsers(database, relay, NobodyTakes())

    async def test_of_many_ends_one_announces(
        self, remembered: MongoRememberedBrowsers, database: Database, relay: MemoryRelay
    ) -> None:
        await remembered.add(a_browser())

        await asyncio.gather(*(remembered.end("r-1", [replace(EVENT, id=f"e-{n}")], at=NOON) for n in range(8)))

        document = await database["remembered"].find_one({"_id": "r-1"})
        assert document is not None
        assert [row["id"] for row in document["outbox"]] == [event.id for event in relay.events]
        assert len(relay.events) == 1


class TestMongoTries(TriesSuite):
    @pytest.fixture
    def tries(self, database: Database, relay: MemoryRelay) -> MongoTries:
        return MongoTries(database)


class TestMongoTrail(TrailSuite):
    @pytest.fixture
    def trail(self, database: Database, relay: MemoryRelay) -> MongoTrail:
        return MongoTrail(database, MemoryKeys(["trail"]), FixedClock())


async def test_tokens_leave_a_day_after_their_time(database: Database) -> None:
    await ensure_indexes(database)

    await MongoResets(database, MemoryRelay()).add(a_reset(), [])

    expiry = (await database["resets"].index_information())["expiry"]
    assert (expiry["key"], expiry["expireAfterSeconds"]) == ([("removed_at", 1)], 0)
    document = await database["resets"].find_one({})
    assert document is not None
    assert document["removed_at"] == NOON + MINUTE + timedelta(days=1)


async def test_what_is_over_leaves_the_database_by_itself(database: Database) -> None:
    await ensure_indexes(database)

    for name in ("sessions", "remembered", "tries"):
        indexes = await database[name].index_information()
        assert indexes["expiry"]["expireAfterSeconds"] == 0
        assert indexes["expiry"]["key"] == [("expires_at", 1)]
