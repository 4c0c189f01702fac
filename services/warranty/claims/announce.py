"""The events of a claim. What mailer needs of the claimant is sealed to it; whoever was erased gets no mail."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.warranty.claims.domain import Claim, Progress, Remedy, Saga
from services.warranty.claims.steps import Status
from services.warranty.claims.store import COLLECTION
from services.warranty.deps import Deps
from services.warranty.holders import Contact, guest_token, is_guest
from shared.contracts.warranty import (
    ClaimNotice,
    ClaimOpened,
    ClaimOverdue,
    ClaimReminded,
    ClaimResolved,
    ClaimUpdated,
    RefundRequested,
    ReplacementRequested,
)
from shared.errors import TransientError
from shared.events import Contract, Event, Sealed
from shared.personal import PersonErased, PersonKey, Place
from shared.sealing import NoPublicKey

PURPOSE = "warranty"
ANSWERED_WITHIN = timedelta(days=3)
"""How long orders may be away before somebody looks."""
SENT_WITHIN = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Announcer:
    """Makes the events of one claim, for one claimant."""

    deps: Deps
    contact: Contact

    def opened(self, claim: Claim) -> Event:
        """See `ClaimOpened`."""
        event_id = self.deps.new_id()
        told = ClaimOpened(
            claim_id=claim.id,
            number=claim.number,
            order_id=claim.item.order_id,
            item_id=claim.item.purchase_id,
            sku=claim.item.sku,
            name=claim.item.name,
            problem=claim.problem.value,
            wanted=claim.wanted.value,
            is_covered=claim.cover.is_covered,
            opened_at=claim.opened_at,
            answer_by=claim.clock.first_answer_by,
            language=claim.language,
            recipient=self._recipient(claim, ClaimOpened, event_id),
        )
        return Event.of(told, id=event_id, subject=claim.id, at=claim.opened_at)

    def stepped(self, claim: Claim, *, at: datetime) -> list[Event]:
        """What the last step of a claim is to others: that it ended, or how it goes on."""
        if not claim.is_open:
            return [self._resolved(claim, at=at)]
        return [self._updated(claim, "step", at=at)]

    def wrote(self, claim: Claim, text: str, *, at: datetime) -> Event:
        """The staff have written; the text goes to mailer alone."""
        return self._updated(claim, "message", at=at, message=text)

    def _updated(self, claim: Claim, what: str, *, at: datetime, message: str = "") -> Event:
        event_id = self.deps.new_id()
        last = claim.history[-1] if claim.history else None
        told = ClaimUpdated(
            claim_id=claim.id,
            number=claim.number,
            status=claim.status.value,
            what=what,
            remedy=_remedy(claim),
            why=last.why if last else "",
            name=claim.item.name,
            updated_at=at,
            language=claim.language,
            recipient=self._recipient(claim, ClaimUpdated, event_id, message=message),
        )
        return Event.of(told, id=event_id, subject=claim.id, at=at)

    def _resolved(self, claim: Claim, *, at: datetime) -> Event:
        event_id = self.deps.new_id()
        outcome = claim.status.value if claim.status is not Status.CLOSED else _remedy(claim)
        told = ClaimResolved(
            claim_id=claim.id,
            number=claim.number,
            outcome=outcome,
            why=claim.history[-1].why,
            name=claim.item.name,
            serial=claim.saga.new_serial or claim.item.serial,
            opened_at=claim.opened_at,
            resolved_at=at,
            language=claim.language,
            recipient=self._recipient(claim, ClaimResolved, event_id),
        )
        return Event.of(told, id=event_id, subject=claim.id, at=at)

    def _recipient(self, claim: Claim, contract: type[Contract], event_id: str, *, message: str = "") -> Sealed:
        """The claimant, as the field `recipient` of this event.

        Raises:
            TransientError: mailer's public key is not published.
        """
        to = ClaimNotice()
        if self.contact.email:
            link = _link_to(self.deps, claim)
            to = ClaimNotice(name=self.contact.name, email=self.contact.email, link=link, message=message)
        try:
            return self.deps.sealer.seal_for(
                {"mailer": to}, event_type=contract.TYPE, event_id=event_id, field="recipient"
            )
        except NoPublicKey as error:
            raise TransientError("mailer's public key is not published") from error


async def announcer_of(deps: Deps, claim: Claim) -> Announcer:
    """For the claim's claimant.

    Raises:
        Tampered, WrongShape: whom to write to cannot be read.
    """
    person = await claimant_of(deps, claim)
    if person is None or not claim.contact:
        return Announcer(deps, Contact())
    place = Place(COLLECTION, "contact", claim.id)
    return Announcer(deps, person.open_model(Contact, claim.contact, place, purpose=PURPOSE))


async def claimant_of(deps: Deps, claim: Claim) -> PersonKey | None:
    """The key of whoever claims; none for somebody erased."""
    if not claim.person_id:
        return None
    try:
        return await deps.people.known(claim.person_id)
    except PersonErased:
        return None


def overdue(deps: Deps, claim: Claim, deadline: str, due_at: datetime, *, at: datetime) -> Event:
    """See `ClaimOverdue`."""
    told = ClaimOverdue(claim_id=claim.id, number=claim.number, deadline=deadline, due_at=due_at, noted_at=at)
    return Event.of(told, id=deps.new_id(), subject=claim.id, at=at)


def reminded(deps: Deps, claim: Claim, deadline: str, due_at: datetime, *, at: datetime) -> Event:
    """See `ClaimReminded`."""
    told = ClaimReminded(claim_id=claim.id, number=claim.number, deadline=deadline, due_at=due_at, noted_at=at)
    return Event.of(told, id=deps.new_id(), subject=claim.id, at=at)


def requested(deps: Deps, claim: Claim, *, at: datetime) -> tuple[Claim, list[Event]]:
    """The claim with its remedy asked of orders, where that is who does it, and the event that asks.

    The claim's id is the key at orders: however often it is asked, it is done once.
    """
    item, remedy = claim.item, claim.decision.remedy if claim.decision else None
    if claim.status is not Status.APPROVED or remedy not in (Remedy.REFUND, Remedy.REPLACEMENT):
        return claim, []
    ask = RefundRequested if remedy is Remedy.REFUND else ReplacementRequested
    told = ask(
        claim_id=claim.id,
        order_id=item.order_id,
        item_id=item.purchase_id,
        reason=claim.problem.value,
        requested_at=at,
    )
    refusals = claim.saga.refusals
    saga = Saga(Progress.REQUESTED, remedy.value, refusals=refusals, due_at=at + ANSWERED_WITHIN)
    return replace(claim, saga=saga), [Event.of(told, id=deps.new_id(), subject=claim.id, at=at)]


def _link_to(deps: Deps, claim: Claim) -> str:
    page = f"{deps.settings.public_url}/warranty/claims/{claim.id}"
    if not is_guest(claim.person_id):
        return page
    order_id = claim.item.order_id
    return f"{page}?order={order_id}&t={guest_token(deps, order_id)}"


def _remedy(claim: Claim) -> str:
    decision = claim.decision
    return decision.remedy.value if decision is not None and decision.remedy is not None else ""
