"""What a claimant does with a claim."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.warranty.claims.announce import Announcer, announcer_of, claimant_of, requested
from services.warranty.claims.deadlines import THEIR_TURN, deadlines_of, resumed
from services.warranty.claims.decisions import (
    MANY_CLAIMS,
    MOST_COUNTED,
    ORDER_REFUNDED,
    REPEATED,
    SERIAL_DIFFERS,
    SERIAL_OF_ANOTHER,
    Case,
)
from services.warranty.claims.domain import (
    MOST_CLAIMS,
    ChangedMeanwhile,
    Claim,
    ClaimNotFound,
    Cover,
    Deadlines,
    Decision,
    Item,
    Message,
    NotCovered,
    Problem,
    Remedy,
    RepairOnly,
    TooManyClaims,
)
from services.warranty.claims.steps import CUSTOMER, RULES
from services.warranty.claims.store import COLLECTION
from services.warranty.coverage.cover import Coverage, coverage_of
from services.warranty.deps import Deps
from services.warranty.holders import Holder, open_contact
from services.warranty.records.domain import PurchaseNotFound, PurchaseRecord
from services.warranty.records.usecases import get_purchase
from shared.errors import FieldError, TransientError
from shared.events import Event
from shared.personal import PersonErased, PersonKey, Place

Decide = Callable[[Claim], tuple[Claim, Sequence[Event]]]
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """What a claimant says: `serial` as they read it on the watch; `goodwill` asks for it outside the warranty."""

    problem: Problem
    wanted: Remedy
    words: str = ""
    serial: str = ""
    goodwill: bool = False
    language: str = "en"


async def open_claim(deps: Deps, holder: Holder, purchase_id: str, wish: Wish) -> Claim:
    """Open a claim; the rules may decide it at once.

    Raises:
        PurchaseNotFound: there is no such item among the holder's.
        RepairOnly: it was handed on, and something else is wanted.
        NotCovered: with the days and the rule; nothing is stored.
        ClaimOpen, TooManyClaims: the item has an open claim, or had so many.
        PersonErased: the holder was erased a moment ago.
    """
    record = await get_purchase(deps, holder, purchase_id)
    if record.transferred_at is not None and wish.wanted is not Remedy.REPAIR:
        raise RepairOnly
    coverage = cover_now(deps, record, wish.problem)
    if not coverage.is_covered and not (wish.goodwill and coverage.allows_goodwill):
        raise not_covered(coverage)
    person = await deps.people.known(holder.person_id)
    earlier = await deps.claims.count_earlier(holder.key, record.id, most=MOST_COUNTED)
    if earlier >= MOST_CLAIMS and await deps.claims.count_earlier("", record.id, most=MOST_CLAIMS) >= MOST_CLAIMS:
        raise TooManyClaims
    clock = deadlines_of(deps.clock(), zone=deps.settings.zone, is_holiday=await deps.calendar.holidays())
    claim = _draft(deps, record, wish, person, clock=clock, holder=holder, coverage=coverage)
    claim = claim.flagged(*await _flags(deps, record, wish, earlier))
    announcer = Announcer(deps, open_contact(record, person))
    events = [announcer.opened(claim)]
    decided = _by_rules(deps, claim, earlier)
    if decided is not claim:
        claim, asked = requested(deps, decided, at=decided.opened_at)
        events += [*announcer.stepped(claim, at=claim.opened_at), *asked]
    if not await deps.purchases.begin_claim(record.id, owner_key=holder.key, at=deps.clock()):
        raise PurchaseNotFound  # it was handed on a moment ago; from here on it is not, until the claim is seen
    await deps.claims.add(claim, events)
    # An erasure drops the key and then forgets claims: if it did not see this one yet, its tombstone is seen here.
    if await deps.data_keys.find(holder.person_id) is None:
        await deps.claims.forget(holder.key)
        raise PersonErased
    return claim


def cover_now(deps: Deps, record: PurchaseRecord, problem: Problem | None = None) -> Coverage:
    """The cover of an item today, by the shop's calendar."""
    zone = deps.settings.zone
    on = deps.clock().astimezone(zone).date()
    return coverage_of(record, on, zone=zone, problem=problem.value if problem else "")


def not_covered(coverage: Coverage) -> NotCovered:
    """The refusal, with the days and the rule."""
    days = f"covered from {coverage.since.isoformat()} until {coverage.until.isoformat()}"
    if coverage.until < coverage.since:
        days = "never covered"
    rule = f"rule {coverage.rule}, version {coverage.rule_version}"
    asked = " Goodwill may be asked for." if coverage.allows_goodwill else ""
    return NotCovered(
        f"The item is not covered for this ({coverage.why}): {days}, by {rule}.{asked}",
        fields=[FieldError("/purchase_id", coverage.why, f"{days}, by {rule}")],
    )


async def find_own(deps: Deps, holder: Holder, claim_id: str) -> Claim:
    """One of the holder's claims.

    Raises:
        ClaimNotFound: there is none, or it is another's; nobody learns which.
    """
    claim = await deps.claims.find(claim_id)
    if claim is None or not claim.holder_key or claim.holder_key != holder.key:
        raise ClaimNotFound
    return claim


async def say(deps: Deps, claim: Claim, text: str, *, if_match: str | None = None) -> Claim:
    """The claimant writes.

    Raises:
        TooManyMessages, ChangedMeanwhile, PersonErased, TransientError: not written.
    """
    person = await claimant_of(deps, claim)
    if person is None:
        raise PersonErased
    message = sealed_message(deps, person, claim, text, by=CUSTOMER)

    def decide(claim: Claim) -> tuple[Claim, list[Event]]:
        return claim.said(message), []

    return await change(deps, claim, decide, if_match=if_match)


async def withdraw(deps: Deps, claim: Claim, *, if_match: str | None = None) -> Claim:
    """The claimant wants nothing any more. What was asked of orders already can't be taken back.

    Raises:
        IllegalStep, ChangedMeanwhile, TransientError: nothing has changed.
    """
    at, announcer = deps.clock(), await announcer_of(deps, claim)

    def decide(claim: Claim) -> tuple[Claim, list[Event]]:
        withdrawn = claim.withdrawn(at=at)
        return withdrawn, announcer.stepped(withdrawn, at=at)

    return await change(deps, claim, decide, if_match=if_match)


async def change(deps: Deps, claim: Claim, decide: Decide, *, if_match: str | None = None) -> Claim:
    """Take a step from where the claim stands now; of several at once, each decides on what the former left.

    Raises:
        ChangedMeanwhile: another version stands there than the header names.
        DomainError: what `decide` raises.
        TransientError: not written, nobody knows, or others are quicker each time.
    """
    for _ in range(_TRIES):
        _refuse_other(claim, if_match)
        changed, events = decide(claim)
        if changed is claim:
            return claim
        if claim.status in THEIR_TURN:
            holidays = await deps.calendar.holidays()
            changed = resumed(claim, changed, zone=deps.settings.zone, is_holiday=holidays)
        saved = await deps.claims.save(changed, events)
        if saved is not None:
            return saved
        found = await deps.claims.find(claim.id)
        if found is None:
            raise ClaimNotFound
        claim = found
    raise TransientError("a claim is being changed by many", retry_after_s=1)


def tag_of(claim: Claim) -> str:
    """The claim's ETag (RFC 9110 section 8.8.3): it changes with every step."""
    return f'"{claim.version}"'


def sealed_message(deps: Deps, person: PersonKey, claim: Claim, text: str, *, by: str) -> Message:
    """A message, its text sealed under the claimant's key."""
    message_id = deps.new_id()
    return Message(
        message_id, deps.clock(), by, person.seal(text, Place(COLLECTION, f"message {message_id}", claim.id))
    )


def open_message(person: PersonKey, claim: Claim, message: Message, *, purpose: str) -> str:
    """The text of a message; "" where it went with an erasure.

    Raises:
        Tampered: altered or moved.
    """
    if not message.text:
        return ""
    place = Place(COLLECTION, f"message {message.id}", claim.id)
    return person.open(message.text, place, purpose=purpose).decode()


def _draft(
    deps: Deps,
    record: PurchaseRecord,
    wish: Wish,
    person: PersonKey,
    *,
    clock: Deadlines,
    holder: Holder,
    coverage: Coverage,
) -> Claim:
    claim_id, at = deps.new_id(), deps.clock()
    item = Item(
        purchase_id=record.id,
        order_id=record.order_id,
        order_number=record.order_number,
        sku=record.sku,
        name=record.name,
        serial=record.serial,
        country=record.country,
        price_minor=record.unit_price_minor,
        currency=record.currency,
        is_transferred=record.transferred_at is not None,
    )
    contact = open_contact(record, person)
    return Claim(
        id=claim_id,
        number=f"C-{deps.new_number()}",
        holder_key=holder.key,
        person_id=holder.person_id,
        item=item,
        problem=wish.problem,
        wanted=wish.wanted,
        words=person.seal(wish.words, Place(COLLECTION, "words", claim_id)) if wish.words else b"",
        contact=person.seal_model(contact, Place(COLLECTION, "contact", claim_id)) if contact.email else b"",
        language=wish.language,
        cover=_cover(coverage),
        is_goodwill=not coverage.is_covered,
        opened_at=at,
        clock=clock,
    ).begun(at=at)


def _cover(coverage: Coverage) -> Cover:
    return Cover(
        is_covered=coverage.is_covered,
        since=coverage.since,
        until=coverage.until,
        rule=coverage.rule,
        rule_version=coverage.rule_version,
        why=coverage.why,
    )


async def _flags(deps: Deps, record: PurchaseRecord, wish: Wish, earlier: int) -> list[str]:
    flags = [REPEATED] if earlier >= MANY_CLAIMS else []
    flags += [ORDER_REFUNDED] if record.order_refunded_minor else []
    given = normal_serial(wish.serial)
    if given and record.serial and given != record.serial:
        other = await deps.purchases.of_serial(given)
        flags.append(SERIAL_OF_ANOTHER if other is not None and other.id != record.id else SERIAL_DIFFERS)
    return flags


def normal_serial(serial: str) -> str:
    """A serial number however it was typed."""
    return "".join(serial.split()).upper()


def _by_rules(deps: Deps, claim: Claim, earlier: int) -> Claim:
    on = claim.opened_at.astimezone(deps.settings.zone).date()
    rule = deps.claim_rules.approving(Case(claim, on, earlier))
    if rule is None:
        return claim
    decision = Decision(claim.wanted, RULES, claim.opened_at, rule.name, deps.claim_rules.version)
    return claim.decided(decision, why=rule.name)


def _refuse_other(claim: Claim, if_match: str | None) -> None:
    # RFC 9110 section 13.1.1: a list of tags, or any version at all.
    if if_match is None or if_match.strip() == "*":
        return
    if tag_of(claim) not in {tag.strip() for tag in if_match.split(",")}:
        raise ChangedMeanwhile
