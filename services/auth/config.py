"""Auth's settings: what every service has, and how passwords are hashed."""

import os
from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from shared.caps import DEFAULT as USUAL_CAPS
from shared.caps import CapTable
from shared.settings import BaseSettings


class Settings(BaseSettings):
    """Environment of auth; names are listed by `python -m services.auth config`."""

    service: ClassVar[str] = "auth"
    purposes: ClassVar[tuple[str, ...]] = ("login", "account", "mail", "staff", "desk", "export")

    argon2_memory_kib: Annotated[int, Field(ge=8)] = 19 * 1024
    """Memory of one Argon2id computation in KiB (RFC 9106); P19 wants 19456 at the least."""
    argon2_passes: Annotated[int, Field(ge=1)] = 2
    """Passes of one Argon2id computation; P19 wants 2 at the least."""
    hash_threads: Annotated[int, Field(ge=1, le=64)] = min(64, os.cpu_count() or 1)
    """How many passwords are hashed at once; one for each processor unless told. Each is a process of some 13 MB that
    keeps the memory of one hash."""
    hash_queue: Annotated[int, Field(ge=1)] = 32
    """How many may wait for that before the answer is 503."""
    tries_per_network: Annotated[int, Field(ge=1)] = 300
    """Passwords, codes and new accounts that one network (/24 of IPv4, /56 of IPv6) may try in 15 minutes, beside
    logins that succeed. Raise it where many customers share one address, as behind a carrier's NAT."""
    newsletter_cap: str = USUAL_CAPS
    """Newsletters in a month, as the privacy page tells them: the same as mailer's setting of that name."""

    @field_validator("newsletter_cap")
    @classmethod
    def _readable_table(cls, text: str) -> str:
        CapTable.parse(text)
        return text
