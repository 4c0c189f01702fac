"""A campaign: one issue of the newsletter, its states, and who decides about them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.mailer.campaigns.content import check_subject, render
from services.mailer.languages import DEFAULT, Language, known
from shared.errors import DomainError, ErrorKind, FieldError, InvalidInput, NotFound

LIFE = timedelta(days=3)
"""How long a campaign without `not_after` is tried: long enough for greylisting and for the edge of a month."""

BEHIND, AHEAD = timedelta(days=1), timedelta(days=730)
"""How long before and after now a campaign may be due: wide enough for any plan, narrow enough for slips of the pen."""


FOLLOW_UP_LIFE = timedelta(days=365)
"""How long a follow-up without `not_after` goes on."""


class CampaignState(StrEnum):
    """Where a campaign stands."""

    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class NoSuchCampaign(NotFound):
    """There is no such campaign."""

    code = "no-such-campaign"


class CampaignIsOver(DomainError):
    """The campaign has been sent already."""

    kind = ErrorKind.CONFLICT
    code = "campaign-is-over"


class CampaignHasBegun(DomainError):
    """Copies may be on their way already: the text stays as it is."""

    kind = ErrorKind.CONFLICT
    code = "campaign-has-begun"


class CampaignChanged(DomainError):
    """The campaign was changed since it was seen: look again."""

    kind = ErrorKind.STALE
    code = "campaign-changed"


class OwnApproval(DomainError):
    """Whoever wrote or changed a campaign does not approve it: that takes a second person."""

    kind = ErrorKind.CONFLICT
    code = "own-approval"


class TooManyTests(DomainError):
    """This campaign has been tried out often enough."""

    kind = ErrorKind.TOO_MANY
    code = "too-many-tests"


@dataclass(frozen=True, slots=True)
class Content:
    """One language's subject and body."""

    subject: str
    markdown: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Makes a campaign one that follows a purchase after some days: of one of `skus`, or of anything where none is."""

    after_days: int
    skus: tuple[str, ...] = ()

    def fits(self, skus: Collection[str]) -> bool:
        """Whether a purchase of these is followed."""
        return not self.skus or not set(self.skus).isdisjoint(skus)


@dataclass(frozen=True, slots=True)
class Campaign:
    """One issue to everybody who confirmed a subscription to `topic`. `content` has English or exactly one language.

    `version` rises with each change by hand. `edited_by` are those who changed the text, `approved_by` is the second
    person who has approved it as it is. `began_at`: when sending began; the text has been fixed since. With `follow_up`
    it goes, from `send_at` on, to subscribers whose purchase it follows, to each at most once.
    """

    id: str
    topic: str
    content: Mapping[Language, Content]
    send_at: datetime
    not_after: datetime
    created_at: datetime
    created_by: str
    state: CampaignState = CampaignState.SCHEDULED
    capped: int | None = None
    """How many were stopped by the cap when the campaign ended; None while it goes on."""
    version: int = 1
    edited_by: tuple[str, ...] = ()
    approved_by: str = ""
    began_at: datetime | None = None
    follow_up: FollowUp | None = None

    def content_for(self, language: str) -> tuple[Language, Content]:
        """The text for a subscriber: in their language, else in English, else in the one that there is."""
        for choice in (known(language), DEFAULT, *self.content):
            if choice in self.content:
                return choice, self.content[choice]
        raise AssertionError("a campaign has content")

    @property
    def is_open(self) -> bool:
        """Whether copies may still go out."""
        return self.state in (CampaignState.SCHEDULED, CampaignState.SENDING)

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now."""
        return self.is_open and self.send_at <= now

    def paused(self) -> "Campaign":
        """The campaign, at rest; pausing twice is fine.

        Raises:
            CampaignIsOver: it was sent or cancelled.
        """
        if not self.is_open and self.state is not CampaignState.PAUSED:
            raise CampaignIsOver
        return replace(self, state=CampaignState.PAUSED)

    def resumed(self, now: datetime) -> "Campaign":
        """The campaign, going on where it stood; resuming twice is fine.

        Raises:
            CampaignIsOver: it was sent or cancelled, or its time has passed.
        """
        if self.is_open:
            return self
        if self.state is not CampaignState.PAUSED or self.not_after <= now:
            raise CampaignIsOver
        return replace(self, state=CampaignState.SENDING if self.began_at else CampaignState.SCHEDULED)

    def edited(self, plan: "Campaign") -> "Campaign":
        """The campaign with the text, topic and times of `plan`; an approval is of another text and goes.

        Raises:
            CampaignIsOver: it was sent or cancelled.
            CampaignHasBegun: everybody gets the same text.
        """
        if not self.is_open and self.state is not CampaignState.PAUSED:
            raise CampaignIsOver
        if self.began_at is not None:
            raise CampaignHasBegun
        editors = self.edited_by if plan.created_by in self.edited_by else (*self.edited_by, plan.created_by)
        return replace(
            self,
            topic=plan.topic,
            content=plan.content,
            send_at=plan.send_at,
            not_after=plan.not_after,
            follow_up=plan.follow_up,
            edited_by=editors,
            approved_by="",
        )

    def approved(self, by: str) -> "Campaign":
        """The campaign, approved as it is by a second person.

        Raises:
            CampaignIsOver: it was sent or cancelled.
            OwnApproval: whoever wrote any of it is no second person.
        """
        if not self.is_open and self.state is not CampaignState.PAUSED:
            raise CampaignIsOver
        if by in (self.created_by, *self.edited_by):
            raise OwnApproval
        return replace(self, approved_by=by)

    def cancelled(self) -> "Campaign":
        """The campaign, stopped; cancelling twice is fine.

        Raises:
            CampaignIsOver: everything has been sent.
        """
        if self.state is CampaignState.SENT:
            raise CampaignIsOver
        return replace(self, state=CampaignState.CANCELLED)


def plan(
    *, id: str, topic: str, content: Mapping[Language, Content], send_at: datetime, not_after: datetime | None,
    now: datetime, by: str, hosts: Collection[str], follow_up: FollowUp | None = None,
) -> Campaign:  # fmt: skip
    """A new campaign, with its content checked to the last variable.

    Raises:
        InvalidInput: names each field.
    """
    until = _until(send_at, not_after, now=now, life=FOLLOW_UP_LIFE if follow_up else LIFE)
    if not content:
        raise InvalidInput(fields=[FieldError("/content", "empty", "At least one language is needed")])
    faults: list[FieldError] = []
    for language, text in content.items():
        try:
            check_subject(text.subject, pointer=f"/content/{language}/subject")
            render(text.markdown, pointer=f"/content/{language}/markdown", hosts=hosts)
        except InvalidInput as refusal:
            faults += refusal.fields
    if faults:
        raise InvalidInput("Some fields were refused.", fields=faults)
    return Campaign(id, topic, dict(content), send_at, until, now, by, follow_up=follow_up)


def _until(send_at: datetime, not_after: datetime | None, *, now: datetime, life: timedelta) -> datetime:
    if send_at < now - BEHIND:
        raise InvalidInput(fields=[FieldError("/send_at", "too-early", "Must not lie more than a day back")])
    if send_at > now + AHEAD:
        raise InvalidInput(fields=[FieldError("/send_at", "too-late", "Must lie within two years")])
    until = not_after or max(send_at, now) + life
    if until <= max(send_at, now):
        raise InvalidInput(fields=[FieldError("/not_after", "too-early", "Must be later than send_at and than now")])
    if until > now + AHEAD + life:
        raise InvalidInput(fields=[FieldError("/not_after", "too-late", "Must lie within two years")])
    return until
