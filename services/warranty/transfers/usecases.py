"""Handing a watch on: an offer with a code, taken once by an account.

The code is shown once and kept as a keyed hash. Taking it is one conditional write, so that of many who try one gets
the watch. What the former owner has claimed stays theirs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.warranty.deps import Deps
from services.warranty.holders import Contact, Holder, account_key, owner_with
from services.warranty.records.domain import PurchaseNotFound, PurchaseRecord
from services.warranty.records.usecases import get_purchase
from shared.errors import DomainError, ErrorKind, NotFound, TransientError
from shared.http.context import FreshLoginRequired
from shared.identity import Identity
from shared.ids import new_number
from shared.personal import PersonErased

LASTS = timedelta(days=14)
CLAIM_TAKES = timedelta(minutes=1)
"""Within this time after somebody began to open a claim it is there, or never will be."""
_GROUPS, _SIZE = 4, 4  # 80 bits: nobody guesses one
_READ_AS = str.maketrans("OIL", "011")


class NotTransferable(DomainError):
    """The watch cannot be handed on: it was cancelled or paid back, or a claim for it is open."""

    kind = ErrorKind.CONFLICT
    code = "not-transferable"


class TransferNotFound(NotFound):
    """This code is of no watch, or not any more."""

    code = "transfer-not-found"


@dataclass(frozen=True, slots=True)
class Offer:
    """The code, which is not kept anywhere, and until when it is good."""

    code: str
    until: datetime


async def offer(deps: Deps, holder: Holder, who: Identity | None, purchase_id: str) -> Offer:
    """Make a code for one of the holder's watches; a former one is then worth nothing.

    Raises:
        FreshLoginRequired: an account that was only remembered.
        PurchaseNotFound, NotTransferable: see there.
    """
    if who is not None and not who.fresh:
        raise FreshLoginRequired
    record = await get_purchase(deps, holder, purchase_id)
    await _refuse_untransferable(deps, record)
    made = Offer(new_number(_GROUPS, _SIZE), deps.clock() + LASTS)
    found = await deps.purchases.offer(
        record.id, owner_key=holder.key, code_key=_key_of(deps, made.code), until=made.until
    )
    if not found:
        raise PurchaseNotFound
    return made


async def withdraw(deps: Deps, holder: Holder, purchase_id: str) -> None:
    """The code for this watch is worth nothing any more.

    Raises:
        PurchaseNotFound: it is not the holder's.
    """
    record = await get_purchase(deps, holder, purchase_id)
    await deps.purchases.withdraw_offer(record.id, owner_key=holder.key)


async def take(deps: Deps, account_id: str, code: str, contact: Contact) -> PurchaseRecord:
    """The watch that the code is of becomes the account's; mails about it go to `contact`. The same call again is
    answered the same.

    Raises:
        TransferNotFound: the code is of nothing, has run out, or another was first.
        NotTransferable: see there.
        PersonErased: the account was erased a moment ago.
        TransientError: somebody began to claim the watch a moment ago: its claim would not be seen yet.
    """
    code_key, key, at = _key_of(deps, code), account_key(deps, account_id), deps.clock()
    record = await deps.purchases.offered(code_key, at)
    if record is not None:
        if record.owner is not None and record.owner.key == key:
            raise NotTransferable("The watch is yours already.")
        await _refuse_untransferable(deps, record)
        owner = owner_with(deps, record.id, account_id, contact, await deps.people.person(account_id))
        await deps.purchases.hand_on(code_key, owner, at=at, unclaimed_since=at - CLAIM_TAKES)
    taken = await deps.purchases.taken(code_key, key)
    if taken is None:
        if await deps.purchases.offered(code_key, at) is not None:
            raise TransientError("the watch is being claimed", retry_after_s=int(CLAIM_TAKES.total_seconds()))
        raise TransferNotFound
    # As when a purchase is recorded: one of an erasure and this sees the other.
    if await deps.data_keys.find(account_id) is None:
        await deps.purchases.unlink(key)
        raise PersonErased
    return taken


async def _refuse_untransferable(deps: Deps, record: PurchaseRecord) -> None:
    if record.cancelled_at is not None or record.is_paid_back:
        raise NotTransferable
    if any(claim.is_open for claim in await deps.claims.of_purchase(record.id)):
        raise NotTransferable


def _key_of(deps: Deps, code: str) -> str:
    """However it was typed: signs that people mix up are read as the one that there is (Crockford's base 32)."""
    return deps.index.of("transfer", "".join(sign for sign in code.upper() if sign.isalnum()).translate(_READ_AS))
