"""Subscribers, claims, runs and campaigns in memory. The same suites run on these and on the real ones."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.mailer.months import CapPlace, Month
from services.mailer.sending.domain import (
    FOLLOW_UP_WAITS,
    FORGOTTEN_AFTER,
    Claimed,
    Forecast,
    Hour,
    Recovered,
    Result,
    Results,
    Span,
    Stage,
    Terms,
)
from services.mailer.subscriptions.domain import NoSuchSubscriber, Subscription, SubscriptionState
from services.mailer.subscriptions.store import Changed, History, Issue
from shared.events import Event
from shared.testing.clock import FixedClock


@dataclass(slots=True)
class Live:
    """A claim that is being worked on."""

    terms: Terms
    stage: Stage = Stage.CLAIMED


@dataclass(slots=True)
class Record:
    """One subscriber's document."""

    subscription: Subscription
    months: Counter[Month] = field(default_factory=Counter)
    issues: dict[str, Result] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    deferred: set[str] = field(default_factory=set)
    followups: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Order and due moment, by campaign."""
    live: Live | None = None

    def end(self, result: Result, at: datetime | None = None) -> None:
        """Settle the live claim."""
        assert self.live is not None
        if result.frees_its_place:
            self.months.subtract(self.live.terms.place.caps.keys())
        campaign_id = self.live.terms.campaign_id
        if result is Result.DEFERRED:
            self.deferred.add(campaign_id)
        if result.is_final:
            self.deferred.discard(campaign_id)
            self.issues[campaign_id] = result
            self.ended[campaign_id] = at or self.live.terms.at
        self.live = None


Records = dict[str, Record]


class MemorySubscribers:
    """`Subscribers` over `records`, which `MemoryClaims` shares."""

    def __init__(self, records: Records | None = None) -> None:
        self.records: Records = {} if records is None else records
        self.events: list[Event] = []

    async def find_by_address(self, address_key: str) -> Subscription | None:
        """See `Subscribers.find_by_address`."""
        found = [record.subscription for record in self.records.values()]
        return next((each for each in found if each.address_key == address_key), None)

    async def get(self, id: str) -> Subscription:
        """See `Subscribers.get`."""
        return self._record(id).subscription

    async def history(self, id: str) -> History:
        """See `Subscribers.history`."""
        record = self._record(id)
        issues = tuple(Issue(campaign, result.value) for campaign, result in record.issues.items())
        return History(
            {month: count for month, count in record.months.items() if count},
            issues,
            {key: due[1] for key, due in record.followups.items()},
        )

    async def add(self, subscription: Subscription) -> None:
        """See `Subscribers.add`."""
        if await self.find_by_address(subscription.address_key):
            raise Changed
        self.records[subscription.id] = Record(replace(subscription, revision=0))

    async def save(self, subscription: Subscription, events: Sequence[Event]) -> Subscription:
        """See `Subscribers.save`."""
        record = self.records.get(subscription.id)
        if record is None or record.subscription.revision != subscription.revision:
            raise Changed
        person = subscription.person or record.subscription.person
        record.subscription = replace(subscription, person=person, revision=subscription.revision + 1)
        self.events += events
        return record.subscription

    async def unsubscribe(self, id: str, event: Event, *, at: datetime) -> bool:
        """See `Subscribers.unsubscribe`."""
        record = self._record(id)
        if record.subscription.state is SubscriptionState.UNSUBSCRIBED:
            return False
        revision = record.subscription.revision + 1
        record.subscription = replace(
            record.subscription, state=SubscriptionState.UNSUBSCRIBED, changed_at=at, revision=revision
        )
        record.followups.clear()
        if record.live and record.live.stage is Stage.CLAIMED:
            record.end(Result.GIVEN_BACK)
        self.events.append(event)
        return True

    async def follow(self, id: str, campaign_id: str, *, order_id: str, due_at: datetime) -> bool:
        """See `Subscribers.follow`."""
        record = self._record(id)
        is_over = record.subscription.state is SubscriptionState.UNSUBSCRIBED or campaign_id in record.issues
        if is_over or campaign_id in record.followups:
            return False
        record.followups[campaign_id] = order_id, due_at
        return True

    async def unfollow(self, id: str, order_id: str) -> None:
        """See `Subscribers.unfollow`."""
        kept = self._record(id).followups.items()
        self._record(id).followups = {campaign: due for campaign, due in kept if due[0] != order_id}

    async def forget(self, id: str) -> None:
        """See `Subscribers.forget`."""
        record = self._record(id)
        record.followups.clear()
        revision = record.subscription.revision + 1
        record.subscription = replace(record.subscription, person=None, revision=revision)

    def _record(self, id: str) -> Record:
        if id not in self.records:
            raise NoSuchSubscriber
        return self.records[id]


class MemoryClaims:
    """`Claims` over the records of `MemorySubscribers`."""

    def __init__(self, records: Records) -> None:
        self.records = records

    async def candidates(self, terms: Terms, span: Span, *, limit: int) -> list[str]:
        """See `Claims.candidates`."""
        claimable = (key for key, record in self.records.items() if _is_claimable(record, terms))
        return sorted(key for key in claimable if span.after < key <= span.upto)[:limit]

    async def boundary(self, terms: Terms, *, after: str, size: int) -> str:
        """See `Claims.boundary`."""
        return max(await self.candidates(terms, Span(after), limit=size), default="")

    async def claim(self, ids: Sequence[str], terms: Terms) -> list[Claimed]:
        """See `Claims.claim`."""
        claimed = []
        for key in ids:
            record = self.records.get(key)
            if record is None or not _is_claimable(record, terms):
                continue
            record.live = Live(terms)
            record.months.update(terms.place.caps.keys())
            if person := record.subscription.person:
                claimed.append(Claimed(key, record.subscription.language, person.email, person.name, person.person_id))
        return claimed

    async def mark_dot(self, ids: Sequence[str], fence: str) -> set[str]:
        """See `Claims.mark_dot`."""
        marked = set()
        for key, record in self._held(ids, fence):
            if record.live and record.live.stage is Stage.CLAIMED:
                record.live.stage = Stage.DOT
                marked.add(key)
        return marked

    async def settle(self, ids: Sequence[str], fence: str, result: Result, *, at: datetime) -> int:
        """See `Claims.settle`."""
        held = self._held(ids, fence)
        for _, record in held:
            record.end(result, at)
        return len(held)

    async def recover(self, campaign_id: str, dead_runs: Sequence[str], *, at: datetime) -> Recovered:
        """See `Claims.recover`."""
        back = unknown = 0
        for record in self._live(campaign_id):
            assert record.live is not None
            if record.live.terms.run_id not in dead_runs and record.live.terms.at >= at - FORGOTTEN_AFTER:
                continue
            if record.live.stage is Stage.DOT:
                unknown += 1
                record.end(Result.UNKNOWN, at)
            else:
                back += 1
                record.end(Result.GIVEN_BACK)
        return Recovered(back, unknown)

    async def cancel(self, campaign_id: str) -> int:
        """See `Claims.cancel`."""
        claimed = [each for each in self._live(campaign_id) if each.live and each.live.stage is Stage.CLAIMED]
        for record in claimed:
            record.end(Result.GIVEN_BACK)
        return len(claimed)

    async def release(self, subscriber_id: str) -> bool:
        """See `Claims.release`."""
        record = self.records.get(subscriber_id)
        if record is None or record.live is None or record.live.stage is not Stage.CLAIMED:
            return False
        record.end(Result.GIVEN_BACK)
        return True

    async def holders(self, campaign_id: str) -> set[str]:
        """See `Claims.holders`."""
        return {record.live.terms.run_id for record in self._live(campaign_id) if record.live}

    async def fences(self, campaign_id: str) -> set[str]:
        """See `Claims.fences`."""
        return {record.live.terms.fence for record in self._live(campaign_id) if record.live}

    async def results(self, campaign_id: str) -> Results:
        """See `Claims.results`."""
        records = self.records.values()
        results = Counter(record.issues[campaign_id] for record in records if campaign_id in record.issues)
        results[Result.DEFERRED] = sum(
            campaign_id in record.deferred and record.subscription.state is SubscriptionState.CONFIRMED
            for record in records
        )
        return results

    async def by_hour(self, campaign_id: str, zone: ZoneInfo) -> Sequence[Hour]:
        """See `Claims.by_hour`."""

        def hour_of(at: datetime) -> datetime:
            return at.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)

        results: dict[datetime, Counter[Result]] = {}
        left: Counter[datetime] = Counter()
        for record in self.records.values():
            if campaign_id not in record.issues:
                continue
            results.setdefault(hour_of(record.ended[campaign_id]), Counter())[record.issues[campaign_id]] += 1
            subscription = record.subscription
            is_last = [*record.issues][-1] == campaign_id and subscription.changed_at >= record.ended[campaign_id]
            if is_last and subscription.state is SubscriptionState.UNSUBSCRIBED:
                left[hour_of(subscription.changed_at)] += 1
        return [Hour(at, results.get(at, Counter()), left[at]) for at in sorted(results.keys() | left.keys())]

    async def forecast(
        self, campaign_id: str, topic: str, place: CapPlace, *, at: datetime, is_follow_up: bool = False
    ) -> Forecast:
        """See `Claims.forecast`."""
        wanted = [
            record for record in self.records.values()
            if topic in record.subscription.topics and campaign_id not in record.issues
            and (not is_follow_up or _is_due(record, campaign_id, at))
        ]  # fmt: skip
        subscribed = [each for each in wanted if each.subscription.state is SubscriptionState.CONFIRMED]
        confirmed = [each for each in subscribed if not each.subscription.is_paused(at)]
        capped = [each for each in confirmed if not _is_below(each, place) and not _is_live(each, campaign_id)]
        this_month = CapPlace(place.month, {place.month: place.caps[place.month]})
        return Forecast(
            now=sum(_is_below(each, place) and each.live is None for each in confirmed),
            capped=len(capped),
            waiting=sum(_is_below(each, this_month) for each in capped),
            being_sent=len(self._live(campaign_id)),
            suppressed=sum(each.subscription.state is SubscriptionState.UNSUBSCRIBED for each in wanted),
            paused=len(subscribed) - len(confirmed),
        )

    async def left_since(self, campaign_id: str, topic: str, since: datetime) -> int:
        """See `Claims.left_since`."""
        return sum(
            topic in record.subscription.topics
            and record.subscription.state is SubscriptionState.UNSUBSCRIBED
            and record.subscription.changed_at >= since
            and campaign_id not in record.issues
            for record in self.records.values()
        )

    def _held(self, ids: Sequence[str], fence: str) -> list[tuple[str, Record]]:
        found = [(key, self.records[key]) for key in ids if key in self.records]
        return [(key, record) for key, record in found if record.live and record.live.terms.fence == fence]

    def _live(self, campaign_id: str) -> list[Record]:
        return [record for record in self.records.values() if _is_live(record, campaign_id)]


def _is_live(record: Record, campaign_id: str) -> bool:
    return record.live is not None and record.live.terms.campaign_id == campaign_id


def _is_below(record: Record, place: CapPlace) -> bool:
    most = 1 if record.subscription.fewer else 1000
    return all(record.months[month] < min(cap, most) for month, cap in place.caps.items())


def _is_claimable(record: Record, terms: Terms) -> bool:
    return (
        record.subscription.state is SubscriptionState.CONFIRMED
        and terms.topic in record.subscription.topics
        and not record.subscription.is_paused(terms.at)
        and record.live is None
        and terms.campaign_id not in record.issues
        and (not terms.is_follow_up or _is_due(record, terms.campaign_id, terms.at))
        and _is_below(record, terms.place)
    )


def _is_due(record: Record, campaign_id: str, at: datetime) -> bool:
    due_at = record.followups[campaign_id][1] if campaign_id in record.followups else None
    return due_at is not None and at - FOLLOW_UP_WAITS < due_at <= at


class MemoryRuns:
    """`Runs` on a given clock."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or FixedClock()
        self._until: dict[str, datetime] = {}

    async def beat(self, run_id: str, *, ttl_s: float) -> None:
        """See `Runs.beat`."""
        self._until[run_id] = self._clock() + timedelta(seconds=ttl_s)

    async def end(self, run_id: str) -> None:
        """See `Runs.end`."""
        self._until.pop(run_id, None)

    async def dead(self) -> list[str]:
        """See `Runs.dead`."""
        return [run_id for run_id, until in self._until.items() if until < self._clock()]

    async def living(self) -> set[str]:
        """See `Runs.living`."""
        return {run_id for run_id, until in self._until.items() if until >= self._clock()}
