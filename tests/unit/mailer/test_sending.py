import asyncio
import email
import email.policy
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.mailer.campaigns.domain import CampaignState
from services.mailer.sending.domain import Result, Stage
from services.mailer.sending.run import ClocksDiffer, SendingStopped
from services.mailer.subscriptions.domain import SubscriptionState, changed
from services.mailer.testing.memory import Live
from services.mailer.testing.sink import CUT, SILENT
from shared.errors import TransientError

TOKYO = ZoneInfo("Asia/Tokyo")


def reading(message: bytes):
    return email.message_from_bytes(message, policy=email.policy.default)


def failing(stage, reply, *, times=10**9, only=None):
    left = [times]

    def script(at, recipient):
        if at == stage and left[0] > 0 and (only is None or recipient == only):
            left[0] -= 1
            return reply
        return None

    return script


async def leave(shop, subscriber):
    event = changed(subscriber, SubscriptionState.UNSUBSCRIBED, at=shop.clock(), event_id="e")
    await shop.subscribers.unsubscribe(subscriber, event, at=shop.clock())


async def test_every_subscriber_gets_one_copy_for_themselves_alone(shop):
    await shop.subscriber("ann@example.org", name="Ann")
    await shop.subscriber("ben@example.org", name="Ben")
    await shop.campaign()

    progress = await shop.send()

    assert shop.sink.accepted == {"ann@example.org": 1, "ben@example.org": 1}
    assert progress.results[Result.ACCEPTED] == 2
    for recipient, message in shop.sink.messages:
        mail = reading(message)
        assert [address.addr_spec for address in mail["To"].addresses] == [recipient]
        assert mail["Cc"] is None
        assert mail["Bcc"] is None


async def test_a_copy_has_its_link_in_both_parts_and_the_one_click_header(shop):
    subscriber = await shop.subscriber(language="ja", name="\u5c71\u7530")
    await shop.campaign()

    await shop.send()

    [(_, message)] = shop.sink.messages
    mail = reading(message)
    link = mail["List-Unsubscribe"].strip("<>")
    assert shop.links.read_subscriber(link.partition("?t=")[2]) == subscriber
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Subject"] == "\u304a\u77e5\u3089\u305b"
    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content()
        assert link in body
        assert "\u5c71\u7530" in body
    assert b"@example.org" not in message.partition(b"\r\n\r\n")[2]


async def test_a_campaign_ends_when_everybody_has_it(shop):
    await shop.subscriber()
    campaign = await shop.campaign()

    await shop.send()

    assert (await shop.campaigns.get(campaign.id)).state is CampaignState.SENT


async def test_a_campaign_waits_for_its_time(shop):
    await shop.subscriber()
    await shop.campaign(send_at=shop.clock() + timedelta(hours=1))

    await shop.send()
    before = shop.sink.accepted.total()
    shop.later(hours=1)
    await shop.send()

    assert (before, shop.sink.accepted.total()) == (0, 1)


@pytest.mark.parametrize(("at", "cap"), [("2026-11-22T12:00", 3), ("2026-12-24T12:00", 3), ("2027-02-10T12:00", 1)])
async def test_the_month_stops_what_is_above_its_cap(shop, at, cap):
    shop.clock.at = datetime.fromisoformat(at).replace(tzinfo=TOKYO)
    await shop.subscriber("ann@example.org")
    await shop.subscriber("ben@example.org")
    for number in range(cap + 2):
        await shop.campaign(f"c-{number}")

    await shop.send()

    assert set(shop.sink.accepted.values()) == {cap}
    assert shop.campaigns.stored[f"c-{cap}"].capped == 2


async def test_over_the_edge_of_a_month_both_caps_hold(shop):
    shop.clock.at = datetime(2026, 12, 31, 22, 0, tzinfo=TOKYO)
    await shop.subscriber()
    await shop.campaign("c-1")
    await shop.campaign("c-2")
    await shop.send()
    shop.clock.at = datetime(2027, 1, 1, 12, 0, tzinfo=TOKYO)
    await shop.campaign("c-3")
    await shop.send()
    shop.clock.at = datetime(2027, 1, 5, 12, 0, tzinfo=TOKYO)
    await shop.campaign("c-4")
    await shop.send()

    assert shop.sink.accepted.total() == 1


async def test_who_lacks_only_a_neighbouring_place_gets_the_issue_when_the_edge_is_over(shop):
    shop.clock.at = datetime(2026, 10, 15, 12, 0, tzinfo=TOKYO)
    await shop.subscriber()
    await shop.campaign("october")
    await shop.send()
    shop.clock.at = datetime(2026, 11, 1, 12, 0, tzinfo=TOKYO)
    await shop.campaign("november")
    await shop.send()
    during_the_edge = shop.sink.accepted.total()
    shop.clock.at = datetime(2026, 11, 2, 12, 0, tzinfo=TOKYO)
    await shop.send()

    assert (during_the_edge, shop.sink.accepted.total()) == (1, 2)


async def test_a_claim_of_one_month_is_made_again_in_the_next(shop):
    shop.clock.at = datetime(2026, 11, 30, 23, 59, 59, tzinfo=TOKYO)
    subscriber = await shop.subscriber()
    await shop.campaign()

    def midnight(stage, recipient):
        if stage == "rcpt":
            shop.clock.at = datetime(2026, 12, 1, 0, 0, 1, tzinfo=TOKYO)

    shop.sink.script = midnight
    await shop.send()

    record = shop.subscribers.records[subscriber]
    assert shop.sink.accepted.total() == 1
    assert +record.months == {"2026-11": 1, "2026-12": 1}
    assert shop.sink.begun["ann@example.org"] == 2


class WatchedClaims:
    """The shop's claims, with something happening at each mark."""

    def __init__(self, shop, at_mark):
        self.claims = shop.claims
        self.at_mark = at_mark

    def __getattr__(self, name):
        return getattr(self.claims, name)

    async def mark_dot(self, ids, fence):
        self.at_mark()
        return await self.claims.mark_dot(ids, fence)


async def test_a_month_that_ends_while_the_mark_is_stored_is_noticed(shop):
    shop.clock.at = datetime(2026, 11, 30, 23, 59, 59, tzinfo=TOKYO)
    await shop.subscriber()
    await shop.campaign()
    handed_over = []

    def midnight():
        shop.clock.at = datetime(2026, 12, 1, 0, 0, 1, tzinfo=TOKYO)

    def note(stage, recipient):
        if stage == "text":
            handed_over.append(shop.subscribers.records[subscriber].live.terms.place.month)

    [subscriber] = shop.subscribers.records
    shop.sink.script = note
    await shop.send(claims=WatchedClaims(shop, midnight))

    assert handed_over == ["2026-12"]


async def test_a_claim_that_is_out_of_date_is_not_even_marked(shop):
    shop.clock.at = datetime(2026, 11, 30, 23, 59, 59, tzinfo=TOKYO)
    await shop.subscriber()
    await shop.campaign()
    marks = []

    def midnight(stage, recipient):
        if stage == "rcpt":
            shop.clock.at = datetime(2026, 12, 1, 0, 0, 1, tzinfo=TOKYO)

    shop.sink.script = midnight
    await shop.send(claims=WatchedClaims(shop, lambda: marks.append(shop.clock())))

    assert len(marks) == 1
    assert shop.sink.begun["ann@example.org"] == 2


async def test_nobody_gets_an_issue_twice_from_two_runs_at_once(shop):
    for number in range(60):
        await shop.subscriber(f"reader-{number}@example.org")
    await shop.campaign()

    await asyncio.gather(*(shop.send() for _ in range(3)))

    assert set(shop.sink.accepted.values()) == {1}
    assert len(shop.sink.accepted) == 60


async def test_who_unsubscribes_after_the_claim_gets_nothing(shop):
    subscriber = await shop.subscriber()
    await shop.campaign()
    sending = shop.sending()

    class LeavesInBetween:
        async def deliver(self, envelope, message, *, before_dot):
            await leave(shop, subscriber)
            return await shop.pool.deliver(envelope, message, before_dot=before_dot)

    await shop.send(relay=LeavesInBetween(), settings=sending.settings)

    assert shop.sink.accepted.total() == 0
    assert +shop.subscribers.records[subscriber].months == {}


async def test_a_cancelled_campaign_sends_nothing_more(shop):
    await shop.subscriber()
    campaign = await shop.campaign()
    await shop.campaigns.cancel(campaign)

    await shop.send()

    assert shop.sink.accepted.total() == 0


@pytest.mark.parametrize(
    ("stage", "reply", "result", "month"),
    [
        ("rcpt", b"550 nobody", Result.REFUSED, 0),
        ("dot", b"554 spam", Result.REFUSED, 0),
        ("dot", CUT, Result.UNKNOWN, 1),
        ("dot", SILENT, Result.UNKNOWN, 1),
        ("text", CUT, Result.UNKNOWN, 1),
    ],
)
async def test_how_a_copy_ends_decides_about_its_place(shop, stage, reply, result, month):
    subscriber = await shop.subscriber()
    await shop.campaign()
    shop.sink.script = failing(stage, reply)

    await shop.send()
    shop.sink.script = failing("", b"")
    await shop.send()

    record = shop.subscribers.records[subscriber]
    assert record.issues == {"c-1": result}
    assert record.months["2026-11"] == month
    assert shop.sink.accepted.total() <= 1


@pytest.mark.parametrize(
    ("stage", "reply"), [("mail", b"450 busy"), ("rcpt", b"450 greylisted"), ("dot", b"451 later")]
)
async def test_what_is_deferred_goes_out_in_the_next_run(shop, stage, reply):
    subscriber = await shop.subscriber()
    campaign = await shop.campaign()
    shop.sink.script = failing(stage, reply, times=1)

    await shop.send()
    between = (shop.sink.accepted.total(), +shop.subscribers.records[subscriber].months)
    await shop.send()

    assert between == (0, {})
    assert shop.sink.accepted.total() == 1
    assert shop.campaigns.stored[campaign.id].state is CampaignState.SENT


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data"])
async def test_a_connection_cut_before_the_text_costs_nothing(shop, stage):
    await shop.subscriber()
    await shop.campaign()
    shop.sink.script = failing(stage, CUT, times=1)

    await shop.send()

    assert shop.sink.accepted.total() == 1


async def test_a_relay_that_is_away_stops_the_run_and_frees_all_claims(shop):
    for number in range(5):
        await shop.subscriber(f"reader-{number}@example.org")
    await shop.campaign()
    shop.sink.script = failing("connect", CUT)

    with pytest.raises(SendingStopped, match="relay"):
        await shop.send()

    assert all(record.live is None and not +record.months for record in shop.subscribers.records.values())


async def test_a_run_that_died_before_the_dot_is_made_up_for(shop):
    subscriber = await shop.subscriber()
    await shop.campaign()
    terms = await claimed_by_a_dead_run(shop, subscriber)

    await shop.send()

    record = shop.subscribers.records[subscriber]
    assert shop.sink.accepted.total() == 1
    assert record.months["2026-11"] == 1
    assert await shop.claims.mark_dot([subscriber], terms.fence) == set()


async def test_a_run_that_died_at_the_dot_leaves_an_unknown_that_counts(shop):
    subscriber = await shop.subscriber()
    await shop.campaign()
    terms = await claimed_by_a_dead_run(shop, subscriber)
    await shop.claims.mark_dot([subscriber], terms.fence)

    progress = await shop.send()

    record = shop.subscribers.records[subscriber]
    assert shop.sink.accepted.total() == 0
    assert (record.issues, record.months["2026-11"]) == ({"c-1": Result.UNKNOWN}, 1)
    assert progress.unknown_of_the_dead == 1


async def claimed_by_a_dead_run(shop, subscriber):
    from services.mailer.sending.domain import Terms

    await shop.runs.beat("dead", ttl_s=-1)
    place = shop.settings.calendar.place_at(shop.clock())
    terms = Terms("c-1", "offers", place, "dead", "fence", shop.clock())
    await shop.claims.claim([subscriber], terms)
    assert isinstance(shop.subscribers.records[subscriber].live, Live)
    assert shop.subscribers.records[subscriber].live.stage is Stage.CLAIMED
    return terms


async def test_nothing_is_sent_while_the_clocks_differ(shop):
    await shop.subscriber()
    await shop.campaign()

    async def ahead():
        return shop.clock() + timedelta(seconds=61)

    with pytest.raises(ClocksDiffer):
        await shop.send(database_time=ahead)

    assert shop.sink.accepted.total() == 0


async def test_a_rehearsed_time_is_no_difference_of_clocks(shop):
    await shop.subscriber()
    await shop.campaign()

    async def now():
        return datetime.now(TOKYO)

    await shop.send(database_time=now, wall_clock=lambda: datetime.now(TOKYO))

    assert shop.sink.accepted.total() == 1


async def test_a_database_that_goes_away_at_the_dot_sends_nothing_more(shop):
    await shop.subscriber()
    await shop.campaign()

    class Away:
        def __getattr__(self, name):
            return getattr(shop.claims, name)

        async def mark_dot(self, ids, fence):
            raise TransientError("database: away")

    with pytest.raises(TransientError):
        await shop.send(claims=Away())

    assert shop.sink.accepted.total() == 0


async def test_an_erased_subscriber_is_left_out(shop):
    subscriber = await shop.subscriber()
    await shop.campaign()
    await shop.people.erase(subscriber)

    await shop.send()

    assert shop.sink.accepted.total() == 0
    assert +shop.subscribers.records[subscriber].months == {}


async def test_a_wish_to_stop_gives_back_what_is_not_on_its_way(shop):
    for number in range(20):
        await shop.subscriber(f"reader-{number}@example.org")
    await shop.campaign()
    stop = asyncio.Event()

    def stopping(stage, recipient):
        if stage == "dot":
            stop.set()

    shop.sink.script = stopping
    from services.mailer.sending.progress import Progress
    from services.mailer.sending.usecases import send_due

    await send_due(shop.sending(), stop=stop, progress=Progress())

    sent = shop.sink.accepted.total()
    counted = sum(record.months["2026-11"] for record in shop.subscribers.records.values())
    assert 1 <= sent < 20
    assert counted == sent
    assert all(record.live is None for record in shop.subscribers.records.values())


def unable_to_store(claims, monkeypatch, trouble):
    settle = claims.settle

    async def fails(ids, fence, result, *, at):
        if result is Result.ACCEPTED:
            raise trouble
        return await settle(ids, fence, result, at=at)

    monkeypatch.setattr(claims, "settle", fails)


async def test_a_run_ends_when_results_cannot_be_stored(shop, monkeypatch):
    for number in range(12):
        await shop.subscriber(f"reader-{number}@example.org")
    await shop.campaign()
    unable_to_store(shop.claims, monkeypatch, TransientError("away"))

    with pytest.raises(TransientError, match="away"):
        await shop.send()

    assert set(shop.sink.accepted.values()) == {1}
    stages = [record.live.stage for record in shop.subscribers.records.values() if record.live]
    assert stages.count(Stage.DOT) == len(shop.sink.accepted)


async def test_a_mistake_of_ours_in_storing_results_is_not_kept_quiet(shop, monkeypatch):
    await shop.subscriber()
    await shop.campaign()
    unable_to_store(shop.claims, monkeypatch, RuntimeError("a mistake"))

    with pytest.raises(RuntimeError, match="a mistake"):
        await shop.send()
