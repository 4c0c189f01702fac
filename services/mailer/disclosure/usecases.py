"""What officers can do, one function each."""

import hashlib
from typing import Any

from services.mailer.addresses import key_of
from services.mailer.deps import Deps
from services.mailer.disclosure.answer import read_requester_key, seal_answer
from services.mailer.disclosure.domain import Grounds, answered, approved, asked, check_officer, request_of
from services.mailer.subscribers import COLLECTION
from shared.addresses import parse_email
from shared.identity import Identity
from shared.personal import PersonErased, Place

PURPOSE = "disclosure"


async def request_disclosure(deps: Deps, who: Identity, *, email: str, basis: str, reference: str, key: str) -> str:
    """Ask about one person; returns the id that the second officer approves.

    Args:
        deps: everything.
        who: the officer.
        email: one address; kept as a keyed hash alone.
        basis: the law that demands it.
        reference: the case.
        key: the requester's X25519 public key, PEM or base64.

    Raises:
        NotAnOfficer, OneAtATime, InvalidInput, TrailIsBroken
    """
    check_officer(who)
    address_key = key_of(deps.index, parse_email(email))
    grounds = Grounds(basis, reference, read_requester_key(key))
    disclosure_id = deps.new_id()
    await deps.disclosures.append(
        lambda chronicle: asked(
            chronicle, disclosure_id, by=who.subject, address_key=address_key, grounds=grounds, now=deps.clock()
        )
    )
    return disclosure_id


async def approve_disclosure(deps: Deps, who: Identity, disclosure_id: str, *, email: str) -> bytes:
    """Approve, and get the sealed answer. It is in the chain before it is given out; asked again, it is once more.

    Args:
        deps: everything.
        who: another officer than the one who asked.
        disclosure_id: of the request.
        email: the address again, so that both officers mean the same person.

    Raises:
        NotAnOfficer, NoSuchDisclosure, NotSecond, DisclosureIsOver, AnotherPerson, TrailIsBroken
    """
    check_officer(who)
    address_key = key_of(deps.index, parse_email(email))
    await deps.disclosures.append(
        lambda chronicle: approved(chronicle, disclosure_id, by=who.subject, address_key=address_key, now=deps.clock())
    )
    request = request_of((await deps.disclosures.verify()).entries, disclosure_id)
    values = {
        "disclosure": disclosure_id,
        "basis": request.details["basis"],
        "reference": request.details["reference"],
        "answered_at": deps.clock().isoformat(),
        **await _known(deps, address_key),
    }
    sealed = seal_answer(values, disclosure_id=disclosure_id, requester_key=request.details["requester_key"])
    digest = hashlib.sha256(sealed).hexdigest()
    await deps.disclosures.append(lambda chronicle: answered(chronicle, disclosure_id, by=who.subject, digest=digest))
    return sealed


async def _known(deps: Deps, address_key: str) -> dict[str, Any]:
    """Name and address, and since when; nothing else is asked for by a law that asks who somebody is."""
    found = await deps.subscribers.find_by_address(address_key)
    if found is None or found.person is None:
        return {"found": False}
    try:
        person = await deps.people.known(found.person.person_id)
    except PersonErased:
        return {"found": False}

    def opened(box: bytes, field: str) -> str:
        return person.open(box, Place(COLLECTION, field, found.id), purpose=PURPOSE).decode()

    return {
        "found": True,
        "email": opened(found.person.email, "email"),
        "name": opened(found.person.name, "name"),
        "state": found.state.value,
        "requested_at": found.consent.requested_at.isoformat(),
    }
