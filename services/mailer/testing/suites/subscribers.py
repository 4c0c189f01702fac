"""What every `Subscribers` does. Subclass it and give a fixture `subscribers`, empty."""

import asyncio
from dataclasses import replace

import pytest

from services.mailer.subscriptions.domain import (
    Asks,
    NoSuchSubscriber,
    Person,
    Subscription,
    SubscriptionState,
    changed,
)
from services.mailer.subscriptions.store import Changed, Subscribers
from services.mailer.testing.builders import a_subscription
from shared.events import Event
from shared.testing.clock import NOON


def ending(subscription: Subscription) -> Event:
    """What unsubscribing announces."""
    return changed(subscription.id, SubscriptionState.UNSUBSCRIBED, at=NOON, event_id="e-1")


class SubscribersSuite:
    """The contract."""

    async def test_what_is_added_is_found_as_it_was(self, subscribers: Subscribers) -> None:
        subscription = a_subscription(topics=("offers", "new-products"), language="ja")
        subscription = replace(
            subscription, asks=Asks("2026-11-22", ("a", "b")), round=3, paused_until=NOON, fewer=True
        )
        await subscribers.add(subscription)

        assert await subscribers.get(subscription.id) == subscription
        assert await subscribers.find_by_address(subscription.address_key) == subscription
        assert await subscribers.find_by_address("another") is None

    async def test_an_address_is_added_once(self, subscribers: Subscribers) -> None:
        await subscribers.add(a_subscription(address_key="one"))

        with pytest.raises(Changed):
            await subscribers.add(a_subscription(address_key="one"))

    async def test_of_two_adding_at_once_one_is_told(self, subscribers: Subscribers) -> None:
        outcomes = await asyncio.gather(
            *(subscribers.add(a_subscription(address_key="one")) for _ in range(5)), return_exceptions=True
        )

        assert sum(outcome is None for outcome in outcomes) == 1
        assert all(outcome is None or isinstance(outcome, Changed) for outcome in outcomes)

    async def test_of_two_saving_at_once_one_is_told(self, subscribers: Subscribers) -> None:
        subscription = a_subscription()
        await subscribers.add(subscription)

        outcomes = await asyncio.gather(
            *(subscribers.save(replace(subscription, language="ja"), []) for _ in range(5)), return_exceptions=True
        )

        saved = [outcome for outcome in outcomes if isinstance(outcome, Subscription)]
        assert [each.revision for each in saved] == [1]
        assert await subscribers.get(subscription.id) == saved[0]

    async def test_unsubscribing_is_done_once_and_said_each_time(self, subscribers: Subscribers) -> None:
        subscription = a_subscription()
        await subscribers.add(subscription)

        done = [await subscribers.unsubscribe(subscription.id, ending(subscription), at=NOON) for _ in range(2)]

        assert done == [True, False]
        ended = await subscribers.get(subscription.id)
        assert (ended.state, ended.revision) == (SubscriptionState.UNSUBSCRIBED, 1)

    async def test_a_save_decided_before_unsubscribing_is_refused(self, subscribers: Subscribers) -> None:
        subscription = a_subscription()
        await subscribers.add(subscription)
        await subscribers.unsubscribe(subscription.id, ending(subscription), at=NOON)

        with pytest.raises(Changed):
            await subscribers.save(replace(subscription, language="ja"), [])

    async def test_the_unknown_cannot_leave(self, subscribers: Subscribers) -> None:
        with pytest.raises(NoSuchSubscriber):
            await subscribers.unsubscribe("nobody", ending(a_subscription()), at=NOON)
        with pytest.raises(NoSuchSubscriber):
            await subscribers.get("nobody")

    async def test_forgetting_drops_the_person_and_keeps_the_address_known(self, subscribers: Subscribers) -> None:
        subscription = a_subscription(address_key="one")
        await subscribers.add(subscription)

        await subscribers.forget(subscription.id)

        found = await subscribers.find_by_address("one")
        assert found is not None
        assert (found.id, found.person) == (subscription.id, None)
        back = await subscribers.save(replace(found, person=Person(b"e", b"n", "other")), [])
        assert back.person == Person(b"e", b"n", "other")
