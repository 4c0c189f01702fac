"""An account and what may become of it. Personal values are here only as sealed boxes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.auth.domain.refusals import SpentToken, UnknownToken

CUSTOMER = "customer"
STAFF_ROLES = ("support", "marketing", "fraud", "officer", "admin")
PROOF_LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Proof:
    """What the mailed link must bring: the SHA-256 of its token, once, in time."""

    token_hash: bytes
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The sealed TOTP secret, and the last time step whose code was taken (RFC 6238 section 5.2)."""

    secret: bytes
    last_step: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account. `email`, `name` and `password` (its Argon2id hash) are sealed under the person's key."""

    id: str
    email_key: str
    email: bytes
    name: bytes
    password: bytes
    created_at: datetime
    roles: frozenset[str] = frozenset({CUSTOMER})
    verified_at: datetime | None = None
    proof: Proof | None = None
    second_factor: SecondFactor | None = None
    version: int = 1

    @property
    def is_verified(self) -> bool:
        """The owner of the address has proven it."""
        return self.verified_at is not None

    @property
    def is_staff(self) -> bool:
        """Has any role beyond customer, and so needs a second factor."""
        return bool(self.roles - {CUSTOMER})

    def ask_again(self, *, name: bytes, password: bytes, proof: Proof) -> "Account":
        """A repeated registration of an address that nobody has proven yet: the latest one counts."""
        return replace(self, name=name, password=password, proof=proof)

    def verify(self, token_hash: bytes, *, at: datetime) -> "Account":
        """The link was followed.

        Raises:
            UnknownToken: it is not the account's latest link.
            SpentToken: used before, or too old.
        """
        if self.proof is None or self.proof.token_hash != token_hash:
            raise UnknownToken
        if self.proof.used_at is not None or at >= self.proof.expires_at:
            raise SpentToken
        return replace(self, verified_at=at, proof=replace(self.proof, used_at=at))

    def take_code(self, step: int) -> "Account":
        """Remember that the code of this time step was used, so that it works once."""
        if self.second_factor is None:
            return self
        return replace(self, second_factor=replace(self.second_factor, last_step=step))

    def appoint(self, role: str, *, secret: bytes) -> "Account":
        """Add a staff role; a new second factor replaces an old one."""
        return replace(self, roles=self.roles | {role}, second_factor=SecondFactor(secret))

    def dismiss(self) -> "Account":
        """Take all staff roles away; the person stays a customer."""
        return replace(self, roles=frozenset({CUSTOMER}), second_factor=None)
