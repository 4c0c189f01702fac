"""What every `Claims` does: the cap, the ledger, and two claimers at once.

Subclass it and give a fixture `stores`: a pair of `Subscribers` and `Claims` over the same documents, empty.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from services.mailer.months import CapPlace
from services.mailer.sending.domain import EVERYBODY, Claimed, Forecast, Hour, Result, Span
from services.mailer.sending.store import Claims
from services.mailer.subscriptions.domain import SubscriptionState, changed
from services.mailer.subscriptions.store import Subscribers
from services.mailer.testing.builders import FEBRUARY, NOVEMBER, a_subscription, terms
from shared.testing.clock import NOON

Stores = tuple[Subscribers, Claims]
LATER = NOON + timedelta(minutes=1)


async def some(stores: Stores, count: int = 1) -> list[str]:
    """Confirmed subscribers."""
    subscriptions = [a_subscription() for _ in range(count)]
    for subscription in subscriptions:
        await stores[0].add(subscription)
    return sorted(each.id for each in subscriptions)


def ids_of(claimed: list[Claimed]) -> list[str]:
    """In order."""
    return sorted(each.subscriber_id for each in claimed)


async def one_copy(stores: Stores, ids: list[str], campaign: str, *, caps: dict[str, int]) -> list[str]:
    """Claim, mark, settle as accepted; who got it."""
    under = terms(campaign, fence=f"fence-{campaign}", caps=caps)
    claimed = ids_of(await stores[1].claim(ids, under))
    await stores[1].mark_dot(claimed, under.fence)
    await stores[1].settle(claimed, under.fence, Result.ACCEPTED, at=LATER)
    return claimed


async def leave(stores: Stores, reader: str) -> bool:
    """Unsubscribe."""
    event = changed(reader, SubscriptionState.UNSUBSCRIBED, at=LATER, event_id=f"e-{reader}")
    return await stores[0].unsubscribe(reader, event, at=LATER)


class ClaimsSuite:
    """The contract."""

    async def test_a_claim_brings_the_sealed_person_and_counts_the_month(self, stores: Stores) -> None:
        [reader] = await some(stores)

        [claimed] = await stores[1].claim([reader], terms())

        assert claimed == Claimed(reader, "en", b"sealed email", b"sealed name", reader)
        assert await one_copy(stores, [reader], "c-2", caps={NOVEMBER: 1}) == []

    @pytest.mark.parametrize(("month", "cap"), [(NOVEMBER, 3), (FEBRUARY, 1)])
    async def test_a_month_holds_as_many_as_its_cap(self, stores: Stores, month: str, cap: int) -> None:
        ids = await some(stores, 3)

        got = [await one_copy(stores, ids, f"c-{number}", caps={month: cap}) for number in range(cap + 2)]

        assert got == [ids] * cap + [[]] * 2

    async def test_a_cap_of_nothing_lets_nothing_through(self, stores: Stores) -> None:
        ids = await some(stores)

        assert await stores[1].claim(ids, terms(caps={FEBRUARY: 0})) == []

    async def test_near_the_edge_both_months_count(self, stores: Stores) -> None:
        ids = await some(stores)
        both = {"2026-10": 1, NOVEMBER: 3}

        assert await one_copy(stores, ids, "c-1", caps=both) == ids
        assert await one_copy(stores, ids, "c-2", caps=both) == []
        assert await one_copy(stores, ids, "c-3", caps={NOVEMBER: 2}) == ids
        assert await one_copy(stores, ids, "c-4", caps={NOVEMBER: 2}) == []

    async def test_nobody_gets_the_same_issue_twice(self, stores: Stores) -> None:
        ids = await some(stores)
        await one_copy(stores, ids, "c-1", caps={NOVEMBER: 3})

        assert await stores[1].candidates(terms(fence="f-2"), EVERYBODY, limit=10) == []
        assert await stores[1].claim(ids, terms(fence="f-2")) == []

    async def test_one_claim_at_a_time(self, stores: Stores) -> None:
        ids = await some(stores)
        await stores[1].claim(ids, terms())

        assert await stores[1].claim(ids, terms("c-2", fence="f-2")) == []

    @pytest.mark.parametrize("state", [SubscriptionState.PENDING, SubscriptionState.UNSUBSCRIBED])
    async def test_only_the_confirmed_are_claimed(self, stores: Stores, state: SubscriptionState) -> None:
        subscription = a_subscription(state=state)
        await stores[0].add(subscription)

        assert await stores[1].claim([subscription.id], terms()) == []

    async def test_only_subscribers_to_the_topic_are_claimed(self, stores: Stores) -> None:
        ids = await some(stores)

        assert await stores[1].candidates(terms(topic="competitions"), EVERYBODY, limit=10) == []
        assert await stores[1].claim(ids, terms(topic="competitions")) == []

    async def test_who_paused_is_claimed_once_the_pause_is_over(self, stores: Stores) -> None:
        subscription = a_subscription(paused_until=LATER)
        await stores[0].add(subscription)

        assert await stores[1].candidates(terms(), EVERYBODY, limit=10) == []
        assert await stores[1].claim([subscription.id], terms()) == []
        forecast = await stores[1].forecast("c-1", "offers", CapPlace(NOVEMBER, {NOVEMBER: 3}), at=NOON)
        assert (forecast.now, forecast.paused) == (0, 1)
        assert ids_of(await stores[1].claim([subscription.id], terms(at=LATER))) == [subscription.id]

    async def test_who_wants_fewer_gets_one_where_others_get_three(self, stores: Stores) -> None:
        subscription = a_subscription(fewer=True)
        await stores[0].add(subscription)
        [reader] = await some(stores)
        ids = [reader, subscription.id]

        got = [await one_copy(stores, ids, f"n-{issue}", caps={NOVEMBER: 3}) for issue in range(4)]

        assert got == [sorted(ids), [reader], [reader], []]
        forecast = await stores[1].forecast("c-9", "offers", CapPlace(NOVEMBER, {NOVEMBER: 3}), at=NOON)
        assert (forecast.now, forecast.capped) == (0, 2)

    async def test_fewer_is_no_way_round_a_cap_of_none(self, stores: Stores) -> None:
        subscription = a_subscription(fewer=True)
        await stores[0].add(subscription)

        assert await stores[1].claim([subscription.id], terms(caps={NOVEMBER: 3, "2026-12": 0})) == []

    async def test_a_released_claim_is_lost_to_its_holder_and_its_place_is_free(self, stores: Stores) -> None:
        [reader] = await some(stores)
        await stores[1].claim([reader], terms(caps={NOVEMBER: 1}))

        assert await stores[1].release(reader)

        assert await stores[1].mark_dot([reader], "f-1") == set()
        assert await one_copy(stores, [reader], "c-2", caps={NOVEMBER: 1}) == [reader]

    async def test_a_claim_at_its_dot_is_not_released(self, stores: Stores) -> None:
        [reader] = await some(stores)
        await stores[1].claim([reader], terms())
        await stores[1].mark_dot([reader], "f-1")

        assert not await stores[1].release(reader)
        assert not await stores[1].release("nobody")

        assert await stores[1].settle([reader], "f-1", Result.ACCEPTED, at=LATER) == 1

    async def test_candidates_come_in_order_and_in_pages(self, stores: Stores) -> None:
        ids = await some(stores, 5)

        first = await stores[1].candidates(terms(), EVERYBODY, limit=3)
        rest = await stores[1].candidates(terms(), Span(first[-1]), limit=3)

        assert first + rest == ids

    async def test_a_span_ends_with_its_last_key_and_spans_meet_without_a_gap(self, stores: Stores) -> None:
        ids = await some(stores, 5)

        first = await stores[1].boundary(terms(), after="", size=2)
        second = await stores[1].boundary(terms(), after=first, size=2)
        last = await stores[1].boundary(terms(), after=second, size=2)

        assert [first, second, last] == [ids[1], ids[3], ids[4]]
        assert await stores[1].boundary(terms(), after=last, size=2) == ""
        assert await stores[1].candidates(terms(), Span(first, second), limit=9) == ids[2:4]

    async def test_whoever_cannot_be_claimed_takes_no_room_in_a_span(self, stores: Stores) -> None:
        ids = await some(stores, 4)
        await stores[1].claim(ids[:2], terms())

        assert await stores[1].boundary(terms(fence="f-2"), after="", size=2) == ids[3]

    async def test_the_fences_of_live_claims_are_told(self, stores: Stores) -> None:
        ids = await some(stores, 2)
        await stores[1].claim(ids[:1], terms(fence="f-1"))
        await stores[1].claim(ids[1:], terms(fence="f-2"))
        before = await stores[1].fences(terms().campaign_id)
        await stores[1].settle(ids[:1], "f-1", Result.ACCEPTED, at=LATER)

        assert before == {"f-1", "f-2"}
        assert await stores[1].fences(terms().campaign_id) == {"f-2"}

    async def test_of_many_claimers_at_once_each_subscriber_has_one(self, stores: Stores) -> None:
        ids = await some(stores, 40)

        batches = await asyncio.gather(
            *(stores[1].claim(ids, terms(fence=f"t-{number}", run_id=f"r-{number}")) for number in range(8))
        )

        claimed = sorted(each.subscriber_id for batch in batches for each in batch)
        assert claimed == ids

    async def test_of_many_issues_at_once_no_month_holds_too_many(self, stores: Stores) -> None:
        ids = await some(stores, 20)

        async def persist(issue: int) -> list[str]:
            got: list[str] = []
            for attempt in range(12):
                under = terms(f"c-{issue}", fence=f"t-{issue}-{attempt}")
                claimed = ids_of(await stores[1].claim(ids, under))
                await stores[1].mark_dot(claimed, under.fence)
                await stores[1].settle(claimed, under.fence, Result.ACCEPTED, at=LATER)
                got += claimed
            return got

        got = await asyncio.gather(*(persist(issue) for issue in range(6)))

        assert all(len(each) == len(set(each)) for each in got)
        copies = [reader for each in got for reader in each]
        assert max(copies.count(reader) for reader in ids) <= 3

    async def test_a_claim_given_back_is_free_again(self, stores: Stores) -> None:
        ids = await some(stores)
        await stores[1].claim(ids, terms(caps={FEBRUARY: 1}))

        settled = await stores[1].settle(ids, "f-1", Result.GIVEN_BACK, at=LATER)

        assert settled == 1
        assert await one_copy(stores, ids, "c-1", caps={FEBRUARY: 1}) == ids

    async def test_a_refused_copy_frees_the_month_but_not_the_issue(self, stores: Stores) -> None:
        ids = await some(stores)
        await stores[1].claim(ids, terms(caps={FEBRUARY: 1}))

        await stores[1].settle(ids, "f-1", Result.REFUSED, at=LATER)

        assert await stores[1].claim(ids, terms(fence="f-2", caps={FEBRUARY: 1})) == []
        assert await one_copy(stores, ids, "c-2", caps={FEBRUARY: 1}) == ids

    async def test_an_unknown_copy_counts(self, stores: Stores) -> None:
        ids = await some(stores)
        await stores[1].claim(ids, terms(caps={FEBRUARY: 1}))
        await stores[1].mark_dot(ids, "f-1")

        await stores[1].settle(ids, "f-1", Result.UNKNOWN, at=LATER)

        assert await stores[1].claim(ids, terms(fence="f-2", caps={FEBRUARY: 1})) == []
        assert await stores[1].claim(ids, terms("c-2", fence="f-2", caps={FEBRUARY: 1})) == []

    async def test_a_dot_is_marked_once_and_by_its_claimer_only(self, stores: Stores) -> None:
        ids = await some(stores, 2)
        await stores[1].claim(ids, terms())

        assert await stores[1].mark_dot(ids, "t-other") == set()
        assert await stores[1].mark_dot(ids[:1], "f-1") == {ids[0]}
        assert await stores[1].mark_dot(ids, "f-1") == {ids[1]}

    async def test_only_the_claimer_settles(self, stores: Stores) -> None:
        ids = await some(stores)
        await stores[1].claim(ids, terms())

        assert await stores[1].settle(ids, "t-other", Result.ACCEPTED, at=LATER) == 0
        assert await stores[1].holders("c-1") == {"r-1"}

    async def test_unsubscribing_cancels_a_claim_in_its_own_write(self, stores: Stores) -> None:
        [reader] = await some(stores)
        await stores[1].claim([reader], terms(caps={FEBRUARY: 1}))

        assert await leave(stores, reader)

        assert await stores[1].mark_dot([reader], "f-1") == set()
        assert await stores[1].holders("c-1") == set()

    async def test_unsubscribing_and_coming_back_does_not_reset_the_count(self, stores: Stores) -> None:
        [reader] = await some(stores)
        await one_copy(stores, [reader], "c-1", caps={FEBRUARY: 1})
        await leave(stores, reader)
        await stores[0].forget(reader)
        ended = await stores[0].get(reader)
        await stores[0].save(replace(ended, state=SubscriptionState.CONFIRMED, person=a_subscription().person), [])

        assert await one_copy(stores, [reader], "c-2", caps={FEBRUARY: 1}) == []

    async def test_a_claim_cancelled_by_unsubscribing_frees_its_month(self, stores: Stores) -> None:
        [reader] = await some(stores)
        await stores[1].claim([reader], terms(caps={FEBRUARY: 1}))
        await leave(stores, reader)

        assert await stores[1].settle([reader], "f-1", Result.GIVEN_BACK, at=LATER) == 0
        forecast = await stores[1].forecast("c-2", "offers", CapPlace(FEBRUARY, {FEBRUARY: 1}), at=NOON)
        assert (forecast.suppressed, forecast.capped) == (1, 0)

    async def test_unsubscribing_at_the_dot_leaves_the_copy_to_its_sender(self, stores: Stores) -> None:
        [reader] = await some(stores)
        await stores[1].claim([reader], terms())
        await stores[1].mark_dot([reader], "f-1")

        assert await leave(stores, reader)

        assert await stores[1].settle([reader], "f-1", Result.ACCEPTED, at=LATER) == 1

    async def test_unsubscribe_and_dot_at_once_have_one_winner(self, stores: Stores) -> None:
        ids = await some(stores, 30)
        await stores[1].claim(ids, terms())

        leaving = asyncio.gather(*(leave(stores, reader) for reader in ids))
        marks, _ = await asyncio.gather(stores[1].mark_dot(ids, "f-1"), leaving)

        assert await stores[1].settle(ids, "f-1", Result.ACCEPTED, at=LATER) == len(marks)

    async def test_what_a_dead_run_claimed_is_free_and_what_was_at_its_dot_unknown(self, stores: Stores) -> None:
        ids = await some(stores, 3)
        await stores[1].claim(ids[:2], terms(caps={FEBRUARY: 1}))
        await stores[1].mark_dot(ids[:1], "f-1")
        await stores[1].claim(ids[2:], terms(fence="f-2", run_id="r-2", caps={FEBRUARY: 1}))

        recovered = await stores[1].recover("c-1", ["r-1"], at=LATER)

        assert (recovered.given_back, recovered.unknown) == (1, 1)
        assert ids_of(await stores[1].claim(ids, terms(fence="f-3", caps={FEBRUARY: 1}))) == [ids[1]]
        assert (await stores[1].results("c-1"))[Result.UNKNOWN] == 1

    async def test_a_claim_that_nobody_can_still_hold_is_recovered(self, stores: Stores) -> None:
        ids = await some(stores)
        await stores[1].claim(ids, terms())

        recovered = await stores[1].recover("c-1", [], at=NOON + timedelta(hours=2))

        assert recovered.given_back == 1

    async def test_a_cancelled_campaign_loses_its_claims_before_the_dot(self, stores: Stores) -> None:
        ids = await some(stores, 2)
        await stores[1].claim(ids, terms())
        await stores[1].mark_dot(ids[:1], "f-1")

        assert await stores[1].cancel("c-1") == 1
        assert await stores[1].mark_dot(ids, "f-1") == set()
        assert await one_copy(stores, ids[1:], "c-2", caps={NOVEMBER: 1}) == ids[1:]

    async def test_the_forecast_tells_why(self, stores: Stores) -> None:
        ids = await some(stores, 6)
        edge = {"2026-10": 1, NOVEMBER: 3}
        await one_copy(stores, ids[:1], "before", caps={"2026-10": 1})
        for issue in range(3):
            await one_copy(stores, ids[1:2], f"n-{issue}", caps={NOVEMBER: 3})
        await leave(stores, ids[2])
        await stores[1].claim(ids[3:4], terms(caps=edge))
        await one_copy(stores, ids[4:5], "c-1", caps=edge)

        forecast = await stores[1].forecast("c-1", "offers", CapPlace(NOVEMBER, edge), at=NOON)

        assert forecast == Forecast(now=1, capped=2, waiting=1, being_sent=1, suppressed=1)

    async def test_a_copy_that_was_put_off_waits_and_its_place_is_free(self, stores: Stores) -> None:
        ids = await some(stores, 2)
        for reader in ids:
            await stores[1].claim([reader], terms(fence=reader, caps={FEBRUARY: 1}))
            await stores[1].settle([reader], reader, Result.DEFERRED, at=LATER)

        waiting = (await stores[1].results("c-1"))[Result.DEFERRED]
        got = await one_copy(stores, ids[:1], "c-1", caps={FEBRUARY: 1})

        assert (waiting, got) == (2, ids[:1])
        results = await stores[1].results("c-1")
        assert (results[Result.DEFERRED], results[Result.ACCEPTED]) == (1, 1)

    async def test_hours_of_the_shop_hold_what_happened_in_them(self, stores: Stores) -> None:
        ids = await some(stores, 3)
        for reader, minutes in zip(ids, (0, 10, 90), strict=True):
            at = NOON + timedelta(minutes=minutes)
            result = Result.REFUSED if minutes == 10 else Result.ACCEPTED
            await stores[1].claim([reader], terms(fence=reader))
            await stores[1].settle([reader], reader, result, at=at)
        await leave(stores, ids[0])

        hours = await stores[1].by_hour("c-1", ZoneInfo("Asia/Kolkata"))

        first = NOON - timedelta(minutes=30)
        assert hours == [
            Hour(first, Counter({Result.ACCEPTED: 1, Result.REFUSED: 1}), 1),
            Hour(first + timedelta(hours=2), Counter({Result.ACCEPTED: 1}), 0),
        ]
        assert await stores[1].by_hour("c-2", ZoneInfo("Asia/Tokyo")) == []

    async def test_who_left_after_a_later_newsletter_did_not_leave_because_of_the_first(self, stores: Stores) -> None:
        ids = await some(stores)
        await one_copy(stores, ids, "c-1", caps={NOVEMBER: 3})
        await one_copy(stores, ids, "c-2", caps={NOVEMBER: 3})
        await leave(stores, ids[0])

        left = [
            sum(hour.unsubscribed for hour in await stores[1].by_hour(each, ZoneInfo("UTC"))) for each in ("c-1", "c-2")
        ]

        assert left == [0, 1]

    async def test_a_follow_up_is_claimed_once_it_is_due_and_while_it_is(self, stores: Stores) -> None:
        ids = await some(stores, 3)
        for reader, days in zip(ids, (0, 1, -35), strict=True):
            due_at = NOON + timedelta(days=days)
            assert await stores[0].follow(reader, "c-1", order_id="o-1", due_at=due_at)
        following = replace(terms(), is_follow_up=True)

        assert await stores[1].candidates(following, EVERYBODY, limit=9) == ids[:1]
        forecast = await stores[1].forecast(
            "c-1", "offers", CapPlace(NOVEMBER, {NOVEMBER: 3}), at=NOON, is_follow_up=True
        )
        assert (forecast.now, forecast.capped) == (1, 0)
        assert ids_of(await stores[1].claim(ids, following)) == ids[:1]
        assert await stores[1].claim(ids, replace(terms("c-2", fence="f-2"), is_follow_up=True)) == []

    async def test_a_follow_up_counts_like_any_newsletter(self, stores: Stores) -> None:
        [reader] = await some(stores)
        await stores[0].follow(reader, "c-1", order_id="o-1", due_at=NOON)
        await one_copy(stores, [reader], "n-1", caps={FEBRUARY: 1})

        assert await stores[1].claim([reader], replace(terms(caps={FEBRUARY: 1}), is_follow_up=True)) == []

    async def test_a_follow_up_comes_once_whatever_is_bought_again(self, stores: Stores) -> None:
        [reader] = await some(stores)

        noted = [
            await stores[0].follow(reader, "c-1", order_id=f"o-{n}", due_at=NOON + timedelta(days=n)) for n in range(2)
        ]
        await one_copy(stores, [reader], "c-2", caps={NOVEMBER: 3})

        assert noted == [True, False]
        assert not await stores[0].follow(reader, "c-2", order_id="o-3", due_at=NOON)
        assert (await stores[0].history(reader)).due == {"c-1": NOON}

    async def test_nothing_follows_a_cancelled_order_or_who_has_left(self, stores: Stores) -> None:
        ids = await some(stores, 3)
        for reader in ids:
            await stores[0].follow(reader, "c-1", order_id="o-1", due_at=NOON)
        await stores[0].unfollow(ids[0], "o-1")
        await stores[0].unfollow(ids[1], "o-2")
        await leave(stores, ids[2])

        due = [(await stores[0].history(reader)).due for reader in ids]

        assert due == [{}, {"c-1": NOON}, {}]
        assert not await stores[0].follow(ids[2], "c-1", order_id="o-2", due_at=NOON)

    async def test_results_and_those_who_left_are_counted(self, stores: Stores) -> None:
        ids = await some(stores, 4)
        await one_copy(stores, ids[:1], "c-1", caps={NOVEMBER: 3})
        await stores[1].claim(ids[1:2], terms())
        await stores[1].settle(ids[1:2], "f-1", Result.REFUSED, at=LATER)
        await leave(stores, ids[0])
        await leave(stores, ids[2])

        results = await stores[1].results("c-1")

        assert (results[Result.ACCEPTED], results[Result.REFUSED], results[Result.UNKNOWN]) == (1, 1, 0)
        assert await stores[1].left_since("c-1", "offers", NOON) == 1
        assert await stores[1].left_since("c-1", "offers", LATER + timedelta(seconds=1)) == 0
