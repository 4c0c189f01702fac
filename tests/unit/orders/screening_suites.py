"""What the stores of screening must do, in memory and on MongoDB alike."""

import asyncio
from datetime import timedelta

from services.orders.screening.blocks import Block, Blocks
from services.orders.screening.domain import Kind, Marks
from services.orders.screening.tallies import STEP_S, Tallies, step_of
from shared.testing.clock import NOON

MARKS = Marks(card="c1", address="a1", email="e1", network="n1")
NOW = step_of(NOON)


class TalliesSuite:
    async def test_nothing_is_known_of_the_unknown(self, tallies: Tallies) -> None:
        seen = await tallies.look(MARKS, "a-1", at=NOON)

        assert {count for steps in seen.tries.values() for count in steps.values()} == set()
        assert (seen.shop_declines, seen.highest_paid, seen.listed) == ({}, {}, frozenset())

    async def test_a_checkout_counts_for_each_of_its_marks(self, tallies: Tallies) -> None:
        await tallies.count_try(MARKS, at=NOON)
        await tallies.count_try(Marks(card="c1", network="n2"), at=NOON)

        seen = await tallies.look(MARKS, "", at=NOON)

        tries = {Kind.CARD: 2, Kind.ADDRESS: 1, Kind.EMAIL: 1, Kind.NETWORK: 1}
        assert seen.tries == {kind: {NOW: count} for kind, count in tries.items()}
        assert all(not steps for steps in seen.declines.values())

    async def test_of_many_at_once_none_is_forgotten(self, tallies: Tallies) -> None:
        await asyncio.gather(*(tallies.count_try(MARKS, at=NOON) for _ in range(50)))

        seen = await tallies.look(MARKS, "", at=NOON)
        assert seen.tries[Kind.CARD] == {NOW: 50}

    async def test_who_counts_first_sees_itself_and_those_before(self, tallies: Tallies) -> None:
        async def one() -> int:
            await tallies.count_try(MARKS, at=NOON)
            return (await tallies.look(MARKS, "", at=NOON)).tries[Kind.CARD][NOW]

        seen = await asyncio.gather(*(one() for _ in range(20)))

        assert max(seen) == 20
        assert sum(count >= 10 for count in seen) >= 10

    async def test_a_decline_counts_for_the_shop_too(self, tallies: Tallies) -> None:
        await tallies.count_decline(MARKS, at=NOON)
        await tallies.count_decline(Marks(card="c2"), at=NOON)

        seen = await tallies.look(MARKS, "", at=NOON)

        assert seen.declines[Kind.CARD] == {NOW: 1}
        assert seen.shop_declines == {NOW: 2}

    async def test_counts_are_kept_by_steps_of_time_over_midnight(self, tallies: Tallies) -> None:
        before = NOON.replace(hour=23, minute=58)
        after = before + timedelta(seconds=STEP_S)
        for at in (before, after, after):
            await tallies.count_try(MARKS, at=at)

        seen = await tallies.look(MARKS, "", at=after)

        assert seen.tries[Kind.CARD] == {step_of(before): 1, step_of(after): 2}

    async def test_what_was_paid_is_known_with_the_next_checkout(self, tallies: Tallies) -> None:
        for amount, currency in ((900, "JPY"), (500, "JPY"), (7, "USD")):
            tallies.count_paid(MARKS, "a-1", amount, currency, at=NOON)
        await tallies.count_try(MARKS, at=NOON)

        by_card = await tallies.look(Marks(card="c1"), "", at=NOON)
        by_account = await tallies.look(Marks(card="c2"), "a-1", at=NOON)
        of_another = await tallies.look(Marks(card="c2"), "a-2", at=NOON)

        assert by_card.highest_paid == by_account.highest_paid == {"JPY": 900, "USD": 7}
        assert of_another.highest_paid == {}

    async def test_what_was_paid_can_be_stored_without_a_checkout(self, tallies: Tallies) -> None:
        tallies.count_paid(MARKS, "a-1", 900, "JPY", at=NOON)
        await tallies.store_paid()
        await tallies.store_paid()

        assert (await tallies.look(MARKS, "a-1", at=NOON)).highest_paid == {"JPY": 900}

    async def test_the_highest_stays_the_highest(self, tallies: Tallies) -> None:
        for amount in (900, 100):
            tallies.count_paid(MARKS, "", amount, "JPY", at=NOON)
            await tallies.count_try(MARKS, at=NOON)

        assert (await tallies.look(MARKS, "", at=NOON)).highest_paid == {"JPY": 900}

    async def test_an_erased_account_has_never_paid(self, tallies: Tallies) -> None:
        tallies.count_paid(MARKS, "a-1", 900, "JPY", at=NOON)
        await tallies.count_try(MARKS, at=NOON)
        tallies.count_paid(MARKS, "a-1", 900, "JPY", at=NOON)

        await tallies.forget("a-1", ["c1"])
        await tallies.count_try(MARKS, at=NOON)

        assert (await tallies.look(MARKS, "a-1", at=NOON)).highest_paid == {}


def a_block(kind: Kind = Kind.CARD, mark: str = "c1", note: str = "chargeback") -> Block:
    return Block(kind, mark, "staff:s-1", NOON, note)


class BlocksSuite:
    async def test_what_is_listed_is_seen(self, blocks: Blocks, tallies: Tallies) -> None:
        await blocks.add(a_block())
        await blocks.add(a_block(Kind.EMAIL, "e9"))

        assert (await tallies.look(MARKS, "", at=NOON)).listed == {Kind.CARD}

    async def test_entries_are_listed_by_pages(self, blocks: Blocks) -> None:
        for kind in Kind:
            await blocks.add(a_block(kind))

        first = await blocks.entries(behind="", limit=3)
        rest = await blocks.entries(behind=first[-1].id, limit=3)

        assert [each.id for each in (*first, *rest)] == ["address-c1", "card-c1", "email-c1", "network-c1"]
        assert first[1] == a_block()

    async def test_the_first_entry_stays(self, blocks: Blocks) -> None:
        await asyncio.gather(*(blocks.add(a_block(note="first")) for _ in range(5)))
        await blocks.add(a_block(note="second"))

        assert [each.note for each in await blocks.entries(behind="", limit=9)] == ["first"]

    async def test_an_entry_is_taken_away_once(self, blocks: Blocks, tallies: Tallies) -> None:
        await blocks.add(a_block())

        removed = await asyncio.gather(*(blocks.remove(a_block().id) for _ in range(5)))

        assert removed.count(True) == 1
        assert (await tallies.look(MARKS, "", at=NOON)).listed == frozenset()
        assert await blocks.remove("nonsense") is False
