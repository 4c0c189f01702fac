"""What happens to an order is told by mail: once for each happening, in the buyer's language and currency."""

import asyncio
from datetime import timedelta

import pytest

from services.mailer.addresses import key_of
from services.mailer.notices.domain import NoticeState
from services.mailer.order_events import order_handlers
from services.mailer.testing.harness import body_of
from shared.contracts.orders import (
    GuestOrder,
    GuestOrders,
    LinkRequested,
    Notified,
    OrderCancelled,
    OrderShipped,
    RefundCompleted,
    WithdrawalReceived,
)
from shared.events import Event
from shared.sealing import CannotOpen
from shared.testing.clock import NOON

LINK = "https://shop.example/orders/o-1?t=abc"
ANN = Notified(name="Ann", email="ann@example.org", order_link=LINK)
ORDER = {"order_id": "o-1", "number": "7F3K-Q2XM-9ABC"}


def event(shop, contract, to=ANN, **values):
    sealed = shop.sealing.sealer.seal_for({"mailer": to}, event_type=contract.TYPE, event_id="e-1", field="recipient")
    told = contract.model_validate({"recipient": sealed, **values})
    return Event.of(told, id="e-1", subject="o-1", at=NOON)


def shipped(shop, to=None, **values):
    to = to or ANN.model_copy(update={"carrier": "Yamato", "tracking": "1234-5678"})
    return event(shop, OrderShipped, to, **ORDER, shipped_at=NOON, items=(), **values)


def cancelled(shop, refund_minor=20600, **values):
    return event(shop, OrderCancelled, **ORDER | {"cancelled_at": NOON, "by": "buyer", "currency": "JPY",
                                                 "refund_minor": refund_minor} | values)  # fmt: skip


def refunded(shop, refund_id="r-1", **values):
    facts = {"completed_at": NOON, "currency": "USD", "amount_minor": 9900, "refunded_minor": 12000, "source": "desk"}
    return event(shop, RefundCompleted, **ORDER | facts | {"refund_id": refund_id} | values)


def withdrawal(shop, **values):
    facts = {"received_at": NOON, "currency": "EUR", "refund_minor": 14400, "must_return": True}
    return event(shop, WithdrawalReceived, **ORDER | facts | values)


def links(shop):
    orders = [
        GuestOrder(number=f"N-{n}", placed_at=NOON, link=f"https://shop.example/orders/o-{n}?t=x") for n in (1, 2)
    ]
    to = GuestOrders(name="Ann", email="ann@example.org", orders=tuple(orders))
    return event(shop, LinkRequested, to, request_id="q-1", requested_at=NOON, expires_at=NOON + timedelta(hours=24))


async def handle(shop, *events):
    handlers = order_handlers(shop.deps())
    for each in events:
        await handlers[each.type](each)


async def mail(shop, *events):
    await handle(shop, *events)
    [(recipient, mail)] = await shop.mails()
    assert recipient == "ann@example.org"
    assert mail["List-Unsubscribe"] is None
    return mail


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("en", "Your order 7F3K-Q2XM-9ABC is on its way", ["handed to Yamato", "1234-5678", LINK]),
        ("de", "Ihre Bestellung 7F3K-Q2XM-9ABC ist unterwegs", ["an Yamato übergeben", "1234-5678", LINK]),
        ("ja", "ご注文 7F3K-Q2XM-9ABC を発送しました", ["Yamatoへ引き渡しました", "1234-5678", LINK]),
    ],
)
async def test_a_parcel_is_announced_with_its_tracking_number(shop, language, subject, words):
    told = await mail(shop, shipped(shop, language=language))

    assert told["Subject"] == subject
    for word in words:
        assert word in body_of(told)


@pytest.mark.parametrize(
    ("language", "amount"), [("en", "¥20,600 goes back"), ("de", "20.600\xa0¥ geht"), ("ja", "￥20,600 を返金します")]
)
async def test_a_cancellation_says_what_goes_back(shop, language, amount):
    told = await mail(shop, cancelled(shop, language=language))

    assert amount in body_of(told)


async def test_a_cancellation_before_any_money_was_taken_says_so(shop):
    told = await mail(shop, cancelled(shop, 0))

    assert "No money is taken for it." in body_of(told)
    assert "goes back" not in body_of(told)


@pytest.mark.parametrize(("language", "amount", "in_all"), [("en", "$99.00", "$120.00"), ("de", "99,00", "120,00")])
async def test_a_refund_says_how_much_and_how_much_in_all(shop, language, amount, in_all):
    told = await mail(shop, refunded(shop, language=language))

    assert amount in body_of(told)
    assert in_all in body_of(told)


@pytest.mark.parametrize(
    ("language", "when"),
    [("en", "November 22, 2026"), ("de", "22. November 2026"), ("ja", "2026年11月22日")],
)
async def test_a_withdrawal_is_acknowledged_with_date_and_time(shop, language, when):
    told = await mail(shop, withdrawal(shop, language=language))

    text = body_of(told)
    assert when in text
    assert "12:00" in text  # NOON in Tokyo
    assert "144" in text
    assert "7F3K-Q2XM-9ABC" in told["Subject"]


async def test_a_withdrawal_before_shipping_asks_for_no_return(shop):
    told = await mail(shop, withdrawal(shop, must_return=False))

    assert "send the goods back" not in body_of(told)
    assert "the order is cancelled" in body_of(told)


async def test_a_withdrawal_of_what_is_back_already_asks_for_no_return(shop):
    told = await mail(shop, withdrawal(shop, must_return=False, is_back=True))

    assert "send the goods back" not in body_of(told)
    assert "the order is cancelled" not in body_of(told)
    assert "back with us already" in body_of(told)


async def test_the_links_to_a_guests_orders_are_in_one_mail_that_calls_nobody_by_name(shop):
    told = await mail(shop, links(shop))

    text, html = body_of(told), body_of(told, "html")
    for n in (1, 2):
        assert f"https://shop.example/orders/o-{n}?t=x" in text
        assert f'href="https://shop.example/orders/o-{n}?t=x"' in html
        assert f"N-{n} (November 22, 2026)" in text
    assert "Ann" not in text
    assert "If this was not you" in text


async def test_links_that_are_too_old_are_not_sent(shop):
    await handle(shop, links(shop))
    shop.clock.advance(seconds=25 * 3600)

    assert await shop.mails() == []
    assert shop.notices.stored["order-links:q-1"].state is NoticeState.EXPIRED


@pytest.mark.parametrize("told", [shipped, cancelled, refunded, withdrawal, links])
async def test_twice_the_same_event_is_one_mail(shop, told):
    await asyncio.gather(*(handle(shop, told(shop)) for _ in range(5)))
    await shop.mails()
    await handle(shop, told(shop))

    assert len(await shop.mails()) == 1


async def test_two_refunds_of_an_order_are_two_mails(shop):
    await handle(shop, refunded(shop), refunded(shop, "r-2"))

    assert len(await shop.mails()) == 2


@pytest.mark.parametrize("told", [shipped, cancelled, refunded, withdrawal])
async def test_an_erased_buyer_gets_no_mail(shop, told):
    message = told(shop)
    sealed = shop.sealing.sealer.seal_for(
        {"mailer": Notified()}, event_type=message.type, event_id="e-1", field="recipient"
    )
    message.data["recipient"] = {reader: box.model_dump() for reader, box in sealed.items()}

    await handle(shop, message)

    assert shop.notices.stored == {}


async def test_who_was_forgotten_since_gets_no_mail(shop):
    deps = shop.deps()
    await deps.forgotten.remember(key_of(deps.index, "ann@example.org"), NOON)

    await handle(shop, shipped(shop))

    assert shop.notices.stored == {}


async def test_a_box_that_was_moved_is_refused(shop):
    moved = shipped(shop)
    other = Event(**{name: getattr(moved, name) for name in ("type", "source", "subject", "time", "data")}, id="e-2")

    with pytest.raises(CannotOpen):
        await handle(shop, other)
