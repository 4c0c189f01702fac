"""Erasure: one write that cannot be taken back, then steps that are done again until all are done.

1. The account's document turns into one that is being erased: its address is free, and with that write leaves the event
   that asks all other services to forget the person.
2. The data key goes, and with it everything sealed under it; sessions and remembered browsers end; exports go; the
   receipt is opened.
3. Each service answers. With the last answer the receipt is complete, and the person gets a last mail, which was
   sealed for mailer while there was still an address.
4. The document goes, once its events are published.

Whoever dies after the first step has it finished by `sweep`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

import structlog

from services.auth.accounts.domain import Account, nobodys_key
from services.auth.accounts.owner import Owner, owner_by
from services.auth.deps import Deps
from services.auth.mail import mail
from services.auth.mydata.domain import SERVICES, Erasure, ErasureStatus, Outcome
from services.auth.mydata.holdings import person_of, tally
from services.auth.refusals import AccountChanged, AccountNotFound, NoSession, StaffStays, UnknownToken
from services.auth.sessions.confirmation import recent_session
from services.auth.tokens import fingerprint, fresh_token
from services.auth.trail.pending import noted
from shared.contracts.auth import AccountErased, Recipient
from shared.contracts.persons import Erased, Kept, Person
from shared.errors import TransientError
from shared.events import Event
from shared.identity import Identity
from shared.ids import new_id
from shared.topology import ASKED

EVERY_S = 5.0
STAYS_FOR = timedelta(seconds=30)
"""How long the emptied document stays at least: a login that was under way at the moment of erasure ends before."""
_AT_ONCE = 100
_TRIES = 5
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReceiptPart:
    """What one service has said."""

    status: Literal["running", "erased"]
    erased: tuple[Erased, ...] = ()
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """An erasure as whoever has its token sees it. `token` and `link` are there only where it was just asked for."""

    id: str
    status: ErasureStatus
    asked_at: datetime
    completed_at: datetime | None
    services: Mapping[str, ReceiptPart]
    token: str = ""
    link: str = ""

    def __repr__(self) -> str:
        return f"Receipt({self.id}, {self.status})"


async def ask_erasure(deps: Deps, who: Identity) -> Receipt:
    """Erase the account behind an identity. On return it is gone; what the other services hold goes within seconds.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        StaffStays: whoever works here has to be removed from the staff first.
    """
    await recent_session(deps, who)
    return await erase(deps, partial(owner_by, deps, who))


async def erase(deps: Deps, find: Callable[[], Awaitable[Owner]], **details: str) -> Receipt:
    """Erase the account that `find` gives, which is asked again where somebody changes it at this moment.

    `details` go into the trail beside the erasure's id: codes and references, never a personal value.

    Raises:
        StaffStays: see `ask_erasure`.
        NoSession: it is being erased already.
    """
    token = fresh_token()
    erasure = await _begin(deps, find, token, details)
    log.info("erasure begun", account_id=erasure.account_id, erasure_id=erasure.id)
    try:
        await carry_on(deps, erasure)
    except TransientError as error:
        log.warning("erasure left to the sweep", erasure_id=erasure.id, error=str(error))
    return _receipt(erasure, token=token, link=_link(deps, token))


async def show_receipt(deps: Deps, token: str) -> Receipt:
    """The receipt that a token shows.

    Raises:
        UnknownToken: there is none, or it is older than a year.
    """
    erasure = await deps.erasures.find_by_token(fingerprint(token))
    if erasure is None:
        raise UnknownToken
    return _receipt(erasure)


async def carry_on(deps: Deps, erasure: Erasure) -> None:
    """Everything that follows from an erasure that was begun. Doing it again changes nothing."""
    account_id = erasure.account_id
    await deps.people.erase(account_id)
    await deps.erasures.open(erasure)
    await deps.remembered.end_account(account_id, at=erasure.asked_at)
    await deps.sessions.end_account(account_id, at=erasure.asked_at)
    await deps.notes.settled()  # what carries notes is forgotten by a later turn only
    await deps.remembered.forget_account(account_id)
    await deps.sessions.forget_account(account_id)
    await deps.exports.drop(account_id)
    await deps.resets.forget_account(account_id)


async def sweep(deps: Deps) -> None:
    """Finish what was begun, by whoever; remove the documents of accounts that are erased.

    Raises:
        TransientError: the database is away; the next turn goes on.
    """
    before = deps.clock() - STAYS_FOR
    for erasure in await deps.erasures.begun(limit=_AT_ONCE):
        await carry_on(deps, erasure)
        if erasure.asked_at <= before:
            await _remove(deps, erasure.account_id)


async def _begin(deps: Deps, find: Callable[[], Awaitable[Owner]], token: str, details: Mapping[str, str]) -> Erasure:
    for _ in range(_TRIES):
        owner = await find()
        account = owner.account
        if account.email_key == nobodys_key(account.id):
            raise NoSession  # by another request, a moment ago
        if account.is_staff:
            raise StaffStays
        erasure = await _erasure(deps, owner, token)
        person = await person_of(deps, owner, purpose="mail")
        note = noted(account.id, "erasure-asked", erasure.asked_at, erasure=erasure.id, **details)
        try:
            await deps.erasures.begin(account, erasure, [_erased(deps, person, erasure)], notes=[note])
        except AccountChanged:
            continue
        return erasure
    raise TransientError("the account is being changed", retry_after_s=2)


async def _erasure(deps: Deps, owner: Owner, token: str) -> Erasure:
    """The erasure with its last word to the person."""
    account, now = owner.account, deps.clock()
    contact = owner.contact(purpose="mail")
    recipient = Recipient(name=contact.name, email=contact.email, link=_link(deps, token))
    letter = mail(deps.sealer, "erased", recipient, account_id=account.id, at=now, language=account.language)
    own: Outcome = await tally(deps, account)
    return Erasure(new_id(), fingerprint(token), now, account.id, letter, {"auth": own})


def _erased(deps: Deps, person: Person, erasure: Erasure) -> Event:
    """What the others are told: whom to forget."""
    event_id = new_id()
    sealed = deps.sealer.seal_for(
        dict.fromkeys(ASKED, person), event_type=AccountErased.TYPE, event_id=event_id, field="person"
    )
    told = AccountErased(
        account_id=erasure.account_id, erased_at=erasure.asked_at, erasure_id=erasure.id, person=sealed
    )
    return Event.of(told, id=event_id, subject=erasure.account_id, at=erasure.asked_at)


async def _remove(deps: Deps, account_id: str) -> None:
    """Drop the emptied document; one that still carries events or notes stays for another turn."""
    try:
        account: Account = await deps.accounts.get(account_id)
    except AccountNotFound:
        return
    await deps.accounts.remove(account)


def _link(deps: Deps, token: str) -> str:
    return f"{deps.settings.public_url}/erased?t={token}"


def _receipt(erasure: Erasure, *, token: str = "", link: str = "") -> Receipt:
    return Receipt(
        id=erasure.id,
        status=erasure.status,
        asked_at=erasure.asked_at,
        completed_at=erasure.completed_at,
        services={service: _part(erasure.outcomes.get(service)) for service in SERVICES},
        token=token,
        link=link,
    )


def _part(outcome: Outcome | None) -> ReceiptPart:
    return ReceiptPart("running") if outcome is None else ReceiptPart("erased", outcome.erased, outcome.kept)
