"""A claim: one item, one problem, one outcome. Pure: every step gives a new claim, and says what it announces."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from services.warranty.claims.steps import ENDED, LEGAL, UNDECIDED, IllegalStep, Status, Step
from shared.errors import DomainError, ErrorKind, NotFound

MOST_MESSAGES = 200
MOST_PHOTOS = 10
MOST_CLAIMS = 50
"""Of one item, in all its life."""
NO_ANSWER = "no-answer-from-orders"
"""Why a remedy was handed to a person: it may still be done, for orders was asked."""


class Problem(StrEnum):
    """What a claimant may say is wrong."""

    STOPPED = "stopped"
    INACCURATE = "inaccurate"
    DISPLAY = "display"
    BATTERY = "battery"
    BUTTONS = "buttons"
    WATER = "water"
    GLASS = "glass"
    CASE = "case"
    STRAP = "strap"
    MISSING_PART = "missing_part"
    OTHER = "other"


class Remedy(StrEnum):
    """What a claimant may want, and what is done."""

    REPAIR = "repair"
    REPLACEMENT = "replacement"
    REFUND = "refund"


class ClaimNotFound(NotFound):
    """There is no such claim among yours."""

    code = "claim-not-found"


class ClaimOpen(DomainError):
    """This item has an open claim already."""

    kind = ErrorKind.CONFLICT
    code = "claim-open"


class TooManyClaims(DomainError):
    """This item was claimed as often as one may be: what else there is goes to the shop by mail."""

    kind = ErrorKind.CONFLICT
    code = "too-many-claims"


class OwnClaim(DomainError):
    """Nobody of the staff handles a claim of their own: a colleague does."""

    kind = ErrorKind.CONFLICT
    code = "own-claim"


class NotCovered(DomainError):
    """The item is not covered for this problem."""

    kind = ErrorKind.CONFLICT
    code = "not-covered"


class ChangedMeanwhile(DomainError):
    """The claim is not as you have seen it any more: read it again."""

    kind = ErrorKind.STALE
    code = "changed-meanwhile"


class SecondPersonNeeded(DomainError):
    """Goodwill outside the warranty needs the approval of a second member of the staff."""

    kind = ErrorKind.CONFLICT
    code = "second-person-needed"


class RemedyUnderWay(DomainError):
    """Orders was asked and has not answered: until it has, only the same may be decided again."""

    kind = ErrorKind.CONFLICT
    code = "remedy-under-way"


class RemedyRefused(DomainError):
    """Orders has refused this remedy for this claim, and would again."""

    kind = ErrorKind.CONFLICT
    code = "remedy-refused"


class RepairOnly(DomainError):
    """This watch was handed on: it is repaired; money and other watches go to who bought it."""

    kind = ErrorKind.CONFLICT
    code = "repair-only"


class TooManyMessages(DomainError):
    """This claim has as many messages as one may have: it can be decided or withdrawn, no more written about."""

    kind = ErrorKind.CONFLICT
    code = "too-many-messages"


class TooManyPhotos(DomainError):
    """This claim has as many photos as one may have."""

    kind = ErrorKind.CONFLICT
    code = "too-many-photos"


class PhotoNotFound(NotFound):
    """This claim has no such photo."""

    code = "photo-not-found"


class PhotoInUse(DomainError):
    """The claim was decided: its photos stay as they were seen then."""

    kind = ErrorKind.CONFLICT
    code = "photo-in-use"


class Progress(StrEnum):
    """How far a remedy has come that other services take part in."""

    NONE = ""
    REQUESTED = "requested"  # asked of orders by event; answered by event
    SENDING = "sending"  # orders ships a replacement
    DONE = "done"
    REFUSED = "refused"  # handed to a person


@dataclass(frozen=True, slots=True)
class Item:
    """The item as it was when it was claimed. Money in minor units of `currency`."""

    purchase_id: str
    order_id: str
    order_number: str
    sku: str
    name: str
    serial: str
    country: str
    price_minor: int
    currency: str
    is_transferred: bool = False
    """It was handed on to the claimant: which order it was bought in, and for how much, is not told to them."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What the rules said of the item on the day of the claim; see `coverage`."""

    is_covered: bool
    since: date
    until: date
    rule: str
    rule_version: int
    why: str = ""
    """Why it is not covered: a stable code."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided; `remedy` is none where the claim was rejected. `rule` is empty where a person decided."""

    remedy: Remedy | None
    by: str
    at: datetime
    rule: str = ""
    rules_version: str = ""
    approved_by: str = ""
    """The second person, for goodwill."""
    return_first: bool = False
    """A proposal of goodwill that waits for the item, whoever approves it."""


@dataclass(frozen=True, slots=True)
class Saga:
    """What other services were asked for, and have answered."""

    progress: Progress = Progress.NONE
    asked: str = ""
    """The remedy that was asked for."""
    refund_id: str = ""
    replacement_order: str = ""
    new_serial: str = ""
    refused: str = ""
    due_at: datetime | None = None
    """When somebody has to look why there is no answer."""
    refusals: tuple[str, ...] = ()
    """Every remedy that orders has refused: it gives its answer once."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair: what was found, what it cost us, and by how many days the cover grew."""

    diagnosis: bytes = b""
    cost_minor: int = 0
    received_at: datetime | None = None
    returned_at: datetime | None = None
    extended_days: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message between claimant and staff; `text` is sealed under the claimant's key."""

    id: str
    at: datetime
    by: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the claimant: `width` and `height` in pixels, `size` in bytes; `file` is where it is stored.

    `id` follows from what is in the picture: the same photo sent again is the same one.
    """

    id: str
    at: datetime
    file: str
    width: int
    height: int
    size: int


@dataclass(frozen=True, slots=True)
class Deadlines:
    """By when what is due (`deadlines`), and what has been noted of it."""

    first_answer_by: datetime
    resolve_by: datetime
    answered_at: datetime | None = None
    resolved_at: datetime | None = None
    reminded: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. `holder_key` finds it for its claimant; personal parts are sealed under the key of `person_id`.

    `words` and `contact` are such parts. `flags` are reasons to look twice, stable codes. `is_goodwill`: the item was
    not covered, and the claimant asks all the same.
    """

    id: str
    number: str
    holder_key: str
    person_id: str
    item: Item
    problem: Problem
    wanted: Remedy
    words: bytes
    contact: bytes
    language: str
    cover: Cover
    is_goodwill: bool
    opened_at: datetime
    clock: Deadlines
    status: Status = Status.SUBMITTED
    history: tuple[Step, ...] = ()
    decision: Decision | None = None
    proposed: Decision | None = None
    """Goodwill that waits for the second person."""
    saga: Saga = Saga()
    repair: Repair = Repair()
    messages: tuple[Message, ...] = ()
    photos: tuple[Photo, ...] = ()
    flags: tuple[str, ...] = ()
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Nothing else may be claimed for the item meanwhile."""
        return self.status not in ENDED

    @property
    def needs_staff(self) -> bool:
        """Somebody of the shop has to do something."""
        waits_for_others = {Status.MORE_INFORMATION_NEEDED, Status.WAITING_FOR_ITEM}
        if not self.is_open or self.status in waits_for_others:
            return False
        return self.status is not Status.APPROVED or self.saga.progress is Progress.REFUSED

    def begun(self, *, at: datetime) -> "Claim":
        """As it is first stored."""
        return replace(self, history=(Step(self.status, at, "customer"),))

    @property
    def is_under_way(self) -> bool:
        """Orders was asked, and has time to do it."""
        return self.saga.progress in (Progress.REQUESTED, Progress.SENDING)

    @property
    def is_unanswered(self) -> bool:
        """Orders was asked and has not answered for so long that a person has to look: it may still do it."""
        return self.saga.progress is Progress.REFUSED and self.saga.refused == NO_ANSWER

    def withdrawn(self, *, at: datetime) -> "Claim":
        """The claimant wants nothing any more; the same claim where it has ended so already.

        Raises:
            IllegalStep: what was decided is under way, or done.
        """
        if self.status is Status.WITHDRAWN:
            return self
        if self.is_under_way or self.is_unanswered:
            raise IllegalStep(self.status, Status.WITHDRAWN)
        return self.step(Status.WITHDRAWN, at=at, by="customer")

    def step(self, status: Status, *, at: datetime, by: str, why: str = "", note: bytes = b"") -> "Claim":
        """The claim one step further.

        Raises:
            IllegalStep: it does not stand where this could be done.
        """
        if status not in LEGAL[self.status]:
            raise IllegalStep(self.status, status)
        clock = self.clock
        if by.startswith("staff:") or by == "rules":
            clock = replace(clock, answered_at=clock.answered_at or at)
        if status in ENDED:
            clock = replace(clock, resolved_at=at)
        return replace(self, status=status, history=(*self.history, Step(status, at, by, why, note)), clock=clock)

    def refuse_undecidable(self, remedy: Remedy | None) -> None:
        """Let pass what may be decided after what orders was asked before.

        Raises:
            RepairOnly, RemedyUnderWay, RemedyRefused: see there.
        """
        if self.item.is_transferred and remedy in (Remedy.REFUND, Remedy.REPLACEMENT):
            raise RepairOnly
        wanted = remedy.value if remedy else ""
        if (self.is_under_way or self.is_unanswered) and wanted != self.saga.asked:
            raise RemedyUnderWay
        if wanted in self.saga.refusals:
            raise RemedyRefused

    def decided(self, decision: Decision, *, why: str, note: bytes = b"", return_first: bool = False) -> "Claim":
        """The claim as decided: rejected, or approved for a remedy.

        A repair waits for the item; so does any other remedy with `return_first`.

        Raises:
            IllegalStep: it was decided already.
        """
        if self.status not in UNDECIDED:
            raise IllegalStep(self.status, Status.APPROVED if decision.remedy else Status.REJECTED)
        at, by = decision.at, decision.approved_by or decision.by
        if decision.remedy is None:
            return replace(self.step(Status.REJECTED, at=at, by=by, why=why, note=note), decision=decision)
        approved = replace(
            self.step(Status.APPROVED, at=at, by=by, why=why, note=note), decision=decision, proposed=None
        )
        if decision.remedy is Remedy.REPAIR or return_first:
            return approved.step(Status.WAITING_FOR_ITEM, at=at, by=by)
        return approved

    def proposing(self, proposal: Decision, *, note: bytes = b"") -> "Claim":
        """Under review, with goodwill that waits for the second person; the history has who proposed it, and why.

        Raises:
            IllegalStep: it was decided already.
        """
        if self.status not in UNDECIDED:
            raise IllegalStep(self.status, Status.APPROVED)
        why = "goodwill-proposed"
        if self.status is not Status.UNDER_REVIEW:
            proposed = self.step(Status.UNDER_REVIEW, at=proposal.at, by=proposal.by, why=why, note=note)
        else:  # no step: one more line on where it stands already
            line = Step(self.status, proposal.at, proposal.by, why, note)
            proposed = replace(self, history=(*self.history, line))
        return replace(proposed, proposed=proposal)

    def said(self, message: Message) -> "Claim":
        """With one more message. What the claimant was asked for is then there; an answer of the staff counts.

        Raises:
            TooManyMessages: there is no room.
        """
        if len(self.messages) >= MOST_MESSAGES:
            raise TooManyMessages
        claim = replace(self, messages=(*self.messages, message))
        if message.by == "customer":
            return claim._answered(message.at)
        return replace(claim, clock=replace(claim.clock, answered_at=claim.clock.answered_at or message.at))

    def pictured(self, photo: Photo) -> "Claim":
        """With one more photo; the same claim where it has this one already.

        Raises:
            IllegalStep: it has ended.
            TooManyPhotos: there is no room.
        """
        if any(each.id == photo.id for each in self.photos):
            return self
        self.refuse_unpicturable()
        return replace(self, photos=(*self.photos, photo))._answered(photo.at)

    def refuse_unpicturable(self) -> None:
        """Let pass a claim that may have one more photo.

        Raises:
            IllegalStep, TooManyPhotos: see `pictured`.
        """
        if not self.is_open:
            raise IllegalStep(self.status, Status.UNDER_REVIEW)
        if len(self.photos) >= MOST_PHOTOS:
            raise TooManyPhotos

    def photo(self, photo_id: str) -> Photo:
        """One of its photos.

        Raises:
            PhotoNotFound: there is none of this id.
        """
        for photo in self.photos:
            if photo.id == photo_id:
                return photo
        raise PhotoNotFound

    def without_photo(self, photo_id: str) -> "Claim":
        """The claimant has taken a photo back; the same claim where it is gone already.

        Raises:
            PhotoInUse: the claim was decided.
        """
        photos = tuple(each for each in self.photos if each.id != photo_id)
        if len(photos) == len(self.photos):
            return self
        if self.status not in UNDECIDED:
            raise PhotoInUse
        return replace(self, photos=photos)

    def _answered(self, at: datetime) -> "Claim":
        """What the claimant was asked for is there."""
        if self.status is Status.MORE_INFORMATION_NEEDED:
            return self.step(Status.UNDER_REVIEW, at=at, by="customer", why="answered")
        return self

    def flagged(self, *codes: str) -> "Claim":
        """With more reasons to look twice."""
        return replace(self, flags=(*self.flags, *(code for code in codes if code not in self.flags)))
