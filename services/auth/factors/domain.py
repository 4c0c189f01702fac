"""What an account has beside its password. No I/O, no clock, no randomness; secrets are here only sealed or hashed."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Authenticator:
    """The sealed TOTP secret, and the last time step whose code was taken (RFC 6238 section 5.2)."""

    secret: bytes
    last_step: int = 0


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential: its id, its public key (COSE), and how often it signed; `name` is sealed."""

    id: bytes
    public_key: bytes
    sign_count: int
    name: bytes
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Factors:
    """`offered` is the sealed TOTP secret that was shown and not proven yet; it opens nothing.

    `recovery` holds the SHA-256 of each recovery code that is left.
    """

    authenticator: Authenticator | None = None
    offered: bytes | None = None
    recovery: tuple[bytes, ...] = ()
    passkeys: tuple[Passkey, ...] = ()

    @property
    def any(self) -> bool:
        """Whether a password alone is not enough."""
        return self.authenticator is not None or bool(self.passkeys)

    def take_code(self, step: int) -> "Factors":
        """Remember that the code of this time step was used, so that it works once."""
        if self.authenticator is None:
            return self
        return replace(self, authenticator=replace(self.authenticator, last_step=step))


NO_FACTORS = Factors()
