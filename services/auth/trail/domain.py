"""An entry of the audit trail. No I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.personal import Place

What = Literal[
    "registered",
    "verified",
    "logged-in",
    "login-refused",
    "logged-out",
    "session-ended",
    "browser-forgotten",
    "remember-theft",
    "password-confirmed",
    "password-changed",
    "password-reset-asked",
    "password-reset",
    "email-change-asked",
    "email-changed",
    "name-changed",
    "authenticator-added",
    "authenticator-removed",
    "recovery-codes-made",
    "recovery-code-used",
    "passkey-added",
    "passkey-removed",
    "roles-changed",
    "export-asked",
    "export-ready",
    "export-fetched",
    "staff-access",
    "staff-lookup",
    "erasure-asked",
    "erased",
]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened to an account. `details` are codes and ids, never a personal value in clear.

    `reason`: why a member of the staff looked, sealed under the owner's key at `reason_place`; b"" where there is none
    or the owner is erased.
    """

    what: What
    at: datetime
    details: Mapping[str, str] = field(default_factory=dict)
    reason: bytes = b""


@dataclass(frozen=True, slots=True)
class Entry(Note):
    """A note in its account's chain; `number` counts from 1."""

    number: int = 0


def reason_place(access_id: str) -> Place:
    """Where the reason of an access belongs; the note's details name it as `access`."""
    return Place("trail", "reason", access_id)
