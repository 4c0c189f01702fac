"""What a person may ask of mailer: a copy, and to be forgotten. Through the handlers of its queues."""

from datetime import timedelta

import pytest

from services.mailer.mydata.holdings import PERSONS
from services.mailer.notices.domain import NoticeState
from services.mailer.subscriptions.domain import Request, SubscriptionState
from services.mailer.subscriptions.usecases import Applicant, ask
from services.mailer.testing.builders import NOVEMBER, terms
from services.mailer.work import MESSAGES, PURCHASES, build_work
from shared.contracts.auth import MessageRequested, Recipient
from shared.contracts.mailer import PersonErased, PersonExported
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.events import Event
from shared.testing.clock import NOON
from shared.testing.persons import EMAIL, AskingAuth, told

SOON = NOON + timedelta(seconds=9)
BEFORE = NOON - timedelta(seconds=9)


@pytest.fixture
def deps(shop):
    return shop.deps()


@pytest.fixture
def auth(shop):
    return AskingAuth(shop.sealing)


async def hear(deps, event):
    """The event arrives on the queue that is bound to it."""
    queue = {MessageRequested.TYPE: MESSAGES, PurchaseCompleted.TYPE: PURCHASES}.get(event.type, PERSONS)
    await build_work(deps).handlers[queue][event.type](event)


def a_message(shop, template="verify", *, id="m-1", email=EMAIL, at=NOON):
    recipient = Recipient(name="Ann", email=email, link="https://shop.example/x")
    sealed = shop.sealing.sealer.seal_for(
        {"mailer": recipient}, event_type=MessageRequested.TYPE, event_id=id, field="recipient"
    )
    requested = MessageRequested(message_id=id, template=template, requested_at=at, recipient=sealed)
    return Event.of(requested, id=id, subject="a-1", at=at)


def a_purchase(shop, *, id="o-1", email=EMAIL, newsletter=False, at=NOON, placed=None):
    buyer = Buyer(name="Ann", email=email, order_link="https://shop.example/o", newsletter=newsletter)
    if not email:
        buyer = Buyer()
    sealed = shop.sealing.sealer.seal_for(
        {"mailer": buyer}, event_type=PurchaseCompleted.TYPE, event_id=id, field="buyer"
    )
    values = {
        "order_id": id,
        "number": "N",
        "purchased_at": at,
        "currency": "JPY",
        "items": [],
        "total_minor": 1,
        "placed_at": placed,
    }
    return Event.of(PurchaseCompleted.model_validate(values | {"buyer": sealed}), id=id, subject=id, at=at)


async def copy_of(shop, deps, auth, email=EMAIL):
    await hear(deps, auth.export(email=email))
    return auth.collected(shop.answers.events[-1], PersonExported)


async def test_a_copy_has_the_subscription_with_its_consent_what_was_sent_and_service_mails(shop, deps, auth):
    subscriber = await shop.subscriber(EMAIL)
    await shop.subscriber("bo@example.org")
    await shop.campaign()
    await shop.send()
    await hear(deps, a_message(shop))

    sections = await copy_of(shop, deps, auth)

    [subscription] = sections["subscription"]
    assert (subscription["email"], subscription["name"], subscription["state"]) == (EMAIL, "Ann", "confirmed")
    assert subscription["consent"]["source"] == "test"
    assert subscription["consent"]["wording"]
    assert sections["months"] == [{"month": NOVEMBER, "newsletters": 1}]
    assert [(row["campaign"], row["result"]) for row in sections["newsletters"]] == [("c-1", "accepted")]
    assert [(row["about"], row["state"]) for row in sections["service-mails"]] == [("verify", "queued")]
    assert subscriber not in repr(sections)
    assert "bo@" not in repr(sections)


async def test_a_copy_for_an_address_that_never_subscribed_is_empty(shop, deps, auth):
    sections = await copy_of(shop, deps, auth, "nobody@example.org")

    assert sections == {"subscription": [], "months": [], "newsletters": [], "service-mails": []}


async def test_an_erasure_ends_the_subscription_forgets_the_person_and_keeps_the_counts(shop, deps, auth):
    subscriber = await shop.subscriber(EMAIL)
    await shop.campaign()
    await shop.send()
    shop.later(seconds=1)

    await hear(deps, auth.erasure(email=EMAIL.upper(), at=SOON))

    assert told(shop.answers.events[0], PersonErased) == {
        "erased": {"subscription": 1, "name-and-address": 1},
        "kept": {"suppression": 1, "month-counts": 1},
    }
    found = await shop.subscribers.get(subscriber)
    assert (found.state, found.person) == (SubscriptionState.UNSUBSCRIBED, None)
    assert shop.subscribers.records[subscriber].months[NOVEMBER] == 1
    assert subscriber in shop.data_keys.erased
    assert [event.type for event in shop.relay.events] == ["mailer.subscription.changed.v1"]


async def test_a_claim_that_is_not_at_its_dot_is_cancelled(shop, deps, auth):
    subscriber = await shop.subscriber(EMAIL)
    await shop.claims.claim([subscriber], terms(caps={NOVEMBER: 3}, fence="f-1"))

    await hear(deps, auth.erasure())

    assert await shop.claims.mark_dot([subscriber], "f-1") == set()
    assert shop.subscribers.records[subscriber].months[NOVEMBER] == 0


async def test_who_comes_back_is_capped_by_what_was_counted_before(shop, deps, auth):
    await shop.subscriber(EMAIL)
    await shop.campaign("c-1")
    await shop.send()
    await hear(deps, auth.erasure(at=NOON))
    shop.later(seconds=9)
    await ask(deps, Applicant(EMAIL, "Ann"), Request("again", ("offers",), "en", "page"))

    record = next(iter(shop.subscribers.records.values()))

    assert record.subscription.state is SubscriptionState.PENDING
    assert record.months[NOVEMBER] == 1


async def test_waiting_mails_of_the_account_are_dropped_and_receipts_go_out(shop, deps, auth):
    for event in (a_message(shop), a_purchase(shop), a_message(shop, id="m-2", email="bo@example.org")):
        await hear(deps, event)

    await hear(deps, auth.erasure(at=SOON))
    mails = await shop.mails()

    assert told(shop.answers.events[0], PersonErased) == {
        "erased": {"service-mails": 1},
        "kept": {"receipts-on-their-way": 1},
    }
    assert sorted(recipient for recipient, _ in mails) == [EMAIL, "bo@example.org"]
    assert {key: each.state for key, each in shop.notices.stored.items()} == {
        "message:m-1": NoticeState.FORGOTTEN,
        "receipt:o-1": NoticeState.ACCEPTED,
        "message:m-2": NoticeState.ACCEPTED,
    }
    assert [each.address_key != "" for each in shop.notices.stored.values()] == [False, False, True]


async def test_mails_that_were_asked_for_before_and_arrive_after_are_dropped(shop, deps, auth):
    await hear(deps, auth.erasure())

    await hear(deps, a_message(shop, "password-changed", at=BEFORE))
    await hear(deps, a_message(shop, "verify", id="m-2", at=SOON))

    assert list(shop.notices.stored) == ["message:m-2"]


async def test_the_mail_that_tells_of_the_erasure_itself_goes_out(shop, deps, auth):
    await hear(deps, auth.erasure())

    await hear(deps, a_message(shop, "erased"))

    assert list(shop.notices.stored) == ["message:m-1"]


async def test_a_receipt_that_arrives_after_the_erasure_goes_out_and_subscribes_nobody(shop, deps, auth):
    await shop.subscriber(EMAIL)
    await hear(deps, auth.erasure())

    await hear(deps, a_purchase(shop, newsletter=True, at=BEFORE))
    await hear(deps, a_purchase(shop, id="o-2", email="new@example.org", newsletter=True, at=BEFORE))

    assert sorted(shop.notices.stored) == ["confirm:order-o-2", "receipt:o-1", "receipt:o-2"]
    states = sorted(record.subscription.state.value for record in shop.subscribers.records.values())
    assert states == ["pending", "unsubscribed"]


async def test_a_wish_that_is_written_while_the_person_leaves_is_forgotten_too(shop, deps, auth):
    class Leaves:
        """The person leaves after the wish was looked at, and before it is written."""

        asked = 0

        async def remember(self, key, at):
            raise AssertionError

        async def until(self, key):
            self.asked += 1
            return NOON if self.asked > 1 else None

    import dataclasses

    await hear(dataclasses.replace(deps, forgotten=Leaves()), a_purchase(shop, newsletter=True, at=BEFORE))

    [record] = shop.subscribers.records.values()
    assert (record.subscription.state, record.subscription.person) == (SubscriptionState.UNSUBSCRIBED, None)


async def test_a_purchase_without_a_buyer_brings_no_receipt_and_no_dead_letter(shop, deps):
    await hear(deps, a_purchase(shop, email=""))

    assert shop.notices.stored == {}


async def test_who_has_subscribed_again_since_is_left_alone(shop, deps, auth):
    subscriber = await shop.subscriber(EMAIL)

    await hear(deps, auth.erasure(at=BEFORE))

    assert (await shop.subscribers.get(subscriber)).state is SubscriptionState.CONFIRMED
    assert told(shop.answers.events[0], PersonErased) == {"erased": {}, "kept": {}}


async def test_the_same_erasure_twice_answers_once_and_the_same(shop, deps, auth):
    await shop.subscriber(EMAIL)

    for _ in range(2):
        await hear(deps, auth.erasure())

    [answer] = shop.answers.events
    assert told(answer, PersonErased)["erased"] == {"subscription": 1, "name-and-address": 1}


async def test_an_address_that_mailer_never_heard_of_is_answered_with_nothing(shop, deps, auth):
    await hear(deps, auth.erasure(email="nobody@example.org"))

    assert told(shop.answers.events[0], PersonErased) == {"erased": {}, "kept": {}}


async def test_what_is_known_under_an_earlier_address_is_exported_and_forgotten_too(shop, deps, auth):
    earlier = await shop.subscriber("ann@old.example")
    later = await shop.subscriber(EMAIL)
    stranger = await shop.subscriber("bo@example.org")
    await hear(deps, a_message(shop, email="ann@old.example"))
    await hear(deps, auth.export(former=("ann@old.example",)))
    sections = auth.collected(shop.answers.events[-1], PersonExported)

    await hear(deps, auth.erasure(former=("ann@old.example",), at=SOON))

    assert [row["email"] for row in sections["subscription"]] == [EMAIL, "ann@old.example"]
    assert len(sections["service-mails"]) == 1
    assert told(shop.answers.events[-1], PersonErased)["erased"] == {
        "subscription": 2, "name-and-address": 2, "service-mails": 1,
    }  # fmt: skip
    states = [(await shop.subscribers.get(each)).state for each in (earlier, later, stranger)]
    assert states == [SubscriptionState.UNSUBSCRIBED, SubscriptionState.UNSUBSCRIBED, SubscriptionState.CONFIRMED]
    assert (await shop.subscribers.get(earlier)).person is None


@pytest.mark.parametrize("erasure_first", [True, False])
async def test_a_wish_of_before_the_erasure_that_was_paid_after_it_is_nobodys(shop, deps, auth, erasure_first):
    shop.later(seconds=9)
    events = [auth.erasure(at=NOON), a_purchase(shop, newsletter=True, at=SOON, placed=BEFORE)]
    for event in events if erasure_first else reversed(events):
        await hear(deps, event)

    found = [record.subscription for record in shop.subscribers.records.values()]
    assert [(each.state, each.person) for each in found] == (
        [] if erasure_first else [(SubscriptionState.UNSUBSCRIBED, None)]
    )
    assert "receipt:o-1" in shop.notices.stored


async def test_a_wish_of_after_the_erasure_is_heard(shop, deps, auth):
    await hear(deps, auth.erasure(at=BEFORE))

    await hear(deps, a_purchase(shop, newsletter=True, at=SOON, placed=NOON))

    [record] = shop.subscribers.records.values()
    assert record.subscription.state is SubscriptionState.PENDING
