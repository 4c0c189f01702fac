"""An entry of the audit trail. No I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

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
    "erasure-asked",
    "erased",
]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened to an account. `details` are codes and ids, never a personal value in clear."""

    what: What
    at: datetime
    details: Mapping[str, str] = field(default_factory=dict)
