"""Cap and sending ledger against a model, any step from any state: on whichever stores the world gives.

Runs claim, mark, settle, die and are recovered; campaigns are cancelled; readers leave, come back and are erased. What
a relay may have taken is counted apart from the ledger: never above a cap, no issue twice, none to who has left.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from services.mailer.months import CapPlace
from services.mailer.sending.domain import EVERYBODY, Result, Terms
from services.mailer.sending.store import Claims
from services.mailer.subscriptions.domain import Person, Request, SubscriptionState, changed
from services.mailer.subscriptions.store import Subscribers
from services.mailer.testing.builders import a_subscription
from shared.testing.clock import NOON
from tests.machines import Machine

READERS = [f"{n:032x}" for n in range(3)]
CAMPAIGNS = ["c-1", "c-2", "c-3", "c-4", "c-5"]
CAPS = {"2026-10": 1, "2026-11": 3, "2026-12": 3}
PLACES = [("2026-10",), ("2026-10", "2026-11"), ("2026-11",), ("2026-11", "2026-12")]
RUNS = ["r-1", "r-2"]
RESULTS = [Result.ACCEPTED, Result.REFUSED, Result.UNKNOWN, Result.DEFERRED, Result.GIVEN_BACK]
COPIES = st.integers(0, len(READERS))


@dataclass
class Copy:
    """A claim: which issue, whose, where it counts, and whether it is at its dot."""

    campaign: str
    run: str
    fence: str
    months: tuple[str, ...]
    is_at_dot: bool = False


@dataclass
class Reader:
    """The model: a copy counts from its claim on, unless it was surely not accepted."""

    is_subscribed: bool = True
    months: Counter[str] = field(default_factory=Counter)
    issues: list[str] = field(default_factory=list)
    copy: Copy | None = None

    def may_get(self, campaign: str, months: Sequence[str]) -> bool:
        is_free = self.copy is None and campaign not in self.issues
        return self.is_subscribed and is_free and all(self.months[each] < CAPS[each] for each in months)

    def end(self, result: Result) -> None:
        assert self.copy is not None
        if result in (Result.ACCEPTED, Result.REFUSED, Result.UNKNOWN):
            self.issues.append(self.copy.campaign)
        if result not in (Result.ACCEPTED, Result.UNKNOWN):
            self.months.subtract(self.copy.months)
        self.copy = None


class CopiesMachine(Machine):
    """The world is a pair of `Subscribers` and `Claims`, empty."""

    @initialize()
    def readers(self) -> None:
        self.subscribers: Subscribers = self.world[0]
        self.claims: Claims = self.world[1]
        self.model = {each: Reader() for each in READERS}
        self.taken: list[tuple[str, str, tuple[str, ...]]] = []
        self.fences: list[str] = []
        self.told = 0
        for each in READERS:
            self.wait_for(self.subscribers.add(a_subscription(each)))

    @rule(
        campaign=st.sampled_from(CAMPAIGNS), months=st.sampled_from(PLACES), run=st.sampled_from(RUNS),
        ids=st.sets(st.sampled_from(READERS), min_size=1),
    )  # fmt: skip
    def claim(self, campaign: str, months: tuple[str, ...], run: str, ids: set[str]) -> None:
        self.fences.append(f"f-{len(self.fences)}")
        place = CapPlace(months[0], {each: CAPS[each] for each in months})
        terms = Terms(campaign, "offers", place, run, self.fences[-1], NOON)
        expected = {each for each in ids if self.model[each].may_get(campaign, months)}
        candidates = self.wait_for(self.claims.candidates(terms, EVERYBODY, limit=10))
        assert set(candidates) & ids == expected

        claimed = self.wait_for(self.claims.claim(sorted(ids), terms))

        assert {each.subscriber_id for each in claimed} == expected
        for each in expected:
            self.model[each].copy = Copy(campaign, run, self.fences[-1], months)
            self.model[each].months.update(months)

    @rule(back=COPIES)
    def mark(self, back: int) -> None:
        fence = self.fence(back)
        expected = {each for each, reader in self.held(fence) if reader.copy and not reader.copy.is_at_dot}

        marked = self.wait_for(self.claims.mark_dot(READERS, fence))

        assert marked == expected
        for each in expected:
            copy = self.model[each].copy
            assert copy is not None
            assert self.model[each].is_subscribed, "the dot of a copy to somebody who has left"
            copy.is_at_dot = True

    @rule(back=COPIES, result=st.sampled_from(RESULTS))
    def settle(self, back: int, result: Result) -> None:
        """As a worker does: accepted and unknown only what is at its dot."""
        fence = self.fence(back)
        held = [(each, reader) for each, reader in self.held(fence) if reader.copy is not None]
        if result in (Result.ACCEPTED, Result.UNKNOWN):
            held = [(each, reader) for each, reader in held if reader.copy and reader.copy.is_at_dot]

        settled = self.wait_for(self.claims.settle([each for each, _ in held], fence, result, at=NOON))

        assert settled == len(held)
        for each, reader in held:
            self.end(each, reader, result)

    @rule(campaign=st.sampled_from(CAMPAIGNS), run=st.sampled_from([*RUNS, ""]))
    def recover(self, campaign: str, run: str) -> None:
        """The run has died; without a name nobody has, but all are forgotten after an hour."""
        at = NOON + timedelta(hours=0 if run else 2)
        lost = [
            (each, reader) for each, reader in self.model.items()
            if reader.copy and reader.copy.campaign == campaign and run in (reader.copy.run, "")
        ]  # fmt: skip

        found = self.wait_for(self.claims.recover(campaign, [run] if run else [], at=at))

        at_dot = [reader for _, reader in lost if reader.copy and reader.copy.is_at_dot]
        assert (found.given_back, found.unknown) == (len(lost) - len(at_dot), len(at_dot))
        for each, reader in lost:
            self.end(each, reader, Result.UNKNOWN if reader in at_dot else Result.GIVEN_BACK)

    @rule(campaign=st.sampled_from(CAMPAIGNS))
    def cancel(self, campaign: str) -> None:
        claimed = [
            reader for reader in self.model.values()
            if reader.copy and reader.copy.campaign == campaign and not reader.copy.is_at_dot
        ]  # fmt: skip

        assert self.wait_for(self.claims.cancel(campaign)) == len(claimed)
        for reader in claimed:
            reader.end(Result.GIVEN_BACK)

    @rule(each=st.sampled_from(READERS))
    def leave(self, each: str) -> None:
        reader = self.model[each]
        self.told += reader.is_subscribed
        event = changed(each, SubscriptionState.UNSUBSCRIBED, at=NOON, event_id=f"e-{self.told}")

        was_there = self.wait_for(self.subscribers.unsubscribe(each, event, at=NOON))

        assert was_there == reader.is_subscribed
        if reader.is_subscribed and reader.copy and not reader.copy.is_at_dot:
            reader.end(Result.GIVEN_BACK)
        reader.is_subscribed = False

    @rule(each=st.sampled_from(READERS), is_erased=st.booleans())
    def come_back(self, each: str, is_erased: bool) -> None:
        """Having left, and maybe been erased since: by the whole way of asking and confirming."""
        if self.model[each].is_subscribed:
            return
        if is_erased:
            self.wait_for(self.subscribers.forget(each))
        now = self.wait_for(self.subscribers.get(each))
        request = Request(f"k-{self.told}", ("offers",), "en", "test")
        asked = now.ask(request, Person(b"sealed", b"sealed", each), at=NOON + timedelta(days=self.told))
        asked = self.wait_for(self.subscribers.save(asked, []))
        self.told += 1
        confirmed, event = asked.confirm(asked.round, at=NOON, event_id=f"e-{self.told}")
        self.wait_for(self.subscribers.save(confirmed, [event]))
        self.model[each].is_subscribed = True

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        for each, reader in self.model.items():
            history = self.wait_for(self.subscribers.history(each))
            assert dict(history.months) == {month: count for month, count in reader.months.items() if count}
            assert [issue.campaign for issue in history.issues] == reader.issues

    @invariant()
    def no_relay_was_handed_more_than_the_cap_nor_an_issue_twice(self) -> None:
        handed = Counter((each, month) for each, _, months in self.taken for month in months)
        assert all(count <= CAPS[month] for (_, month), count in handed.items())
        assert len({(each, campaign) for each, campaign, _ in self.taken}) == len(self.taken)

    def end(self, each: str, reader: Reader, result: Result) -> None:
        assert reader.copy is not None
        if result in (Result.ACCEPTED, Result.UNKNOWN):
            self.taken.append((each, reader.copy.campaign, reader.copy.months))
        reader.end(result)

    def fence(self, back: int) -> str:
        """One that holds copies, or one from before that lost them."""
        live = sorted({reader.copy.fence for reader in self.model.values() if reader.copy})
        return live[back] if back < len(live) else (self.fences or ["nobody's"])[0]

    def held(self, fence: str) -> list[tuple[str, Reader]]:
        return [(each, reader) for each, reader in self.model.items() if reader.copy and reader.copy.fence == fence]
