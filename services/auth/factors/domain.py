"""What an account has beside its password. No I/O, no clock, no randomness; secrets are here only sealed or hashed."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from services.auth.refusals import KnownPasskey, TooManyPasskeys
from shared import base64url

MOST_PASSKEYS = 10


@dataclass(frozen=True, slots=True)
class Authenticator:
    """The sealed TOTP secret, the last time step whose code was taken (RFC 6238 section 5.2), and since when it is.

    `added_at` is None where a command has given it.
    """

    secret: bytes
    last_step: int = 0
    added_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential: its id, its public key (COSE), and how often it signed; `name` is sealed."""

    id: bytes
    public_key: bytes
    sign_count: int
    name: bytes
    created_at: datetime
    used_at: datetime | None = None

    @property
    def public_id(self) -> str:
        """A short name for it, 22 characters: a credential's id may have up to 1023 bytes."""
        return base64url.encode(hashlib.sha256(self.id).digest()[:16])

    def counts_back(self, sign_count: int) -> bool:
        """Signed less often than before: there are two of it (WebAuthn section 6.1.1). 0 means that it never counts."""
        return (sign_count > 0 or self.sign_count > 0) and sign_count <= self.sign_count


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

    def offer(self, secret: bytes) -> "Factors":
        """Another authenticator is shown; the one before stays until this one is proven."""
        return replace(self, offered=secret)

    def prove(self, step: int, *, at: datetime) -> "Factors":
        """The offered authenticator gave the code of this time step: from now on it is the authenticator."""
        if self.offered is None:
            return self
        return replace(self, authenticator=Authenticator(self.offered, step, at), offered=None)

    def without_authenticator(self) -> "Factors":
        """No authenticator, proven or offered."""
        return replace(self, authenticator=None, offered=None)._tidied()

    def take_code(self, step: int) -> "Factors":
        """Remember that the code of this time step was used, so that it works once."""
        if self.authenticator is None:
            return self
        return replace(self, authenticator=replace(self.authenticator, last_step=step))

    def with_recovery(self, hashes: tuple[bytes, ...]) -> "Factors":
        """These recovery codes, and none from before."""
        return replace(self, recovery=hashes)

    def take_recovery(self, code_hash: bytes) -> "Factors | None":
        """One recovery code less; None where it is not among those that are left."""
        if code_hash not in self.recovery:
            return None
        return replace(self, recovery=tuple(each for each in self.recovery if each != code_hash))

    def passkey(self, credential_id: bytes) -> Passkey | None:
        """The passkey with this credential id."""
        return next((each for each in self.passkeys if each.id == credential_id), None)

    def add_passkey(self, passkey: Passkey) -> "Factors":
        """One passkey more.

        Raises:
            TooManyPasskeys: there are ten.
            KnownPasskey: this one is there.
        """
        if self.passkey(passkey.id) is not None:
            raise KnownPasskey
        if len(self.passkeys) >= MOST_PASSKEYS:
            raise TooManyPasskeys
        return replace(self, passkeys=(*self.passkeys, passkey))

    def take_passkey(self, credential_id: bytes, *, sign_count: int, at: datetime) -> "Factors | None":
        """A passkey has signed; None where it is not there, or counts back."""
        own = self.passkey(credential_id)
        if own is None or own.counts_back(sign_count):
            return None
        used = replace(own, sign_count=sign_count, used_at=at)
        return replace(self, passkeys=tuple(used if each is own else each for each in self.passkeys))

    def without_passkey(self, public_id: str) -> "Factors":
        """All passkeys but this one."""
        return replace(self, passkeys=tuple(each for each in self.passkeys if each.public_id != public_id))._tidied()

    def after_reset(self, *, staff: bool, added_before: datetime | None = None) -> "Factors":
        """What stays when somebody who reads the address's mail has chosen a new password: what only adds to it.

        Passkeys log in without the password, so that one which a stranger has added would outlive it. They go, but
        for staff who would be left without a second factor. The authenticator goes where it was not
        `added_before`, if that is given; with it, an offer of another one.
        """
        if staff and self.authenticator is None:
            return self
        own = self.authenticator
        is_young = added_before is not None and own is not None and (own.added_at or added_before) > added_before
        left = replace(self, passkeys=(), offered=None)
        return replace(left, authenticator=None if is_young else own)._tidied()

    def _tidied(self) -> "Factors":
        """Recovery codes stand in for a second factor: without one they are for nothing."""
        return self if self.any else replace(self, recovery=())


NO_FACTORS = Factors()
