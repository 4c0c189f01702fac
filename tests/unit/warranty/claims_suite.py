"""What every store of claims must do; memory and MongoDB both pass it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.warranty.claims.deadlines import Due
from services.warranty.claims.domain import (
    NO_ANSWER,
    Claim,
    ClaimOpen,
    Decision,
    Message,
    Progress,
    Remedy,
    Repair,
    Saga,
)
from services.warranty.claims.steps import Status
from services.warranty.claims.store import Claims, QueuePosition
from shared.errors import TransientError
from tests.unit.warranty.claim_doubles import a_claim
from tests.unit.warranty.doubles import NOON

LATER = NOON + timedelta(hours=5)


def a_full_claim() -> Claim:
    """With everything that a claim may have."""
    claim = replace(a_claim(), flags=("serial-differs",), proposed=Decision(Remedy.REFUND, "staff:s-1", LATER))
    claim = claim.said(Message("m-1", LATER, "customer", b"sealed text"))
    claim = claim.step(Status.UNDER_REVIEW, at=LATER, by="staff:s-1", why="looking", note=b"sealed note")
    return replace(
        claim,
        decision=Decision(Remedy.REPLACEMENT, "rules", LATER, "dead-on-arrival", "v1", "staff:s-2"),
        saga=Saga(Progress.REFUSED, "replacement", "r-1", "o-2", "TF-2", NO_ANSWER, LATER, ("refund",)),
        repair=Repair(b"sealed diagnosis", 1200, LATER, LATER, 3),
        clock=replace(claim.clock, reminded=("resolution",), overdue=("resolution",)),
    )


def _counted(**by_name: tuple[int, int, int]) -> dict[tuple[str, Due], int]:
    return {(name, due): count for name, counts in by_name.items() for due, count in zip(Due, counts, strict=True)}


class ClaimsSuite:
    """What every `Claims` must do. Subclasses give the fixture `claims`, empty."""

    async def test_a_claim_reads_back_as_it_was_written(self, claims: Claims) -> None:
        claim = a_full_claim()

        await claims.add(claim, [])

        assert await claims.find(claim.id) == claim
        assert await claims.find("c-9") is None

    async def test_an_item_has_one_open_claim_however_many_are_opened_at_once(self, claims: Claims) -> None:
        opened = await asyncio.gather(*(claims.add(a_claim(f"c-{n}"), []) for n in range(8)), return_exceptions=True)

        assert sum(outcome is None for outcome in opened) == 1
        assert sum(isinstance(outcome, ClaimOpen) for outcome in opened) == 7

    async def test_open_claims_are_counted_by_deadline(self, claims: Claims) -> None:
        fresh, answered, theirs, ended = (a_claim(f"c-{n}", purchase=f"p-{n}") for n in range(4))
        first, resolve = fresh.clock.first_answer_by, fresh.clock.resolve_by
        answered = replace(answered, clock=replace(answered.clock, answered_at=LATER))
        theirs = replace(answered, id="c-2", number="C-2", item=theirs.item, status=Status.MORE_INFORMATION_NEEDED)
        ended = replace(ended, status=Status.WITHDRAWN)
        for claim in (fresh, answered, theirs, ended):
            await claims.add(claim, [])

        before = await claims.by_deadline(first - timedelta(hours=25))
        near = await claims.by_deadline(first - timedelta(hours=1))
        missed = await claims.by_deadline(resolve)

        assert before == _counted(first_answer=(0, 0, 1), resolution=(0, 0, 2))
        assert near == _counted(first_answer=(0, 1, 0), resolution=(0, 0, 2))
        assert missed == _counted(first_answer=(1, 0, 0), resolution=(2, 0, 0))

    async def test_after_its_claim_has_ended_an_item_can_be_claimed_again(self, claims: Claims) -> None:
        await claims.add(a_claim("c-1"), [])
        await claims.save(a_claim("c-1").withdrawn(at=LATER), [])

        await claims.add(a_claim("c-2"), [])

        assert [claim.id for claim in await claims.of_purchase("o-1-1-1")] == ["c-1", "c-2"]

    async def test_of_many_that_write_at_once_one_wins(self, claims: Claims) -> None:
        await claims.add(a_claim(), [])
        stepped = [a_claim().step(Status.UNDER_REVIEW, at=LATER, by=f"staff:{n}") for n in range(8)]

        saved = [claim for claim in await asyncio.gather(*(claims.save(each, []) for each in stepped)) if claim]

        assert len(saved) == 1
        found = await claims.find("c-1")
        assert found == saved[0]
        assert found.version == 2

    async def test_a_holder_sees_their_own_newest_first_page_by_page(self, claims: Claims) -> None:
        for n in range(5):
            await claims.add(a_claim(f"c-{n}", purchase=f"p-{n}", holder="k-1" if n != 2 else "k-2"), [])

        first = await claims.of_holder("k-1", before="", limit=2)
        rest = await claims.of_holder("k-1", before=first[-1].id, limit=9)

        assert [[claim.id for claim in page] for page in (first, rest)] == [["c-4", "c-3"], ["c-1", "c-0"]]
        assert await claims.count_of_holder("k-1") == 4
        assert await claims.of_holder("", before="", limit=9) == []

    async def test_claims_of_a_holder_or_an_item_are_counted_once_each(self, claims: Claims) -> None:
        for n, (holder, purchase) in enumerate([("k-1", "p-1"), ("k-1", "p-2"), ("k-2", "p-3"), ("k-3", "p-4")]):
            await claims.add(a_claim(f"c-{n}", holder=holder, purchase=purchase), [])
        await claims.forget("k-3")

        counted = [
            await claims.count_earlier(holder, purchase, most=most)
            for holder, purchase, most in [
                ("k-1", "p-1", 9), ("k-1", "p-3", 9), ("k-2", "p-2", 9), ("k-9", "p-9", 9), ("", "p-4", 9),
                ("k-1", "p-3", 2),
            ]
        ]  # fmt: skip

        assert counted == [2, 3, 2, 0, 1, 2]

    async def test_all_are_read_oldest_first_page_by_page(self, claims: Claims) -> None:
        for n in (3, 1, 2, 0):
            await claims.add(a_claim(f"c-{n}", holder=f"k-{n}", purchase=f"p-{n}"), [])

        first = await claims.oldest(behind="", limit=3)
        rest = await claims.oldest(behind=first[-1].id, limit=3)

        assert [[claim.id for claim in page] for page in (first, rest)] == [["c-0", "c-1", "c-2"], ["c-3"]]
        assert await claims.oldest(behind="c-3", limit=3) == []

    async def test_the_queue_is_what_waits_for_the_staff_by_when_it_is_due(self, claims: Claims) -> None:
        moments = [NOON + timedelta(days=days) for days in (9, 0, 18, 0)]
        for n, at in enumerate(moments):
            await claims.add(a_claim(f"c-{n}", purchase=f"p-{n}", at=at), [])
        asked = (await claims.of_purchase("p-1"))[0].step(Status.MORE_INFORMATION_NEEDED, at=LATER, by="staff:s-1")
        await claims.save(asked, [])

        first = await claims.queue(after=None, limit=2)
        rest = await claims.queue(after=QueuePosition(first[-1].clock.resolve_by, first[-1].id), limit=9)
        waiting = await claims.queue(after=None, limit=9, status=Status.MORE_INFORMATION_NEEDED)

        assert [claim.id for claim in (*first, *rest)] == ["c-3", "c-0", "c-2"]
        assert [claim.id for claim in waiting] == ["c-1"]

    async def test_what_is_due_is_found_until_it_was_noted(self, claims: Claims) -> None:
        claim = a_claim()
        await claims.add(claim, [])
        by = claim.clock.first_answer_by

        assert await claims.due(by - timedelta(days=1), limit=9) == []
        [due] = await claims.due(by, limit=9)
        names = ("first_answer", "resolution")
        await claims.save(replace(due, clock=replace(due.clock, reminded=names, overdue=names)), [])

        assert await claims.due(by + timedelta(days=900), limit=9) == []

    async def test_figures_count_and_tell_how_long_it_took(self, claims: Claims) -> None:
        for n in range(5):
            await claims.add(a_claim(f"c-{n}", purchase=f"p-{n}"), [])
        for n, hours in enumerate((1, 30, 2)):
            await claims.save(a_claim(f"c-{n}", purchase=f"p-{n}").withdrawn(at=NOON + timedelta(hours=hours)), [])

        figures = await claims.figures(NOON)

        assert figures.by_status == {"withdrawn": 3, "submitted": 2}
        assert (figures.waiting, figures.overdue, figures.resolved) == (2, 0, 3)
        assert figures.median_resolution_s == 2 * 3600
        assert figures.by_duration == (2, 1, 0, 0, 0)
        assert (await claims.figures(NOON + timedelta(hours=3))).resolved == 1

    async def test_a_resolution_belongs_to_the_span_whose_end_it_meets(self, claims: Claims) -> None:
        for n, days in enumerate((1, 3, 7, 14, 15, 90)):
            await claims.add(a_claim(f"c-{n}", purchase=f"p-{n}"), [])
            await claims.save(a_claim(f"c-{n}", purchase=f"p-{n}").withdrawn(at=NOON + timedelta(days=days)), [])

        assert (await claims.figures(NOON)).by_duration == (1, 1, 1, 1, 2)

    async def test_a_claim_is_found_by_its_number(self, claims: Claims) -> None:
        await claims.add(a_claim("c-1"), [])

        found = await claims.of_number("C-c-1")

        assert found is not None
        assert (found.id, await claims.of_number("C-c-2"), await claims.of_number("")) == ("c-1", None, None)

    async def test_a_holder_is_cut_off_and_nothing_that_they_wrote_is_left(self, claims: Claims) -> None:
        await claims.add(replace(a_full_claim(), item=replace(a_claim().item, purchase_id="p-1")), [])
        await claims.add(a_claim("c-2", holder="k-2"), [])

        await claims.forget("k-1")
        await claims.forget("k-1")

        found = await claims.find("c-1")
        assert found is not None
        personal = (found.words, found.contact, found.repair.diagnosis, found.holder_key, found.person_id)
        assert personal == (b"", b"", b"", "", "")
        assert [message.text for message in found.messages] == [b""]
        assert {step.note for step in found.history} == {b""}
        assert (found.status, found.problem, len(found.history)) == (Status.UNDER_REVIEW, a_claim().problem, 2)
        assert await claims.find("c-2") == a_claim("c-2", holder="k-2")

    async def test_a_guests_claims_become_an_accounts_unless_one_is_being_written(self, claims: Claims) -> None:
        await claims.add(a_claim(holder="g-1"), [])
        resealed = replace(a_claim(holder="g-1"), person_id="a-7", words=b"again")

        await claims.hand_over("k-7", [resealed])
        with pytest.raises(TransientError):
            await claims.hand_over("k-8", [resealed])

        [found] = await claims.of_holder("k-7", before="", limit=9)
        assert (found.person_id, found.words, found.version) == ("a-7", b"again", 2)
        assert await claims.of_holder("g-1", before="", limit=9) == []
