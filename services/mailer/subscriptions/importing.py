"""Subscribers from another system, row by row. Nothing that is known here changes: above all no one who has left.

A row with proof of its consent (when, from where, with which wording) is taken over as confirmed; any other is asked
by mail to confirm, as by the form. What a row is told to be never names the address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from services.mailer.addresses import key_of
from services.mailer.deps import Deps
from services.mailer.languages import Language
from services.mailer.mydata.late import is_forgotten
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.domain import Consent, Request, Subscription, SubscriptionState, begin
from services.mailer.subscriptions.links import new_subscriber_id
from services.mailer.subscriptions.routes import Topics
from services.mailer.subscriptions.store import Changed
from services.mailer.subscriptions.usecases import Applicant, forget, sealed_person, send_confirmation
from shared.addresses import Email, PersonName
from shared.errors import FieldError, InvalidInput
from shared.http.moments import Moment
from shared.http.problems import invalid_input
from shared.http.routes import RequestModel

COLUMNS = ("email", "name", "language", "topics")
PROOF = ("consented_at", "source", "wording")


class Outcome(StrEnum):
    """What became of a row."""

    CONFIRMED = "confirmed"
    """Taken over with its consent."""
    ASKED = "asked"
    """A mail asks for confirmation."""
    ALREADY = "already"
    """The address is subscribed, or has been asked: nothing changed."""
    SUPPRESSED = "suppressed"
    """The address has left or was erased: nothing changed, nothing was sent."""
    REPEATED = "repeated"
    """An earlier row has the same address, however it is spelled."""
    REFUSED = "refused"


def _words(value: object) -> object:
    return tuple(value.replace(";", " ").split()) if isinstance(value, str) else value


class Row(RequestModel):
    """One row. `topics` are separated by spaces or semicolons."""

    email: Email
    name: PersonName
    language: Language
    topics: Annotated[Topics, BeforeValidator(_words)]
    consented_at: Moment | None = None
    source: Annotated[str, Field(max_length=60)] = ""
    wording: Annotated[str, Field(max_length=60)] = ""

    @property
    def has_proof(self) -> bool:
        """Whether it says when, where and to what the person agreed."""
        return self.consented_at is not None


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a row; `why` has field and code of what was refused, never what stood there."""

    outcome: Outcome
    why: str = ""


class Import:
    """One file's rows, in order."""

    def __init__(self, deps: Deps, *, source: str, dry_run: bool = False) -> None:
        self._deps = deps
        self._source = source
        self._dry_run = dry_run
        self._seen: set[str] = set()

    async def take(self, cells: Mapping[str, str]) -> Told:
        """Take in a row."""
        try:
            row = self._read(cells)
        except InvalidInput as refusal:
            return Told(Outcome.REFUSED, " ".join(f"{fault.pointer}:{fault.code}" for fault in refusal.fields))
        key = key_of(self._deps.index, row.email)
        if key in self._seen:
            return Told(Outcome.REPEATED)
        self._seen.add(key)
        return Told(await self._known(key, row) or await self._new(key, row))

    def _read(self, cells: Mapping[str, str]) -> Row:
        try:
            row = Row.model_validate({name: text for name, text in cells.items() if text.strip()}, strict=False)
        except ValidationError as error:
            raise invalid_input(error) from None
        if len({row.has_proof, bool(row.source), bool(row.wording)}) > 1:
            raise InvalidInput(fields=[FieldError("/consented_at", "half-a-proof", "All of time, source and wording")])
        if row.consented_at is not None and row.consented_at > self._deps.clock():
            raise InvalidInput(fields=[FieldError("/consented_at", "in-the-future", "Consent lies in the past")])
        return row

    async def _known(self, key: str, row: Row) -> Outcome | None:
        """None where the address is new here, or was begun by an earlier run of this import that was cut off."""
        found = await self._deps.subscribers.find_by_address(key)
        if found is not None and found.state is SubscriptionState.PENDING and self._key_of(key) in found.asks.keys:
            return await self._finish(found, row)
        if found is not None:
            return Outcome.SUPPRESSED if found.state is SubscriptionState.UNSUBSCRIBED else Outcome.ALREADY
        return Outcome.SUPPRESSED if await self._is_erased(row) else None

    async def _is_erased(self, row: Row) -> bool:
        """Whether whoever had the address was erased; only a consent given since then is that of somebody else."""
        return await is_forgotten(self._deps, row.email, since=row.consented_at or datetime.min.replace(tzinfo=UTC))

    async def _new(self, key: str, row: Row) -> Outcome:
        if self._dry_run:
            return Outcome.CONFIRMED if row.has_proof else Outcome.ASKED
        subscriber_id = new_subscriber_id()
        person = await sealed_person(
            self._deps.people, subscriber_id, Applicant(row.email, row.name), person_id=subscriber_id
        )
        request = Request(self._key_of(key), row.topics, row.language, self._source, row.consented_at)
        subscription = begin(subscriber_id, key, request, person, at=self._deps.clock())
        try:
            await self._deps.subscribers.add(subscription)
        except Changed:  # the person came by the form at this very moment
            return Outcome.ALREADY
        outcome = await self._finish(subscription, row)
        # An erasure notes its moment and then looks for the subscription: one of the two sees the other.
        if await self._is_erased(row):
            await forget(self._deps, subscriber_id)
            return Outcome.SUPPRESSED
        return outcome

    async def _finish(self, subscription: Subscription, row: Row) -> Outcome:
        if self._dry_run:
            return Outcome.CONFIRMED if row.has_proof else Outcome.ASKED
        if row.consented_at is None:
            request = Request(subscription.asks.keys[-1], row.topics, row.language, self._source)
            await send_confirmation(self._deps, subscription, Applicant(row.email, row.name), request)
            return Outcome.ASKED
        return await self._confirm(subscription, row, row.consented_at)

    async def _confirm(self, subscription: Subscription, row: Row, consented_at: datetime) -> Outcome:
        consent = Consent(f"{self._source}: {row.source}", row.wording, consented_at)
        decided = subscription.taken_over(
            consent, at=self._deps.clock(), event_id=self._deps.new_id(), paused_until=self._next_month()
        )
        try:
            await self._deps.subscribers.save(decided[0], [decided[1]])
        except Changed:
            return Outcome.ALREADY
        self._deps.announcer.announce(COLLECTION, subscription.id, [decided[1]])
        return Outcome.CONFIRMED

    def _next_month(self) -> datetime:
        """The other system may have sent this month: the first newsletter from here counts in the next alone."""
        calendar = self._deps.settings.calendar
        local = self._deps.clock().astimezone(calendar.zone)
        first = (local.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return first.astimezone(UTC) + calendar.edge

    def _key_of(self, address_key: str) -> str:
        """The same when the same file comes again."""
        return "import-" + blake2b(f"{self._source}\0{address_key}".encode(), digest_size=16).hexdigest()
