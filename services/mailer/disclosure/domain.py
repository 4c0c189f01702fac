"""A disclosure is what its entries say: asked for by one officer, approved by another, answered. No I/O here.

The entries of all disclosures are one chain; each step is decided from the whole of it and becomes its next entry.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import orjson

from shared.cardlike import holds_card_number
from shared.chains import millis
from shared.errors import DomainError, ErrorKind, FieldError, InvalidInput, NotFound
from shared.identity import Identity

OFFICER = "officer"
GOOD_FOR = timedelta(days=7)
"""How long a request waits for the second officer."""
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029@]{3,200}")


class Step(StrEnum):
    """What an entry tells."""

    REQUESTED = "requested"
    APPROVED = "approved"
    ANSWERED = "answered"


class NotAnOfficer(DomainError):
    """Only officers who have just given their password may do this."""

    kind = ErrorKind.FORBIDDEN
    code = "not-an-officer"

    def __str__(self) -> str:
        return "only an officer may do this, in a session in which the password was given"


class NoSuchDisclosure(NotFound):
    """There is no such request."""

    code = "no-such-disclosure"


class NotSecond(DomainError):
    """Whoever asked cannot approve, and of others only one."""

    kind = ErrorKind.CONFLICT
    code = "not-second"

    def __str__(self) -> str:
        return "another officer than the one who asked must approve, and nobody else has"


class OneAtATime(DomainError):
    """An officer asks about one person, and about the next when that is answered or over."""

    kind = ErrorKind.CONFLICT
    code = "one-at-a-time"

    def __str__(self) -> str:
        return "this officer has a request that is not answered yet"


class DisclosureIsOver(DomainError):
    """The request was not approved in time."""

    kind = ErrorKind.GONE
    code = "disclosure-is-over"

    def __str__(self) -> str:
        return f"requests wait for {GOOD_FOR.days} days"


class AnotherPerson(DomainError):
    """The address is not the one that was asked about."""

    kind = ErrorKind.CONFLICT
    code = "another-person"

    def __str__(self) -> str:
        return "this is not the address that was asked about"


@dataclass(frozen=True, slots=True)
class DisclosureEntry:
    """One entry. `number` from 1, `officer` is an account's id; `details` are codes, hashes and references."""

    number: int
    disclosure_id: str
    step: Step
    at: datetime
    officer: str
    key_version: int
    details: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """All that it says, in the one way to write it."""
        values = {
            "number": self.number,
            "disclosure": self.disclosure_id,
            "step": self.step.value,
            "at": millis(self.at),
            "officer": self.officer,
            "details": dict(self.details),
        }
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry without its place in the chain."""

    disclosure_id: str
    step: Step
    officer: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why, for whom: legal basis and reference, and the requester's public key (base64 of X25519's 32 bytes)."""

    basis: str
    reference: str
    requester_key: str

    def __post_init__(self) -> None:
        for name in ("basis", "reference"):
            text = getattr(self, name)
            if not _TEXT.fullmatch(text) or holds_card_number(text):
                raise InvalidInput(
                    f"{name}: 3 to 200 characters, no address and no card number",
                    fields=[FieldError(f"/{name}", "invalid-text", "names the law or the case, never a person")],
                )


Chronicle = Sequence[DisclosureEntry]


def check_officer(who: Identity) -> None:
    """Role, and a password given in this session.

    Raises:
        NotAnOfficer
    """
    if OFFICER not in who.roles or not who.fresh:
        raise NotAnOfficer


def asked(chronicle: Chronicle, id: str, *, by: str, address_key: str, grounds: Grounds, now: datetime) -> Draft:
    """Ask about one person.

    Raises:
        OneAtATime: this officer's last request is still open.
    """
    answered = {each.disclosure_id for each in chronicle if each.step is Step.ANSWERED}
    mine = [each for each in chronicle if each.step is Step.REQUESTED and each.officer == by]
    if any(each.disclosure_id not in answered and now - each.at < GOOD_FOR for each in mine):
        raise OneAtATime
    details = {
        "address_key": address_key,
        "basis": grounds.basis,
        "reference": grounds.reference,
        "requester_key": grounds.requester_key,
    }
    return Draft(id, Step.REQUESTED, by, details)


def request_of(chronicle: Chronicle, id: str) -> DisclosureEntry:
    """The entry that asked.

    Raises:
        NoSuchDisclosure
    """
    for each in chronicle:
        if each.disclosure_id == id and each.step is Step.REQUESTED:
            return each
    raise NoSuchDisclosure


def approved(chronicle: Chronicle, id: str, *, by: str, address_key: str, now: datetime) -> Draft | None:
    """Approve; None where the same officer has already.

    Raises:
        NoSuchDisclosure, NotSecond, DisclosureIsOver, AnotherPerson
    """
    request = request_of(chronicle, id)
    found = next((each for each in chronicle if each.disclosure_id == id and each.step is Step.APPROVED), None)
    if request.officer == by or (found is not None and found.officer != by):
        raise NotSecond
    if now - request.at >= GOOD_FOR:
        raise DisclosureIsOver
    if request.details["address_key"] != address_key:
        raise AnotherPerson
    return None if found is not None else Draft(id, Step.APPROVED, by)


def answered(chronicle: Chronicle, id: str, *, by: str, digest: str) -> Draft:
    """The answer is about to be given out; `digest` is that of the sealed answer. Only behind its approval.

    Raises:
        NotSecond: there is no approval by this officer.
    """
    approvals = [each for each in chronicle if each.disclosure_id == id and each.step is Step.APPROVED]
    if [each.officer for each in approvals] != [by] or request_of(chronicle, id).officer == by:
        raise NotSecond
    return Draft(id, Step.ANSWERED, by, {"answer": digest})
