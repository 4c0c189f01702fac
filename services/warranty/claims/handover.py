"""A guest's claims become those of the account that has claimed the order: sealed anew, under the account's key."""

from dataclasses import replace

from services.warranty.claims.domain import Claim
from services.warranty.claims.store import COLLECTION
from services.warranty.deps import Deps
from services.warranty.holders import account_key, guest_key, guest_person
from services.warranty.photos.usecases import keep_photos, reseal_photos
from shared.personal import PersonErased, PersonKey, Place

_PAGE = 200


async def hand_over(deps: Deps, order_id: str, account_id: str) -> None:
    """Hand every claim of a guest's order over. Safe to do again.

    Raises:
        TransientError: some are left; the same event again completes it.
    """
    first = await deps.claims.of_holder(guest_key(deps, order_id), before="", limit=_PAGE)
    if not first:
        return
    try:
        guest = await deps.people.known(guest_person(order_id))
        account = await deps.people.person(account_id)
    except PersonErased:
        return
    key, claims = account_key(deps, account_id), first
    while claims:  # what was handed over is the guest's no more
        for claim in claims:
            resealed = _resealed(claim, guest, account)
            resealed = replace(resealed, photos=await reseal_photos(deps, claim, guest, account))
            await deps.claims.hand_over(key, [resealed])
            await keep_photos(deps, resealed.photos, instead_of=claim.photos)
        claims = await deps.claims.of_holder(guest_key(deps, order_id), before="", limit=_PAGE)
    if await deps.data_keys.find(account_id) is None:  # as when a claim is opened: one of the two sees the other
        await deps.claims.forget(key)


def _resealed(claim: Claim, old: PersonKey, new: PersonKey) -> Claim:
    def again(box: bytes, field: str) -> bytes:
        place = Place(COLLECTION, field, claim.id)
        return new.seal(old.open(box, place, purpose="warranty"), place) if box else b""

    return replace(
        claim,
        person_id=new.person_id,
        words=again(claim.words, "words"),
        contact=again(claim.contact, "contact"),
        history=tuple(replace(step, note=again(step.note, f"note {step.at.isoformat()}")) for step in claim.history),
        repair=replace(claim.repair, diagnosis=again(claim.repair.diagnosis, "diagnosis")),
        messages=tuple(replace(each, text=again(each.text, f"message {each.id}")) for each in claim.messages),
    )
