"""What every store of exports and of erasures must do; memory and MongoDB both pass it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.auth.accounts.domain import Account
from services.auth.accounts.store import Accounts
from services.auth.mydata.domain import SERVICES, Erasure, Export, Gathered, Outcome, Part
from services.auth.mydata.store import Erasures, Exports
from services.auth.refusals import AccountChanged, ExportRunning
from shared.contracts.persons import Erased, Kept
from shared.events import Event
from shared.testing.clock import NOON

WEEK = NOON + timedelta(days=7)
OUTCOME = Outcome((Erased(what="profile", count=1),), (Kept(what="facts", why="books", count=2),))


def an_event(number: int = 1) -> Event:
    return Event(f"e-{number}", "auth.message.requested.v1", "auth", "a-1", NOON, {"x": number})


def an_export(id: str = "x-1", account: str = "a-1") -> Export:
    return Export(id, account, NOON, WEEK, {"auth": Gathered(1, frozenset({1}))})


class ExportsSuite:
    async def test_an_export_is_found_by_its_account_alone(self, exports: Exports) -> None:
        await exports.add(an_export(), [an_event()])

        assert await exports.find("a-1", "x-1") == an_export()
        assert await exports.find("a-2", "x-1") is None
        assert await exports.of_account("a-1") == [an_export()]
        assert await exports.of_account("a-2") == []

    async def test_of_many_at_once_one_runs(self, exports: Exports) -> None:
        tries = (exports.add(an_export(f"x-{n}"), []) for n in range(9))

        outcomes = await asyncio.gather(*tries, return_exceptions=True)

        assert outcomes.count(None) == 1
        assert sum(isinstance(outcome, ExportRunning) for outcome in outcomes) == 8
        await exports.add(an_export("y-1", "a-2"), [])

    async def test_after_one_is_ready_another_may_run(self, exports: Exports) -> None:
        await exports.add(an_export("x-1"), [])
        await exports.finish(an_export("x-1").finish(NOON), [])

        await exports.add(an_export("x-2"), [])

        assert [each.id for each in await exports.of_account("a-1")] == ["x-2", "x-1"]

    async def test_parts_are_noted_once_whatever_their_order(self, exports: Exports) -> None:
        await exports.add(an_export(), [])

        for number in (2, 1, 2):
            export = await exports.note("x-1", "orders", part=number, of=2)

        assert export is not None
        assert export.gathered["orders"] == Gathered(2, frozenset({1, 2}))
        assert await exports.note("x-9", "orders", part=1, of=1) is None

    async def test_of_many_notes_at_once_none_is_lost(self, exports: Exports) -> None:
        await exports.add(an_export(), [])

        await asyncio.gather(*(exports.note("x-1", "orders", part=n, of=20) for n in range(1, 21)))

        export = await exports.find("a-1", "x-1")
        assert export is not None
        assert export.has_all_of("orders")

    async def test_a_part_that_comes_again_takes_the_place_of_the_first(self, exports: Exports) -> None:
        for box in (b"first", b"second"):
            await exports.put(an_export(), Part("orders", 1, box))
        await exports.put(an_export(), Part("mailer", 1, b"m"))
        await exports.put(an_export("x-2"), Part("orders", 1, b"other"))

        assert await exports.parts("x-1") == [Part("mailer", 1, b"m"), Part("orders", 1, b"second")]

    async def test_it_becomes_ready_once(self, exports: Exports) -> None:
        await exports.add(an_export(), [])
        ready = an_export().finish(NOON)

        outcomes = await asyncio.gather(*(exports.finish(ready, [an_event(n)]) for n in range(9)))

        assert sorted(outcomes) == [False] * 8 + [True]
        assert await exports.find("a-1", "x-1") == ready

    async def test_what_is_dropped_is_gone_with_its_parts(self, exports: Exports) -> None:
        await exports.add(an_export("x-1"), [])
        await exports.put(an_export("x-1"), Part("orders", 1, b"box"))
        await exports.add(an_export("x-2", "a-2"), [])

        assert [await exports.drop("a-1"), await exports.drop("a-1")] == [1, 0]

        assert await exports.find("a-1", "x-1") is None
        assert await exports.parts("x-1") == []
        assert await exports.find("a-2", "x-2") is not None


def an_erasure(account: str = "a-1", *, id: str = "r-1") -> Erasure:
    return Erasure(id, b"hash of " + id.encode(), NOON, account, an_event(), {"auth": OUTCOME})


def an_account(id: str = "a-1", *, email_key: str = "k-1") -> Account:
    return Account(id, email_key, b"email", b"name", b"password", created_at=NOON, verified_at=NOON)


class ErasuresSuite:
    async def test_begun_frees_the_address_and_tells_what_was_begun(
        self, accounts: Accounts, erasures: Erasures
    ) -> None:
        await accounts.add(an_account(), [])

        await erasures.begin(an_account(), an_erasure(), [an_event()])

        assert await accounts.find_by_email("k-1") is None
        assert await erasures.begun(limit=9) == [an_erasure()]
        assert await erasures.find_begun("a-1") == an_erasure()
        assert await erasures.find_begun("a-2") is None
        await accounts.add(an_account("a-2"), [])

    async def test_of_many_at_once_one_begins(self, accounts: Accounts, erasures: Erasures) -> None:
        await accounts.add(an_account(), [])
        tries = (erasures.begin(an_account(), an_erasure(id=f"r-{n}"), []) for n in range(9))

        outcomes = await asyncio.gather(*tries, return_exceptions=True)

        assert outcomes.count(None) == 1
        assert sum(isinstance(outcome, AccountChanged) for outcome in outcomes) == 8

    async def test_an_account_that_was_changed_meanwhile_is_not_erased_on_old_knowledge(
        self, accounts: Accounts, erasures: Erasures
    ) -> None:
        await accounts.add(an_account(), [])
        await accounts.save(replace(an_account(), email_key="k-2"), [])

        with pytest.raises(AccountChanged):
            await erasures.begin(an_account(), an_erasure(), [])

        assert await accounts.find_by_email("k-2") is not None

    async def test_whoever_read_the_account_before_cannot_save_it_after(
        self, accounts: Accounts, erasures: Erasures
    ) -> None:
        await accounts.add(an_account(), [])
        await erasures.begin(an_account(), an_erasure(), [])

        with pytest.raises(AccountChanged):
            await accounts.save(replace(an_account(), language="de"), [])

    async def test_a_receipt_is_opened_once_and_shown_by_its_token(self, erasures: Erasures) -> None:
        assert [await erasures.open(an_erasure()), await erasures.open(an_erasure())] == [True, False]

        assert await erasures.find_by_token(b"hash of r-1") == an_erasure()
        assert await erasures.find_by_token(b"another") is None

    async def test_the_first_answer_of_each_service_stays(self, erasures: Erasures) -> None:
        await erasures.open(an_erasure())

        await erasures.note("r-1", "orders", OUTCOME)
        noted = await erasures.note("r-1", "orders", Outcome())

        assert noted is not None
        assert noted.outcomes == {"auth": OUTCOME, "orders": OUTCOME}
        assert not noted.is_answered
        assert await erasures.note("r-9", "orders", OUTCOME) is None

    async def test_of_answers_at_once_none_is_lost(self, erasures: Erasures) -> None:
        await erasures.open(an_erasure())

        await asyncio.gather(*(erasures.note("r-1", service, OUTCOME) for service in SERVICES))

        found = await erasures.find_by_token(b"hash of r-1")
        assert found is not None
        assert found.is_answered

    async def test_it_is_complete_once_and_names_nobody_then(self, erasures: Erasures) -> None:
        await erasures.open(an_erasure())

        outcomes = await asyncio.gather(*(erasures.complete("r-1", at=NOON) for _ in range(9)))

        assert sorted(outcomes) == [False] * 8 + [True]
        assert await erasures.find_by_token(b"hash of r-1") == replace(
            an_erasure(), completed_at=NOON, account_id="", mail=None
        )
