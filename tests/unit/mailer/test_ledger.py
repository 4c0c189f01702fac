import asyncio
from datetime import UTC, datetime

import pytest

from services.mailer.months import CapPlace
from services.mailer.sending.domain import Result, Terms
from services.mailer.sending.ledger import Entry, Ledger
from shared.errors import TransientError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TERMS = Terms("c-1", "offers", CapPlace("2026-11", {"2026-11": 3}), "run", "fence", NOON)
ANN, BEN, CAT = (Entry(name, TERMS) for name in ("ann", "ben", "cat"))


class Claims:
    """Marks whoever is not gone; results wait until `go_on`, and may fail."""

    def __init__(self):
        self.gone = set()
        self.marked = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.trouble = None

    async def mark_dot(self, ids, fence):
        standing = set(ids) - self.gone
        self.marked += sorted(standing)
        return standing

    async def settle(self, ids, fence, result, *, at):
        self.begun.set()
        await self.go_on.wait()
        if self.trouble is not None:
            raise self.trouble
        return len(ids)


class Told:
    def __init__(self, claims, most_open):
        self.results, self.troubles = [], []
        self.ledger = Ledger(
            claims, lambda: NOON, most_open=most_open, stored=self.results.append, failed=self.troubles.append
        )


async def test_nobody_waits_for_the_result_of_a_copy_that_was_at_its_dot():
    claims = Claims()
    told = Told(claims, most_open=2)
    assert await told.ledger.mark_dot(ANN)

    async with asyncio.timeout(5):
        await told.ledger.settle(ANN, Result.ACCEPTED)
        await claims.begun.wait()
        before = list(told.results)
        claims.go_on.set()
        await told.ledger.close()

    assert (before, told.results) == ([], [Result.ACCEPTED])


async def test_no_more_copies_are_at_their_dot_than_may_be_left_unknown():
    claims = Claims()
    told = Told(claims, most_open=2)
    for entry in (ANN, BEN):
        assert await told.ledger.mark_dot(entry)
        await told.ledger.settle(entry, Result.ACCEPTED)

    async with asyncio.timeout(5):
        cat = asyncio.create_task(told.ledger.mark_dot(CAT))
        await claims.begun.wait()
        marked_while_two_are_open = list(claims.marked)
        claims.go_on.set()
        assert await cat

    assert marked_while_two_are_open == ["ann", "ben"]
    assert claims.marked == ["ann", "ben", "cat"]


async def test_a_copy_whose_claim_is_gone_takes_no_room_and_its_end_is_waited_for():
    claims = Claims()
    claims.gone.add("ann")
    told = Told(claims, most_open=1)

    async with asyncio.timeout(5):
        assert not await told.ledger.mark_dot(ANN)
        assert await told.ledger.mark_dot(BEN)
        giving_back = asyncio.create_task(told.ledger.settle(ANN, Result.GIVEN_BACK))
        await claims.begun.wait()
        is_over_at_once = giving_back.done()
        claims.go_on.set()
        await giving_back

    assert not is_over_at_once
    assert told.results == [Result.GIVEN_BACK]


@pytest.mark.parametrize("trouble", [TransientError("database: away"), RuntimeError("a mistake of ours")])
async def test_a_result_that_cannot_be_stored_is_told(trouble):
    claims = Claims()
    claims.trouble = trouble
    claims.go_on.set()
    told = Told(claims, most_open=1)
    assert await told.ledger.mark_dot(ANN)

    async with asyncio.timeout(5):
        await told.ledger.settle(ANN, Result.ACCEPTED)
        await told.ledger.close()
        assert await told.ledger.mark_dot(BEN)

    assert (told.results, told.troubles) == ([], [trouble])
