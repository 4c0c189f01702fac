"""What every `Returns` does. Subclass it and give a fixture `stores`: `Subscribers`, `Claims` and `Returns`, empty."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.mailer.bounces.reading import Kind
from services.mailer.bounces.store import Noted, Return, Returns
from services.mailer.bounces.tags import Stream, Tag, mark_of
from services.mailer.sending.store import Claims
from services.mailer.subscriptions.store import Subscribers
from services.mailer.testing.builders import NOVEMBER, a_subscription, terms
from services.mailer.testing.suites.claims import LATER, one_copy, some
from shared.errors import TransientError
from shared.testing.clock import NOON

Stores = tuple[Subscribers, Claims, Returns]
KEY = "ab" * 32


def back(reader: str, kind: Kind = Kind.HARD, *, campaign: str = "c-1") -> Return:
    """A copy of a campaign that came back."""
    return Return(Tag(Stream.NEWSLETTER, reader, mark_of(campaign)), kind, "5.1.1", LATER)


async def a_reader(stores: Stores, *campaigns: str) -> str:
    """Somebody who got these."""
    [reader] = await some(stores[:2])
    for campaign in campaigns:
        await one_copy(stores[:2], [reader], campaign, caps={NOVEMBER: 9})
    return reader


class ReturnsSuite:
    """The contract."""

    async def test_a_bounce_is_noted_with_its_copy_once(self, stores: Stores) -> None:
        reader = await a_reader(stores, "c-1", "c-2")

        first, second = [await stores[2].note(back(reader)) for _ in range(2)]

        assert first == Noted(reader, "c-1")
        assert second == Noted(reader, "c-1", is_new=False)
        assert (await stores[2].counts("c-1"))[Kind.HARD] == 1
        assert (await stores[2].counts("c-2"))[Kind.HARD] == 0

    async def test_told_by_many_at_once_it_is_new_to_one(self, stores: Stores) -> None:
        reader = await a_reader(stores, "c-1")

        told = await asyncio.gather(*(stores[2].note(back(reader)) for _ in range(8)))

        assert sum(each is not None and each.is_new for each in told) == 1

    async def test_the_worse_of_two_stays(self, stores: Stores) -> None:
        reader = await a_reader(stores, "c-1")

        await stores[2].note(back(reader, Kind.SOFT))
        worse = await stores[2].note(back(reader, Kind.COMPLAINT))
        milder = await stores[2].note(back(reader, Kind.SOFT))

        assert worse is not None
        assert worse.is_new
        assert milder is not None
        assert not milder.is_new
        counts = await stores[2].counts("c-1")
        assert (counts[Kind.SOFT], counts[Kind.COMPLAINT]) == (0, 1)

    async def test_soft_ones_are_counted_among_the_latest(self, stores: Stores) -> None:
        campaigns = [f"c-{number}" for number in range(8)]
        reader = await a_reader(stores, *campaigns)

        noted = [await stores[2].note(back(reader, Kind.SOFT, campaign=each)) for each in campaigns]

        assert [each and each.soft for each in noted] == [0, 0, 1, 2, 3, 4, 5, 6]

    async def test_what_nobody_got_is_not_noted(self, stores: Stores) -> None:
        reader = await a_reader(stores, "c-1")

        assert await stores[2].note(back(reader, campaign="other")) is None
        assert await stores[2].note(back("0" * 32)) is None

    async def test_a_copy_at_its_dot_has_to_be_told_of_again(self, stores: Stores) -> None:
        reader = await a_reader(stores)
        await stores[1].claim([reader], terms("c-1"))
        await stores[1].mark_dot([reader], "f-1")

        with pytest.raises(TransientError, match="not stored yet"):
            await stores[2].note(back(reader))

    async def test_a_copy_of_an_earlier_subscription_says_nothing_of_this_one(self, stores: Stores) -> None:
        reader = await a_reader(stores, "c-1")
        found = await stores[0].get(reader)
        consent = replace(found.consent, confirmed_at=LATER + timedelta(days=1))
        await stores[0].save(replace(found, consent=consent), [])

        noted = await stores[2].note(back(reader))

        assert noted is not None
        assert noted.is_over

    async def test_service_mail_is_found_by_half_of_the_addresss_hash(self, stores: Stores) -> None:
        subscription = a_subscription(address_key=KEY)
        await stores[0].add(subscription)
        minute = (int(NOON.timestamp()) // 60 + 1).to_bytes(4, "big")

        found = await stores[2].note(Return(Tag(Stream.SERVICE, KEY[:32], minute), Kind.HARD, "", LATER))
        other = await stores[2].note(Return(Tag(Stream.SERVICE, "cd" * 16, minute), Kind.HARD, "", LATER))

        assert found == Noted(subscription.id)
        assert other is None

    async def test_nothing_that_is_counted_or_claimed_is_touched(self, stores: Stores) -> None:
        reader = await a_reader(stores, "c-1")
        before = await stores[0].history(reader), await stores[0].get(reader)

        await stores[2].note(back(reader))

        after = await stores[0].history(reader), await stores[0].get(reader)
        assert after[0].months == before[0].months
        assert [each.result for each in after[0].issues] == [each.result for each in before[0].issues]
        assert after[1] == before[1]
