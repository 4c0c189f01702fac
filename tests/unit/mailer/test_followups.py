"""What follows a purchase: to subscribers alone, under the cap, once."""

from datetime import timedelta

import pytest

from services.mailer.campaigns.domain import CampaignState
from services.mailer.order_events import ORDERS
from services.mailer.testing.harness import body_of
from services.mailer.work import PURCHASES, build_work
from shared.contracts.orders import Buyer, Notified, OrderCancelled, PurchaseCompleted
from shared.events import Event
from shared.testing.clock import NOON
from shared.testing.identity import an_identity

PATH = "/api/mailer/campaigns"
ANN = "ann@example.org"


def staff(shop, who="staff-1"):
    return shop.auth.headers(an_identity(who, "marketing"))


async def planned(shop, client, **changes):
    body = {
        "topic": "offers",
        "content": {"en": {"subject": "Care", "markdown": "How to care for it, {{ name }}"}},
        "send_at": shop.clock().isoformat(),
        "follow_up": {"after_days": 7, "skus": ["w-1"]},
    }
    made = await client.post(PATH, json=body | changes, headers=staff(shop))
    assert made.status == 201, await made.text()
    return (await made.json())["id"]


async def buy(shop, *, order="o-1", sku="w-1", email=ANN, newsletter=False):
    deps = shop.deps()
    buyer = Buyer(name="Ann", email=email, order_link="https://shop.example/o", newsletter=newsletter)
    sealed = shop.sealing.sealer.seal_for(
        {"mailer": buyer}, event_type=PurchaseCompleted.TYPE, event_id=order, field="buyer"
    )
    item = {
        "item_id": f"{order}-1",
        "sku": sku,
        "name": "Watch",
        "quantity": 1,
        "unit_price_minor": 1,
        "warranty_months": 12,
    }
    values = {
        "order_id": order, "number": "N", "purchased_at": shop.clock(), "currency": "JPY", "items": [item],
        "total_minor": 1, "buyer": sealed,
    }  # fmt: skip
    event = Event.of(PurchaseCompleted.model_validate(values), id=order, subject=order, at=shop.clock())
    await build_work(deps).handlers[PURCHASES][event.type](event)


async def cancel(shop, order="o-1"):
    to = Notified(name="Ann", email=ANN, order_link="https://shop.example/o")
    sealed = shop.sealing.sealer.seal_for(
        {"mailer": to}, event_type=OrderCancelled.TYPE, event_id="x-1", field="recipient"
    )
    told = OrderCancelled(
        order_id=order, number="N", cancelled_at=shop.clock(), by="buyer", currency="JPY", refund_minor=1,
        recipient=sealed,
    )  # fmt: skip
    event = Event.of(told, id="x-1", subject=order, at=shop.clock())
    await build_work(shop.deps()).handlers[ORDERS][event.type](event)


def newsletters(shop):
    return [recipient for recipient, message in shop.sink.messages if b"List-Unsubscribe" in message]


async def test_a_subscribers_purchase_is_followed_a_week_later_once(shop, client):
    await shop.subscriber(ANN)
    await planned(shop, client)
    await buy(shop)
    await buy(shop)
    shop.later(days=6)
    await shop.send()
    before = newsletters(shop)
    shop.later(days=1)
    for _ in range(2):
        await shop.send()
    await buy(shop, order="o-2")
    shop.later(days=40)
    await shop.send()

    assert (before, newsletters(shop)) == ([], [ANN])
    mail = next(mail for _, mail in await shop.mails() if mail["List-Unsubscribe"])
    assert "How to care for it, Ann" in body_of(mail)


async def test_who_is_no_subscriber_gets_nothing_and_nothing_is_noted(shop, client):
    await planned(shop, client)

    await buy(shop)
    shop.later(days=8)
    await shop.send()

    assert newsletters(shop) == []
    assert shop.subscribers.records == {}


async def test_who_ticked_the_box_and_never_confirmed_gets_nothing(shop, client):
    await planned(shop, client)

    await buy(shop, newsletter=True)
    shop.later(days=8)
    await shop.send()

    assert newsletters(shop) == []


async def test_who_confirms_after_the_purchase_gets_what_follows_it(shop, client):
    await planned(shop, client)
    await buy(shop, newsletter=True)
    [record] = shop.subscribers.records.values()
    token = shop.links.confirm_token(record.subscription.id, 1, at=shop.clock())
    await client.post("/api/mailer/subscriptions/confirm", json={"token": token})
    shop.later(days=8)
    await shop.send()

    assert newsletters(shop) == [ANN]


@pytest.mark.parametrize(("sku", "got"), [("w-1", 1), ("w-2", 0)])
async def test_only_the_articles_that_it_is_about_are_followed(shop, client, sku, got):
    await shop.subscriber(ANN)
    await planned(shop, client)

    await buy(shop, sku=sku)
    shop.later(days=8)
    await shop.send()

    assert len(newsletters(shop)) == got


async def test_it_takes_its_place_in_the_month_like_any_newsletter(shop, client):
    await shop.subscriber(ANN)
    await planned(shop, client, follow_up={"after_days": 0})
    for number in range(3):
        await shop.campaign(f"c-{number}")
    await shop.send()
    await buy(shop)

    await shop.send()
    in_november = len(newsletters(shop))
    shop.later(days=12)
    await shop.send()

    assert (in_november, len(newsletters(shop))) == (3, 4)


async def test_what_found_no_place_for_a_month_is_not_sent_any_more(shop, client):
    await shop.subscriber(ANN)
    await planned(shop, client, follow_up={"after_days": 0})
    await buy(shop)

    shop.later(days=36)
    await shop.send()

    assert newsletters(shop) == []


async def test_nothing_follows_an_order_that_was_cancelled(shop, client):
    await shop.subscriber(ANN)
    await planned(shop, client)
    await buy(shop)

    await cancel(shop)
    shop.later(days=8)
    await shop.send()

    assert newsletters(shop) == []


async def test_nothing_follows_for_who_has_left_also_after_coming_back(shop, client):
    subscriber = await shop.subscriber(ANN)
    await planned(shop, client)
    await buy(shop)

    await client.post(f"/newsletter/unsubscribe?t={shop.links.subscriber_token(subscriber)}")
    await client.post(
        "/api/mailer/subscriptions", json={"email": ANN, "name": "Ann", "language": "en", "topics": ["offers"]}
    )
    token = shop.links.confirm_token(subscriber, 2, at=shop.clock())
    await client.post("/api/mailer/subscriptions/confirm", json={"token": token})
    shop.later(days=8)
    await shop.send()

    assert newsletters(shop) == []


async def test_its_text_can_be_changed_until_the_first_is_due_and_it_goes_on_afterwards(shop, client):
    await shop.subscriber(ANN)
    key = await planned(shop, client)
    await shop.send()
    body = {
        "topic": "offers", "content": {"en": {"subject": "New", "markdown": "Other"}},
        "send_at": shop.clock().isoformat(), "follow_up": {"after_days": 7},
    }  # fmt: skip
    edited = await client.put(f"{PATH}/{key}", json=body, headers=staff(shop))
    await buy(shop, sku="w-2")
    shop.later(days=8)
    await shop.send()
    later = body | {"send_at": shop.clock().isoformat()}
    late = await client.put(f"{PATH}/{key}", json=later, headers=staff(shop))

    assert (edited.status, late.status) == (200, 409)
    assert newsletters(shop) == [ANN]
    assert shop.campaigns.stored[key].state is CampaignState.SENDING


async def test_it_ends_with_its_time(shop, client):
    key = await planned(shop, client, not_after=(NOON + timedelta(days=30)).isoformat())

    shop.later(days=31)
    await shop.send()

    assert shop.campaigns.stored[key].state is CampaignState.SENT


@pytest.mark.parametrize(
    ("follow_up", "pointer"),
    [
        ({"after_days": -1}, "/follow_up/after_days"),
        ({"after_days": 366}, "/follow_up/after_days"),
        ({"after_days": 1, "skus": ["a b"]}, "/follow_up/skus/0"),
        ({}, "/follow_up/after_days"),
    ],
)
async def test_what_cannot_be_followed_is_refused(shop, client, follow_up, pointer):
    body = {
        "topic": "offers", "content": {"en": {"subject": "x", "markdown": "y"}}, "send_at": shop.clock().isoformat(),
        "follow_up": follow_up,
    }  # fmt: skip
    refused = await client.post(PATH, json=body, headers=staff(shop))

    assert refused.status == 422
    assert [error["pointer"] for error in (await refused.json())["errors"]] == [pointer]


async def test_it_is_written_on_the_desk_like_any_other(shop, client):
    form = {
        "topic": "offers", "content.en.subject": "Care", "content.en.markdown": "text", "send_at": "2026-11-24T10:00",
        "follow_up.after_days": "7", "follow_up.skus": "w-1 w-2",
    }  # fmt: skip
    made = await client.post("/desk/newsletter/new", data=form, headers=staff(shop), allow_redirects=False)
    path = made.headers["Location"].partition("?")[0]
    shown = await (await client.get(path, headers=staff(shop))).text()
    edit = await (await client.get(f"{path}/edit", headers=staff(shop))).text()

    [campaign] = shop.campaigns.stored.values()
    assert campaign.follow_up is not None
    assert (campaign.follow_up.after_days, campaign.follow_up.skus) == (7, ("w-1", "w-2"))
    assert "7 days after a purchase w-1, w-2" in shown
    assert 'value="w-1 w-2"' in edit


async def test_the_copy_of_ones_data_tells_what_will_follow(shop, client):
    from services.mailer.mydata.holdings import PERSONS
    from shared.contracts.mailer import PersonExported
    from shared.testing.persons import EMAIL, AskingAuth

    await shop.subscriber(EMAIL)
    key = await planned(shop, client)
    await buy(shop, email=EMAIL)
    auth = AskingAuth(shop.sealing)
    event = auth.export(email=EMAIL)
    await build_work(shop.deps()).handlers[PERSONS][event.type](event)

    sections = auth.collected(shop.answers.events[-1], PersonExported)

    [row] = sections["subscription"]
    assert row["follow_ups"] == [{"campaign": key, "due_at": (NOON + timedelta(days=7)).isoformat()}]
