"""After a restore: no newsletter before suppression is rebuilt and the month is over, and no second receipt."""

import argparse
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from services.mailer.locked import NewslettersLocked, check_unlocked
from services.mailer.notices.domain import NoticeState
from services.mailer.recovery import left_since, recover
from services.mailer.subscriptions.domain import SubscriptionState
from shared.testing.clock import NOON
from shared.testing.restored import MemoryRestored
from tests.unit.mailer.test_notices import an_order

BACKUP = NOON - timedelta(hours=3)


def line(subscriber_id: str, *, at=NOON, event="unsubscribed") -> str:
    return json.dumps({"at": at.isoformat(), "event": event, "subscriber_id": subscriber_id})


async def test_who_was_never_restored_sends(shop):
    await check_unlocked(MemoryRestored(), shop.settings.calendar, NOON)


async def test_a_restored_database_sends_nothing_until_it_is_recovered_and_the_month_is_over(shop):
    shop.restored.at = BACKUP
    await shop.subscriber("ann@example.org")
    await shop.campaign(not_after=NOON + timedelta(days=90))

    with pytest.raises(NewslettersLocked, match="recover"):
        await shop.send()
    await shop.restored.recover(NOON)
    with pytest.raises(NewslettersLocked, match="nobody knows who has got how many"):
        await shop.send()

    assert shop.sink.accepted == {}
    shop.clock.advance(seconds=40 * 86_400)
    await shop.send()
    assert shop.sink.accepted == {"ann@example.org": 1}


async def test_a_copy_that_would_count_in_the_uncounted_month_too_stays_locked(shop):
    calendar = shop.settings.calendar
    restored = MemoryRestored(BACKUP)
    await restored.recover(NOON)
    first = (NOON.astimezone(calendar.zone).replace(day=1, hour=0, minute=0) + timedelta(days=32)).replace(day=1)

    with pytest.raises(NewslettersLocked):
        await check_unlocked(restored, calendar, first + timedelta(hours=25))
    await check_unlocked(restored, calendar, first + timedelta(hours=27))


async def test_recovering_ends_the_subscriptions_that_the_log_tells_of(shop, tmp_path, capsys):
    shop.restored.at = BACKUP
    ann, ben = await shop.subscriber("ann@example.org"), await shop.subscriber("ben@example.org")
    log = tmp_path / "mailer.log"
    left = [line(ann, at=BACKUP - timedelta(seconds=60)), line(ben, at=BACKUP - timedelta(seconds=301))]
    log.write_text("\n".join([*left, line("f" * 32), "no json"]))

    status = await recover(shop.deps(), argparse.Namespace(log=[log]))

    states = [(await shop.subscribers.get(each)).state for each in (ann, ben)]
    assert (status, states) == (0, [SubscriptionState.UNSUBSCRIBED, SubscriptionState.CONFIRMED])
    assert await shop.restored.recovered_at() == shop.clock()
    assert capsys.readouterr().out.endswith("1 had unsubscribed since, 1 of others that are not known any more\n")


async def test_where_nothing_was_restored_there_is_nothing_to_recover(shop):
    assert await recover(shop.deps(), argparse.Namespace(log=[])) == 1


def test_lines_of_other_events_or_without_a_time_are_passed_over():
    lines = [line("a", event="subscribed"), '{"event": "unsubscribed"}', "[]", "{", line("b")]

    assert list(left_since(BACKUP, lines)) == ["b"]


async def test_a_receipt_that_may_have_gone_out_before_the_loss_is_given_up_and_told(shop):
    shop.restored.at = BACKUP
    post = shop.deps().post

    await post.take(replace(an_order("receipt:old"), happened_at=BACKUP))
    await post.take(replace(an_order("receipt:new"), happened_at=BACKUP + timedelta(seconds=1)))
    await post.deliver_due()

    assert shop.sink.accepted == {"ann@example.org": 1}
    old, new = await shop.notices.find("receipt:old"), await shop.notices.find("receipt:new")
    assert (old.state, old.content, new.state) == (NoticeState.ALARM, b"", NoticeState.ACCEPTED)


async def test_a_mail_that_waited_in_the_backup_is_not_sent_again(shop):
    post = shop.deps().post
    await post.take(an_order("receipt:o-1"))
    shop.restored.at = shop.clock()

    await post.deliver_due()

    assert shop.sink.accepted == {}
    assert (await shop.notices.find("receipt:o-1")).state is NoticeState.ALARM
