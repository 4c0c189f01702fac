"""What happens to a claim is told by mail: once for each happening, in the claimant's language, to nobody erased."""

from datetime import timedelta

import pytest

from services.mailer.addresses import key_of
from services.mailer.claim_events import claim_handlers
from services.mailer.testing.harness import body_of
from shared.contracts.warranty import ClaimNotice, ClaimOpened, ClaimOverdue, ClaimReminded, ClaimResolved, ClaimUpdated
from shared.events import Event
from shared.testing.clock import NOON

LINK = "https://shop.example/warranty/claims/c-1"
ANN = ClaimNotice(name="Ann", email="ann@example.org", link=LINK)
CLAIM = {"claim_id": "c-1", "number": "C-7F3K-Q2XM", "name": "Kisai Rogue"}


def event(shop, contract, to=ANN, *, id="e-1", **values):
    sealed = shop.sealing.sealer.seal_for({"mailer": to}, event_type=contract.TYPE, event_id=id, field="recipient")
    told = contract.model_validate(CLAIM | {"recipient": sealed} | values)
    return Event.of(told, id=id, subject="c-1", at=NOON)


def opened(shop, **values):
    facts = {"order_id": "o-1", "item_id": "i-1", "sku": "s", "problem": "stopped", "wanted": "repair"}
    return event(shop, ClaimOpened, **facts | {"opened_at": NOON, "answer_by": NOON + timedelta(days=2)} | values)


def updated(shop, status, to=ANN, **values):
    return event(shop, ClaimUpdated, to, status=status, updated_at=NOON, **values)


def resolved(shop, outcome, **values):
    return event(shop, ClaimResolved, outcome=outcome, opened_at=NOON, resolved_at=NOON, **values)


async def handle(shop, *events):
    handlers = claim_handlers(shop.deps())
    for each in events:
        await handlers[each.type](each)


async def mail(shop, *events):
    await handle(shop, *events)
    [(recipient, told)] = await shop.mails()
    assert recipient == "ann@example.org"
    return told


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("en", "Your claim C-7F3K-Q2XM has arrived"),
        ("de", "Ihre Reklamation C-7F3K-Q2XM ist da"),
        ("ja", "お申し出 C-7F3K-Q2XM を受け付けました"),
    ],
)
async def test_a_claim_that_arrived_is_acknowledged_with_the_day_of_the_answer(shop, language, subject):
    told = await mail(shop, opened(shop, language=language))

    assert told["Subject"] == subject
    assert "24" in body_of(told)
    assert LINK in body_of(told)


@pytest.mark.parametrize(
    ("status", "remedy", "words"),
    [
        ("approved", "refund", "is approved: your money back"),
        ("waiting_for_item", "repair", "Please send the watch to us"),
        ("received", "", "has arrived here"),
        ("in_repair", "", "repair it"),
        ("under_review", "", "Somebody looks at your claim"),
    ],
)
async def test_each_step_says_what_comes_next(shop, status, remedy, words):
    told = await mail(shop, updated(shop, status, remedy=remedy))

    assert words in body_of(told)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("repair", "is repaired and on its way"),
        ("replacement", "serial number is TF-2"),
        ("refund", "has gone back to the card"),
        ("rejected", "can't grant it"),
        ("withdrawn", "closed, as you wished"),
    ],
)
async def test_each_end_is_told(shop, outcome, words):
    told = await mail(shop, resolved(shop, outcome, serial="TF-2"))

    assert words in body_of(told)


async def test_what_the_staff_wrote_is_in_the_mail_and_can_add_nothing_to_it(shop):
    to = ANN.model_copy(update={"message": "<b>Is it {wet}?</b>\nBcc: eve@example.org"})

    told = await mail(shop, updated(shop, "more_information_needed", to, what="message"))

    assert "Is it {wet}?" in body_of(told)
    assert "<b>Is" not in body_of(told, "html")
    assert told["Bcc"] is None


async def test_the_same_event_again_is_no_second_mail_and_another_step_is(shop):
    await handle(shop, opened(shop), opened(shop), updated(shop, "received"), updated(shop, "received"))
    await handle(shop, updated(shop, "received", id="e-2"))

    assert len(await shop.mails()) == 3


async def test_a_step_that_a_later_release_knows_has_no_mail(shop):
    await handle(shop, updated(shop, "polished"))

    assert await shop.mails() == []


async def test_nobody_erased_is_written_to(shop):
    deps = shop.deps()
    await deps.forgotten.remember(key_of(deps.index, "ann@example.org"), NOON)

    await handle(shop, opened(shop), event(shop, ClaimUpdated, ClaimNotice(), status="received", updated_at=NOON))

    assert await shop.mails() == []


async def test_the_shop_hears_of_a_deadline_that_has_passed_once(shop):
    told = ClaimOverdue(claim_id="c-1", number="C-7F3K", deadline="resolution", due_at=NOON, noted_at=NOON)
    missed = Event.of(told, id="e-9", subject="c-1", at=NOON)

    await handle(shop, missed, missed)

    [(recipient, sent)] = await shop.mails()
    assert recipient == shop.settings.shop_contact
    assert sent["Subject"] == "Claim C-7F3K is overdue"


async def test_the_shop_hears_of_a_deadline_that_is_near_once_for_each_day_that_it_is_moved_to(shop):
    told = ClaimReminded(claim_id="c-1", number="C-7F3K", deadline="resolution", due_at=NOON, noted_at=NOON)
    near = Event.of(told, id="e-9", subject="c-1", at=NOON)
    moved = told.model_copy(update={"due_at": NOON + timedelta(days=3)})

    await handle(shop, near, near, Event.of(moved, id="e-10", subject="c-1", at=NOON))

    mails = await shop.mails()
    assert [recipient for recipient, _ in mails] == [shop.settings.shop_contact] * 2
    assert {sent["Subject"] for _, sent in mails} == {"Claim C-7F3K is due soon"}
