"""That the staff have read a claim: kept, and told to auth, so that the claimant sees who looked and why.

One entry a claim, member of the staff and day (UTC): whoever works on a claim all morning has looked once.
"""

from services.warranty.claims.domain import Claim
from services.warranty.deps import Deps
from services.warranty.holders import is_guest
from shared.contracts.persons import AccessReason
from shared.contracts.warranty import AccessRecorded
from shared.errors import TransientError
from shared.events import Event
from shared.identity import Identity
from shared.sealing import NoPublicKey

WHAT = "claim"
_CUSTOMER = "customer"


async def note_access(deps: Deps, who: Identity, claim: Claim) -> None:
    """Keep that somebody of the staff reads a claim, before it is shown.

    Raises:
        TransientError: it could not be kept; then nothing is shown.
    """
    at = deps.clock()
    account_id = "" if is_guest(claim.person_id) else claim.person_id
    access_id = f"{claim.id}:{who.subject}:{at.date().isoformat()}"
    await deps.accesses.add(access_id, claim.id, who.subject, _events(deps, who, claim, account_id, access_id))


def _events(deps: Deps, who: Identity, claim: Claim, account_id: str, access_id: str) -> list[Event]:
    """A guest has no account to read it in: that look is kept, and told to nobody."""
    if not account_id:
        return []
    event_id, at = deps.new_id(), deps.clock()
    try:
        reason = deps.sealer.seal_for(
            {"auth": AccessReason(reason=f"Claim {claim.number}")},
            event_type=AccessRecorded.TYPE,
            event_id=event_id,
            field="reason",
        )
    except NoPublicKey as error:
        raise TransientError("auth's public key is not published") from error
    told = AccessRecorded(
        access_id=access_id,
        account_id=account_id,
        staff_id=who.subject,
        roles=tuple(sorted(who.roles - {_CUSTOMER})),
        what=WHAT,
        subject=claim.id,
        accessed_at=at,
        reason=reason,
    )
    return [Event.of(told, id=event_id, subject=claim.id, at=at)]
