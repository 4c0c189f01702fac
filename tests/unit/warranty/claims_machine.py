"""Claims against a model, any step from any state: on whichever store the subclass gives.

What the model does not name is refused and changes nothing. After each step the claims stand where the model says, no
item has two open ones, each history is legal, and the events that left with the writes are the steps that were taken.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from services.warranty.claims import desk
from services.warranty.claims.domain import (
    Claim,
    ClaimOpen,
    NotCovered,
    Problem,
    Remedy,
    RemedyRefused,
    RemedyUnderWay,
)
from services.warranty.claims.steps import LEGAL, IllegalStep, Status
from services.warranty.claims.sweep import sweep_claims
from services.warranty.claims.usecases import Wish, open_claim, say, withdraw
from services.warranty.holders import account_holder
from services.warranty.orders import order_handlers
from shared.contracts.orders import (
    OrderCancelled,
    OrderShipped,
    RefundCompleted,
    RefundRefused,
    ReplacementCreated,
    Replaces,
    ShippedItem,
)
from shared.contracts.warranty import (
    ClaimOpened,
    ClaimResolved,
    ClaimUpdated,
    RefundRequested,
    ReplacementRequested,
)
from shared.events import Contract, Event
from tests.unit.warranty.world import STAFF, World

ITEMS = 3
MOST_SILENCES = 20
"""So many times the clock is moved on: all items stay within their cover."""
S, U, M, A = Status.SUBMITTED, Status.UNDER_REVIEW, Status.MORE_INFORMATION_NEEDED, Status.APPROVED
W, C, B = Status.WAITING_FOR_ITEM, Status.RECEIVED, Status.IN_REPAIR
OPEN = (S, U, M, A, W, C, B)
NEXT: Mapping[str, Mapping[Status, Status]] = {
    "review": {S: U, M: U, W: U, B: U},
    "ask": {S: M, U: M},
    "answer": {status: status for status in Status} | {M: U},
    "withdraw": dict.fromkeys((S, U, M, W, Status.WITHDRAWN), Status.WITHDRAWN),
    "reject": dict.fromkeys((S, U, M), Status.REJECTED),
    "repair": dict.fromkeys((S, U, M), W),
    "refund": dict.fromkeys((S, U, M), A),
    "replacement": dict.fromkeys((S, U, M), A),
    "refund when it is back": dict.fromkeys((S, U, M), W),
    "receive": {W: C},
    "go on": {C: A},
    "refuse the item": {C: Status.REJECTED},
    "begin the repair": {C: B},
    "send it back": {B: Status.CLOSED},
}
"""The model: from where to where each step leads."""
REFUSALS = (IllegalStep, RemedyUnderWay, RemedyRefused)


@dataclass
class Modelled:
    """Where a claim stands, and what orders owes it: `asked` and not answered; `is_late` once a person has looked."""

    item: str
    status: Status = S
    decided: str = ""
    asked: str = ""
    is_late: bool = False
    refused: set[str] = field(default_factory=set)
    told: list[Status] = field(default_factory=lambda: [S])
    requests: list[str] = field(default_factory=list)

    def after(self, step: str) -> Status | None:
        """Where a step leads; none where it is refused."""
        remedy = _remedy_in(step)
        if remedy in self.refused:
            return None
        if self.is_late and (remedy or step in ("reject", "refuse the item", "withdraw")) and remedy != self.asked:
            return None
        is_repair = self.decided == "repair"
        if (step == "go on" and is_repair) or (step == "begin the repair" and not is_repair):
            return None
        return NEXT[step].get(self.status)

    def move(self, step: str, to: Status) -> None:
        """Take a step that is not refused."""
        self.decided = _remedy_in(step) or self.decided
        if to is A and self.status is not A:
            self.asked, self.is_late = self.decided, False
            self.requests.append(self.decided)
        if to is not self.status and step != "answer":
            self.told.append(to)
        self.status = to


class ClaimsMachine(RuleBasedStateMachine):
    """Steps of everybody at any moment. Subclasses say on which store, and what has left it."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.world = self.open_world()
        self.model: dict[str, Modelled] = {}
        self.gone_back: set[str] = set()
        self.silences = 0

    def open_world(self) -> World:
        """Warranty without a claim."""
        raise NotImplementedError

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What the work gives, or what it raises; rules are plain functions."""
        raise NotImplementedError

    async def outbox(self) -> Sequence[Event]:
        """What was announced, in the order of the writes of each claim."""
        raise NotImplementedError

    @initialize()
    def purchases(self) -> None:
        for n in range(ITEMS):
            self.wait_for(self.world.deliver("a-1", order=f"o-{n}"))

    @rule(target=claims, n=st.integers(0, ITEMS - 1))
    def open(self, n: int) -> Any:
        item = f"o-{n}-1-1"
        expected: type[Exception] | None = None
        if item in self.gone_back:
            expected = NotCovered
        elif any(each.item == item and each.status in OPEN for each in self.model.values()):
            expected = ClaimOpen
        wish = Wish(Problem.STOPPED, Remedy.REPAIR, words="It stopped.")
        opening = open_claim(self.world.deps, account_holder(self.world.deps, "a-1"), item, wish)
        if expected is not None:
            self.refused(opening, expected)
            return multiple()
        claim = self.wait_for(opening)
        self.model[claim.id] = Modelled(item)
        return claim.id

    @rule(claim_id=claims, step=st.sampled_from(sorted(NEXT)))
    def step(self, claim_id: str, step: str) -> None:
        claim, modelled = self.found(claim_id), self.model[claim_id]
        to = modelled.after(step)
        if to is None:
            self.refused(self.taken(claim, step), REFUSALS)
            return
        self.wait_for(self.taken(claim, step))
        modelled.move(step, to)

    @rule(claim_id=claims, is_done=st.booleans(), times=st.integers(1, 2))
    def orders_answers(self, claim_id: str, is_done: bool, times: int) -> None:
        """Once it was asked; late, or more than once, too. It gives one answer for one request."""
        modelled = self.model[claim_id]
        if not modelled.asked or modelled.asked in modelled.refused or modelled.status not in OPEN:
            return
        answer = self.answer(self.found(claim_id), modelled.asked, is_done=is_done)
        for _ in range(times):
            self.wait_for(order_handlers(self.world.deps)[answer.type](answer))
        to = Status.CLOSED if is_done else U
        if is_done and modelled.asked == "refund":
            self.gone_back.add(modelled.item)
        if not is_done:
            modelled.refused.add(modelled.asked)
            to = modelled.status if modelled.status in (S, U, M) else U
        modelled.is_late = False
        modelled.move("orders", to)

    @rule(claim_id=claims)
    def orders_sets_another_aside(self, claim_id: str) -> None:
        """It is on its way, and the claim stands where it stood."""
        claim = self.found(claim_id)
        if self.model[claim_id].asked == "replacement":
            told = ReplacementCreated(
                claim_id=claim_id, order_id=claim.item.order_id, item_id=claim.item.purchase_id,
                replacement_order_id="new", number="N2", created_at=self.world.clock(),
            )  # fmt: skip
            event = Event.of(told, id=f"c-{claim_id}", subject=claim.item.order_id, at=self.world.clock())
            self.wait_for(order_handlers(self.world.deps)[event.type](event))

    @rule()
    def orders_is_silent(self) -> None:
        """For longer than anybody waits: a person is to look at whatever it was asked for."""
        if self.silences == MOST_SILENCES:
            return
        self.silences += 1
        self.world.clock.advance(days=15)
        self.wait_for(sweep_claims(self.world.deps))
        for modelled in self.model.values():
            if modelled.status is A:
                modelled.is_late = True
                modelled.move("silence", U)

    @invariant()
    def every_claim_stands_where_the_model_says(self) -> None:
        for claim_id, modelled in self.model.items():
            claim = self.found(claim_id)
            assert (claim.status, claim.is_unanswered) == (modelled.status, modelled.is_late)

    @invariant()
    def every_history_is_legal(self) -> None:
        for claim_id in self.model:
            claim = self.found(claim_id)
            statuses = [step.status for step in claim.history]
            assert (statuses[0], statuses[-1]) == (S, claim.status)
            assert all(later in LEGAL[earlier] for earlier, later in pairwise(statuses))

    @invariant()
    def no_item_has_two_open_claims(self) -> None:
        claimed = [claim.item.purchase_id for claim in map(self.found, self.model) if claim.is_open]
        assert len(claimed) == len(set(claimed))

    @invariant()
    def what_left_the_outbox_is_what_happened(self) -> None:
        told: dict[str, list[Status]] = {claim_id: [] for claim_id in self.model}
        requests: dict[str, list[str]] = {claim_id: [] for claim_id in self.model}
        for event in self.wait_for(self.outbox()):
            if event.type == ClaimOpened.TYPE:
                told[event.subject].append(S)
            elif event.type == ClaimUpdated.TYPE:
                told[event.subject].append(Status(event.read(ClaimUpdated).status))
            elif event.type == ClaimResolved.TYPE:
                told[event.subject].append(_ended(event.read(ClaimResolved)))
            elif event.type in (RefundRequested.TYPE, ReplacementRequested.TYPE):
                requests[event.subject].append(event.type.split(".")[1])
        assert told == {claim_id: modelled.told for claim_id, modelled in self.model.items()}
        assert requests == {claim_id: modelled.requests for claim_id, modelled in self.model.items()}

    def found(self, claim_id: str) -> Claim:
        claim: Claim = self.wait_for(self.world.deps.claims.find(claim_id))
        return claim

    def refused(self, work: Coroutine[Any, Any, Any], errors: type[Exception] | tuple[type[Exception], ...]) -> None:
        try:
            self.wait_for(work)
        except errors:
            return
        raise AssertionError("the model does not know of this step")

    async def taken(self, claim: Claim, step: str) -> None:
        deps = self.world.deps
        steps: dict[str, Callable[[], Awaitable[Claim]]] = {
            "review": lambda: desk.review(deps, claim, STAFF),
            "ask": lambda: desk.ask_for_more(deps, claim, STAFF, "Was it wet?"),
            "answer": lambda: say(deps, claim, "Never."),
            "withdraw": lambda: withdraw(deps, claim),
            "reject": lambda: desk.decide(deps, claim, STAFF, None, note="No."),
            "repair": lambda: desk.decide(deps, claim, STAFF, Remedy.REPAIR),
            "refund": lambda: desk.decide(deps, claim, STAFF, Remedy.REFUND),
            "replacement": lambda: desk.decide(deps, claim, STAFF, Remedy.REPLACEMENT),
            "refund when it is back": lambda: desk.decide(deps, claim, STAFF, Remedy.REFUND, return_first=True),
            "receive": lambda: desk.receive(deps, claim, STAFF, ""),
            "go on": lambda: desk.go_on(deps, claim, STAFF),
            "refuse the item": lambda: desk.refuse_item(deps, claim, STAFF, note="Another watch."),
            "begin the repair": lambda: desk.begin_repair(deps, claim, STAFF, "the coil"),
            "send it back": lambda: desk.return_repaired(deps, claim, STAFF),
        }
        await steps[step]()

    def answer(self, claim: Claim, asked: str, *, is_done: bool) -> Event:
        """What orders says of a refund or a replacement."""
        at, order = self.world.clock() + timedelta(seconds=1), claim.item.order_id
        replaces = Replaces(order_id=order, item_id=claim.item.purchase_id, claim_id=claim.id)
        new = ShippedItem(item_id=f"new-{order}", sku="kisai-rogue", name="Kisai Rogue", serial="TF-2")
        told: Contract
        if asked == "refund" and is_done:
            told = RefundCompleted(
                refund_id=f"claim-{claim.id}", order_id=order, number="N", completed_at=at, currency="JPY",
                amount_minor=19800, refunded_minor=19800, source=f"claim:{claim.id}", claim_id=claim.id, recipient={},
            )  # fmt: skip
        elif asked == "refund":
            told = RefundRefused(
                refund_id=f"claim-{claim.id}", order_id=order, source=f"claim:{claim.id}", claim_id=claim.id,
                amount_minor=None, reason="refund-too-high", refused_at=at,
            )  # fmt: skip
        elif is_done:
            told = OrderShipped(
                order_id="new", number="N2", shipped_at=at, items=(new,), replaces=replaces, recipient={}
            )
        else:
            told = OrderCancelled(
                order_id="new", number="N2", cancelled_at=at, by="staff", currency="JPY", refund_minor=0,
                replaces=replaces, recipient={},
            )  # fmt: skip
        return Event.of(told, id=f"e-{claim.id}", subject=order, at=at)


def _remedy_in(step: str) -> str:
    """What a step decides, "" where it decides no remedy."""
    first = step.partition(" ")[0]
    return first if first in set(Remedy) else ""


def _ended(told: ClaimResolved) -> Status:
    """The status behind an outcome."""
    return Status(told.outcome) if told.outcome in ("rejected", "withdrawn") else Status.CLOSED
