"""An account and what may become of it. Personal values are here only as sealed boxes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.auth.factors.domain import NO_FACTORS, Authenticator, Factors
from services.auth.refusals import SpentToken, UnknownToken

CUSTOMER = "customer"
STAFF_ROLES = ("support", "marketing", "fraud", "officer", "admin")
PROOF_LASTS = timedelta(hours=24)
PENDING_MOST = 5
"""How many registrations of one address may wait for their links; a newer one pushes out the oldest."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the mailed link must bring: the SHA-256 of its token, once, in time."""

    token_hash: bytes
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """What one mail's link confirms, and no other: the values that came with it, sealed under the person's key."""

    proof: Proof
    email: bytes
    name: bytes
    password: bytes


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account. `email`, `name` and `password` (its Argon2id hash) are sealed under the person's key.

    Until the address is proven these are those of the newest registration and open nothing: whoever follows a link
    gets the values of that link's registration. `proof` is the link that was followed.
    """

    id: str
    email_key: str
    email: bytes
    name: bytes
    password: bytes
    created_at: datetime
    roles: frozenset[str] = frozenset({CUSTOMER})
    verified_at: datetime | None = None
    proof: Proof | None = None
    registrations: tuple[Registration, ...] = ()
    factors: Factors = NO_FACTORS
    language: str = "en"
    version: int = 1

    @property
    def is_verified(self) -> bool:
        """The owner of the address has proven it."""
        return self.verified_at is not None

    @property
    def is_staff(self) -> bool:
        """Has any role beyond customer, and so needs a second factor."""
        return bool(self.roles - {CUSTOMER})

    def ask_again(self, registration: Registration) -> "Account":
        """One more registration of an address that nobody has proven yet, beside those that wait for their links."""
        waiting = (*self.registrations, registration)[-PENDING_MOST:]
        return replace(self._with_values_of(registration), registrations=waiting)

    def verify(self, token_hash: bytes, *, at: datetime) -> "Account":
        """A link was followed: what its registration asked for becomes the account's, and all others end.

        Raises:
            UnknownToken: it belongs to no registration, or to one that has ended.
            SpentToken: used before, or too old.
        """
        if self.proof is not None and self.proof.token_hash == token_hash:
            raise SpentToken
        asked = next((each for each in self.registrations if each.proof.token_hash == token_hash), None)
        if asked is None:
            raise UnknownToken
        if at >= asked.proof.expires_at:
            raise SpentToken
        followed = replace(asked.proof, used_at=at)
        return replace(self._with_values_of(asked), verified_at=at, proof=followed, registrations=())

    def take_code(self, step: int) -> "Account":
        """Remember that the code of this time step was used, so that it works once."""
        return replace(self, factors=self.factors.take_code(step))

    def appoint(self, role: str, *, secret: bytes) -> "Account":
        """Add a staff role; a new second factor replaces an old one."""
        return replace(self, roles=self.roles | {role}, factors=Factors(Authenticator(secret)))

    def dismiss(self) -> "Account":
        """Take all staff roles away; the person stays a customer."""
        return replace(self, roles=frozenset({CUSTOMER}), factors=NO_FACTORS)

    def _with_values_of(self, registration: Registration) -> "Account":
        return replace(self, email=registration.email, name=registration.name, password=registration.password)
