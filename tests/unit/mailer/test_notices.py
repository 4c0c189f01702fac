import asyncio
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from services.mailer.languages import LANGUAGES, texts
from services.mailer.notices.domain import (
    CampaignFacts,
    ClaimFacts,
    Content,
    Line,
    NoticeState,
    OrderFacts,
    ReceiptFacts,
    TaxFacts,
)
from services.mailer.notices.letters import TEMPLATES
from services.mailer.notices.post import NoticeRequest
from services.mailer.testing.harness import body_of, read_mail
from services.mailer.testing.sink import CUT, SILENT
from services.mailer.work import build_work, send_message, send_receipt
from shared.contracts.auth import MailTemplate, MessageRequested, Recipient
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.events import Event
from shared.sealing import CannotOpen
from shared.testing.clock import NOON

PAGES = Path(__file__).parents[3] / "services/auth/pages/words"
FACTS = ReceiptFacts(
    number="7F3K-Q2XM",
    purchased_at=NOON,
    currency="USD",
    lines=(Line(name="Tokyoflash <Kisai>", quantity=2, amount_minor=19800),),
    shipping_minor=1000,
    total_minor=20800,
)


def an_order(key="receipt:o-1", template="receipt", language="en", **changes):
    content = Content(
        email="ann@example.org",
        name="Ann",
        link="https://shop.example/orders/o-1",
        receipt=FACTS,
        order=OrderFacts(number="7F3K-Q2XM", happened_at=NOON),
    )
    return NoticeRequest(key, template, language, content.model_copy(update=changes))


@pytest.fixture
def post(shop):
    return shop.deps().post


def times(stage, reply, count):
    left = [count]

    def script(at, recipient):
        if at == stage and left[0] > 0:
            left[0] -= 1
            return reply
        return None

    return script


def state(shop, key="receipt:o-1"):
    return shop.notices.stored[key].state


def message_ids(shop):
    return [read_mail(message)["Message-ID"] for _, message in shop.sink.messages]


async def test_a_receipt_says_what_was_bought(shop, post):
    await post.take(an_order())

    [(recipient, mail)] = await shop.mails()
    assert recipient == "ann@example.org"
    assert mail["Subject"] == "Receipt for your order 7F3K-Q2XM"
    assert mail["To"] == "Ann <ann@example.org>"
    text, html = body_of(mail), body_of(mail, "html")
    for part in ("$198.00", "$10.00", "$208.00", "November 22, 2026", "https://shop.example/orders/o-1"):
        assert part in text
        assert part in html
    assert "Shipping: $10.00" in text
    assert "Total: $208.00" in text
    assert "Tokyoflash <Kisai>" in text
    assert "Tokyoflash &lt;Kisai&gt;" in html


async def test_a_receipt_is_in_the_buyer_s_language_and_currency(shop, post):
    yen = FACTS.model_copy(update={"currency": "JPY", "total_minor": 20800})
    await post.take(an_order(language="ja", receipt=yen, name="\u5c71\u7530"))

    [(_, mail)] = await shop.mails()
    assert mail["Subject"] == "\u3054\u6ce8\u6587 7F3K-Q2XM \u306e\u9818\u53ce\u66f8"
    assert "\uffe520,800" in body_of(mail)
    assert "2026\u5e7411\u670822\u65e5" in body_of(mail)


@pytest.mark.parametrize(
    ("language", "kind", "included", "said"),
    [
        ("en", "vat", True, "Included: VAT 19%"),
        ("en", "gst", False, "GST 19%"),
        ("de", "vat", True, "Darin enthalten: MwSt. 19\xa0%"),
        ("ja", "consumption_tax", True, "内 消費税 19%"),
        ("en", "of a later release", True, "Included: tax 19%"),
    ],
)
async def test_a_receipt_says_which_tax_was_paid(shop, post, language, kind, included, said):
    tax = TaxFacts(kind=kind, rate_bp=1900, amount_minor=3321, included=included)
    await post.take(an_order(language=language, receipt=FACTS.model_copy(update={"tax": tax})))

    [(_, mail)] = await shop.mails()
    text, total = body_of(mail), {"en": "Total", "de": "Summe", "ja": "合計"}[language]
    assert said in text
    assert "33" in text.partition(said)[2]
    assert (text.index(said) > text.index(total)) is included


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
async def test_every_template_is_whole_in_every_language(shop, post, template, language):
    claim = ClaimFacts(number="C-1", product="Kisai", happened_at=NOON, remedy="repair", message="Hm.", serial="TF-1")
    campaign = CampaignFacts(number="c-1", sent=900, bounced=45, complained=3)
    topics = ("offers", "competitions", "new-products")
    await post.take(an_order("n", template, language, topics=topics, claim=claim, campaign=campaign))

    [(_, mail)] = await shop.mails()
    for body in (body_of(mail), body_of(mail, "html")):
        assert "https://shop.example/orders/o-1" in body
        assert not re.search(r"[{}]", body)
        hosts = set(re.findall(r"https?://([^/\s\"<>]+)", body))
        assert hosts == {"shop.example"}
    assert mail["List-Unsubscribe"] is None
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_the_same_order_twice_is_one_mail(shop, post):
    await asyncio.gather(*(post.take(an_order()) for _ in range(5)))
    await shop.mails()
    await post.take(an_order())

    assert len(await shop.mails()) == 1
    assert state(shop) is NoticeState.ACCEPTED


async def test_afterwards_the_person_is_forgotten(shop, post):
    await post.take(an_order())
    assert b"ann@example.org" not in shop.notices.stored["receipt:o-1"].content
    await shop.mails()

    assert shop.notices.stored["receipt:o-1"].content == b""
    assert shop.data_keys.stored == {}


async def test_a_notice_from_an_old_backup_is_neither_read_nor_sent_again(shop, post):
    await post.take(an_order())
    backup = dict(shop.notices.stored)
    await shop.mails()

    shop.notices.stored |= backup

    assert len(await shop.mails()) == 1
    assert state(shop) is NoticeState.FORGOTTEN
    assert shop.notices.stored["receipt:o-1"].content == b""


async def test_a_waiting_notice_ends_with_the_erasure_of_its_person(shop, post):
    await post.take(an_order())
    await shop.people.erase(shop.notices.stored["receipt:o-1"].person_id)

    assert await shop.mails() == []
    assert state(shop) is NoticeState.FORGOTTEN


async def test_an_order_that_comes_again_leaves_one_key(shop, post):
    for _ in range(3):
        await post.take(an_order())

    assert list(shop.data_keys.stored) == [shop.notices.stored["receipt:o-1"].person_id]


async def test_a_process_that_died_while_it_ended_a_notice_sends_nothing_twice(shop, post):
    await post.take(an_order())
    key = "receipt:o-1"
    await shop.runs.beat("dead", ttl_s=-1)
    await shop.notices.claim("dead", at=shop.clock(), limit=1)
    await shop.notices.mark_dot([key], "dead")
    await shop.data_keys.withdraw(shop.notices.stored[key].person_id)  # and then it died, before it settled

    await post.poll()
    shop.later(days=1)

    assert await shop.mails() == []
    assert state(shop) is NoticeState.FORGOTTEN


@pytest.mark.parametrize(("stage", "reply"), [("text", CUT), ("dot", CUT), ("dot", SILENT)])
async def test_an_unknown_outcome_is_sent_once_more_with_the_same_message_id(shop, post, stage, reply):
    await post.take(an_order())
    shop.sink.script = times(stage, reply, 1)

    await shop.mails()
    assert state(shop) is NoticeState.UNKNOWN
    shop.later(seconds=16)
    await shop.mails()
    shop.later(days=1)
    await shop.mails()

    assert state(shop) is NoticeState.ACCEPTED
    assert shop.sink.accepted.total() == (1 if stage == "text" else 2)
    assert len(set(message_ids(shop))) == 1


async def test_after_a_second_unknown_outcome_staff_are_told_and_nothing_more_is_sent(shop, post):
    await post.take(an_order())
    shop.sink.script = times("dot", CUT, 9)

    for _ in range(5):
        await shop.mails()
        shop.later(hours=1)

    assert shop.sink.accepted.total() == 2
    assert state(shop) is NoticeState.ALARM


@pytest.mark.parametrize("stage", ["mail", "rcpt", "dot"])
async def test_what_is_deferred_comes_later_as_often_as_needed(shop, post, stage):
    await post.take(an_order())
    shop.sink.script = times(stage, b"451 later", 4)

    for _ in range(6):
        await shop.mails()
        shop.later(hours=2)

    assert shop.sink.accepted.total() == 1
    assert state(shop) is NoticeState.ACCEPTED


@pytest.mark.parametrize("stage", ["rcpt", "dot"])
async def test_what_is_refused_is_not_tried_again(shop, post, stage):
    await post.take(an_order())
    shop.sink.script = times(stage, b"550 no", 1)

    for _ in range(3):
        await shop.mails()
        shop.later(hours=2)

    assert (shop.sink.accepted.total(), state(shop)) == (0, NoticeState.REFUSED)


async def test_a_relay_that_is_away_costs_only_time(shop, post):
    await post.take(an_order())
    shop.sink.script = times("connect", CUT, 3)

    for _ in range(5):
        await shop.mails()
        shop.later(hours=1)

    assert shop.sink.accepted.total() == 1


async def test_a_link_that_has_expired_is_not_sent(shop, post):
    order = an_order("message:m-1", "verify")
    await post.take(NoticeRequest(order.key, order.template, order.language, order.content, NOON + timedelta(hours=1)))
    shop.later(hours=2)

    assert await shop.mails() == []
    assert state(shop, "message:m-1") is NoticeState.EXPIRED


@pytest.mark.parametrize(
    ("language", "warning"),
    [
        ("en", "If you did not register yourself, do not follow it, and give the code to nobody."),
        ("de", "folgen Sie ihm bitte nicht, und geben Sie den Code niemandem."),
        ("ja", "ご自身で登録されていない場合は、リンクを開かないでください。"),
    ],
)
async def test_who_did_not_register_is_told_not_to_follow_the_link(shop, post, language, warning):
    await post.take(an_order("message:m-1", "verify", language))

    [(_, mail)] = await shop.mails()

    assert warning in body_of(mail)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_code_stands_beside_the_link(shop, post, language):
    await post.take(an_order("message:m-1", "verify", language, code="K7QF-2M9P"))
    await post.take(an_order("message:m-2", "reset", language))

    mails = {mail["Subject"]: mail for _, mail in await shop.mails()}

    subjects = [texts(language)[name]["subject"].format(shop="Tokyoflash Japan") for name in ("verify", "reset")]
    with_code, without = (mails[subject] for subject in subjects)
    for kind in ("plain", "html"):
        assert "K7QF-2M9P" in body_of(with_code, kind)
        assert texts(language)["code"] in body_of(with_code, kind)
        assert texts(language)["code"] not in body_of(without, kind)


@pytest.mark.parametrize("template", ["verify", "already-registered", "reset", "email-confirm", "confirm"])
async def test_what_strangers_can_cause_calls_nobody_by_name(shop, post, template):
    await post.take(an_order("message:m-1", template, name="Win A Prize"))

    [(_, mail)] = await shop.mails()

    assert "Win A Prize" not in mail.as_string()
    assert "If this was not you, you need not do anything." in body_of(mail)


@pytest.mark.parametrize("template", get_args(MailTemplate))
async def test_what_the_owner_must_look_at_is_never_called_harmless(shop, post, template):
    await post.take(an_order("message:m-1", template))

    [(_, mail)] = await shop.mails()

    is_harmless = "you need not do anything" in body_of(mail)
    assert is_harmless == (template in ("verify", "already-registered", "reset", "email-confirm"))
    assert body_of(mail).startswith("Hello," if is_harmless else "Hello Ann,")


async def test_who_died_before_the_dot_is_made_up_for(shop, post):
    await post.take(an_order())
    await shop.runs.beat("dead", ttl_s=-1)
    await shop.notices.claim("dead", at=shop.clock(), limit=1)

    await post.poll()

    assert post.wake.is_set()
    assert len(await shop.mails()) == 1


async def test_who_died_at_the_dot_leaves_one_repetition(shop, post):
    await post.take(an_order())
    await shop.runs.beat("dead", ttl_s=-1)
    await shop.notices.claim("dead", at=shop.clock(), limit=1)
    await shop.notices.mark_dot(["receipt:o-1"], "dead")
    await post.poll()
    at_once = len(await shop.mails())
    shop.later(seconds=16)
    shop.sink.script = times("dot", CUT, 9)
    await shop.mails()

    assert at_once == 0
    assert (shop.sink.accepted.total(), state(shop)) == (1, NoticeState.ALARM)


async def test_one_silent_reply_does_not_hold_up_the_others(shop, post):
    shop.sink.script = lambda stage, recipient: SILENT if (stage, recipient[:1]) == ("dot", "s") else None
    stop = asyncio.Event()
    running = asyncio.create_task(post.run(stop))
    await post.take(an_order("receipt:slow", email="slow@example.org"))
    await shop.sink.wait_for(1)
    for number in range(10):
        await post.take(an_order(f"receipt:{number}"))

    async with asyncio.timeout(0.9):
        await shop.sink.wait_for(11)
    stop.set()
    async with asyncio.timeout(5):
        await running

    assert state(shop, "receipt:slow") is NoticeState.UNKNOWN


async def test_the_loop_ends_in_good_order(shop, post):
    stop = asyncio.Event()
    running = asyncio.create_task(post.run(stop))
    await post.take(an_order())
    await shop.sink.wait_for(1)
    stop.set()

    async with asyncio.timeout(5):
        await running

    assert state(shop) is NoticeState.ACCEPTED


def purchase(shop, *, newsletter=False, id="e-1"):
    buyer = Buyer(
        name="Ann", email="ann@example.org", order_link="https://shop.example/orders/o-1", newsletter=newsletter
    )
    sealed = shop.sealing.sealer.seal_for(
        {"mailer": buyer}, event_type=PurchaseCompleted.TYPE, event_id=id, field="buyer"
    )
    item = {"sku": "K1", "name": "Kisai", "unit_price_minor": 9900, "warranty_months": 24}
    contract = PurchaseCompleted.model_validate(
        {
            "order_id": "o-1",
            "number": "7F3K-Q2XM",
            "purchased_at": NOON,
            "currency": "EUR",
            "language": "de",
            "items": [item | {"item_id": f"o-1-{number}"} for number in range(2)],
            "total_minor": 19800,
            "tax": {"kind": "vat", "rate_bp": 1900, "amount_minor": 3161, "included": True},
            "buyer": sealed,
        }
    )
    return Event.of(contract, id=id, subject="o-1", at=NOON)


async def test_a_purchase_brings_one_receipt_however_often_it_is_told(shop):
    deps = shop.deps()

    for event_id in ("e-1", "e-1", "e-2"):
        await send_receipt(deps, purchase(shop, id=event_id))

    [(_, mail)] = await shop.mails()
    assert mail["Subject"] == "Rechnung zu Ihrer Bestellung 7F3K-Q2XM"
    assert "198,00\xa0\u20ac" in body_of(mail)
    assert "31,61\xa0\u20ac" in body_of(mail)
    assert shop.subscribers.records == {}


async def test_a_ticked_box_asks_for_confirmation_once(shop):
    deps = shop.deps()

    for _ in range(5):
        await send_receipt(deps, purchase(shop, newsletter=True))

    subjects = sorted(mail["Subject"] for _, mail in await shop.mails())
    assert len(subjects) == 2
    assert subjects[0].startswith("Bitte best\u00e4tigen")
    [record] = shop.subscribers.records.values()
    assert (record.subscription.state, record.subscription.consent.source) == ("pending", "checkout")
    assert len(record.subscription.asks.keys) == 1


async def test_auth_s_messages_are_sent_by_their_template(shop):
    deps = shop.deps()
    recipient = Recipient(name="Ann", email="ann@example.org", link="https://shop.example/verify?t=x", code="K7QF-2M9P")
    sealed = shop.sealing.sealer.seal_for(
        {"mailer": recipient}, event_type=MessageRequested.TYPE, event_id="e-1", field="recipient"
    )
    contract = MessageRequested(
        message_id="m-1", template="new-device", language="xx", requested_at=NOON, recipient=sealed
    )
    event = Event.of(contract, id="e-1", subject="m-1", at=NOON)

    await send_message(deps, event)
    await send_message(deps, event)

    [(recipient_address, mail)] = await shop.mails()
    assert recipient_address == "ann@example.org"
    assert "https://shop.example/verify?t=x" in body_of(mail)
    assert "K7QF-2M9P" in body_of(mail)
    assert body_of(mail).startswith("Hello Ann,")


async def test_a_box_that_was_moved_is_a_dead_letter(shop):
    moved = purchase(shop, id="e-1")
    moved = Event(**{name: getattr(moved, name) for name in ("type", "source", "subject", "time", "data")}, id="e-2")

    with pytest.raises(CannotOpen):
        await send_receipt(shop.deps(), moved)

    assert shop.notices.stored == {}


def test_every_bound_type_has_its_handler(shop):
    from services.mailer.sending.ranges import QUEUE as RANGES
    from shared.contracts.mailer import RangePlanned
    from shared.topology import streams_of

    deps = shop.deps()
    work = build_work(deps)

    ranges = {RANGES: {RangePlanned.TYPE}}  # read by a loop of their own: few at once, and for as long as they take
    assert deps.ranges.run in work.loops
    assert {stream.queue: set(stream.types) for stream in streams_of("mailer")} == ranges | {
        queue: set(by_type) for queue, by_type in work.handlers.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_mails_name_the_box_that_was_ticked_as_the_page_does(language):
    box = tomllib.loads((PAGES / f"{language}.toml").read_text("utf-8"))["login"]["remember"]

    assert box in " ".join(texts(language)["remember-theft"]["lines"])
