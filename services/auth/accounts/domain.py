"""An account and what may become of it. Personal values are here only as sealed boxes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.auth.factors.domain import NO_FACTORS, Authenticator, Factors
from services.auth.refusals import SpentToken, UnknownToken

CUSTOMER = "customer"
STAFF_ROLES = ("support", "marketing", "fraud", "officer", "admin")
PROOF_LASTS = timedelta(hours=24)
RESET_LASTS = timedelta(minutes=10)
OBJECTION = timedelta(days=30)
"""How long a mailed reset takes away an authenticator that may be a stranger's, from the mail that told of it."""
EMAIL_CHANGE_LASTS = timedelta(hours=24)
PENDING_MOST = 40
"""How many registrations of one address may wait for their links: more than mails go to it in a day (`MAILS`)."""
FORMER_MOST = 10
"""How many former addresses an account remembers; a newer one pushes out the oldest."""


def nobodys_key(account_id: str) -> str:
    """What stands where an erased account's keyed hash was: unique as that, and no address has it."""
    return f"erased:{account_id}"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the mailed link must bring: the SHA-256 of its token, once, in time.

    `code_hash` is the keyed hash of what may be typed in place of following it, where the mail shows such a code.
    """

    token_hash: bytes
    expires_at: datetime
    used_at: datetime | None = None
    code_hash: bytes | None = None

    def use(self, at: datetime) -> "Proof":
        """Brought now.

        Raises:
            SpentToken: used before, or too old.
        """
        if self.used_at is not None or at >= self.expires_at:
            raise SpentToken
        return replace(self, used_at=at)


@dataclass(frozen=True, slots=True)
class Registration:
    """What one mail's link confirms, and no other: the values that came with it, sealed under the person's key."""

    proof: Proof
    email: bytes
    name: bytes
    password: bytes
    language: str = "en"


@dataclass(frozen=True, slots=True)
class EmailChange:
    """Another address, sealed, that counts once both have agreed: `confirm` went to the new one, `approve` to the old.

    Kept after it has happened until its time is over, so that a link used twice is known for one.
    """

    email_key: str
    email: bytes
    confirm: Proof
    approve: Proof

    @property
    def is_agreed(self) -> bool:
        """Both have answered."""
        return self.confirm.used_at is not None and self.approve.used_at is not None

    def answer(self, token_hash: bytes, *, at: datetime) -> "EmailChange":
        """One side agrees.

        Raises:
            UnknownToken: it is of neither side.
            SpentToken: used before, or too old.
        """
        if token_hash == self.confirm.token_hash:
            return replace(self, confirm=self.confirm.use(at))
        if token_hash == self.approve.token_hash:
            return replace(self, approve=self.approve.use(at))
        raise UnknownToken


@dataclass(frozen=True, slots=True)
class Reset:
    """A token for a forgotten password: `id` is its SHA-256. Good for one password of one account, for ten minutes.

    `serial` and `email_key` are those of the account when it was asked for: once the password or the address is
    another one, however that came, the token is spent. Without an account it is nobody's, and opens nothing: it is
    stored so that an unknown address costs the same work.
    """

    id: bytes
    expires_at: datetime
    account_id: str = ""
    email_key: str = ""
    serial: int = 0

    def check(self, account: "Account", *, at: datetime) -> None:
        """Let it choose the account's password.

        Raises:
            SpentToken: used before, overtaken, or too old.
        """
        if at >= self.expires_at or (account.password_serial, account.email_key) != (self.serial, self.email_key):
            raise SpentToken


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account. `email`, `name` and `password` (its Argon2id hash) are sealed under the person's key.

    Until the address is proven these are those of the newest registration and open nothing: whoever follows a link
    gets the values of that link's registration. `proof` is the link that was followed.

    `password_is_long`: long enough to stand alone, so that the last second factor may go. `password_serial` counts
    the passwords that the account has had.

    `former_emails` are the proven addresses that it had before, oldest first, each sealed as `email`: other services
    may still know the person by one.

    `is_owners`: whoever chose the password has read the address's mail: typed the code of a registration's mail, or
    followed the link of a reset.
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
    password_is_long: bool = True
    password_serial: int = 1
    email_change: EmailChange | None = None
    former_emails: tuple[bytes, ...] = ()
    is_owners: bool = False
    version: int = 1

    @property
    def is_verified(self) -> bool:
        """The owner of the address has proven it."""
        return self.verified_at is not None

    @property
    def is_gone(self) -> bool:
        """It is being erased; nobody's address leads to it."""
        return self.email_key == nobodys_key(self.id)

    @property
    def is_staff(self) -> bool:
        """Has any role beyond customer, and so needs a second factor."""
        return bool(self.roles - {CUSTOMER})

    def ask_again(self, registration: Registration) -> "Account":
        """One more registration of an address that nobody has proven yet, beside those that wait for their links."""
        waiting = (*self.registrations, registration)[-PENDING_MOST:]
        return replace(self._with_values_of(registration), registrations=waiting)

    def is_abandoned(self, now: datetime) -> bool:
        """Nobody has proven the address, and no link is left that could."""
        return not self.is_verified and all(now >= each.proof.expires_at for each in self.registrations)

    def verify(self, token_hash: bytes, *, at: datetime) -> "Account":
        """A link was followed: what its registration asked for becomes the account's, and all others end.

        Raises:
            UnknownToken: it belongs to no registration, or to one that has ended.
            SpentToken: used before, or too old.
        """
        return self._verify(lambda proof: proof.token_hash == token_hash, at)

    def verify_by_code(self, code_hash: bytes, *, at: datetime) -> "Account":
        """The code beside the link was typed: likewise.

        Raises:
            UnknownToken, SpentToken: as `verify`.
        """
        return replace(self._verify(lambda proof: proof.code_hash == code_hash, at), is_owners=True)

    def with_password(self, password: bytes, *, is_long: bool) -> "Account":
        """Another password; every token for a reset is spent, and a change of address that waits for its links ends."""
        return replace(
            self,
            password=password,
            password_is_long=is_long,
            password_serial=self.password_serial + 1,
            email_change=None,
        )

    def begin_reset(self, name: bytes, *, at: datetime) -> "Account":
        """As it is before whoever reads the address's mail chooses a password: without what strangers may have added.

        Passkeys may always be a stranger's. An authenticator may be where nothing shows that whoever added it reads
        the address's mail: a link proves an address, but not that the one who has followed it had registered. It stays
        once the mail that told of it has gone unanswered for `OBJECTION`.

        `name` takes the place of one that came with a registration which nobody has proven.
        """
        if self.is_staff:  # theirs was given by a command
            return replace(self, factors=self.factors.after_reset(staff=True))
        trusted = None if self.is_owners else at - OBJECTION
        left = replace(self, factors=self.factors.after_reset(staff=False, added_before=trusted))
        return left if self.is_verified else replace(left, name=name)

    def reset_password(self, password: bytes, *, is_long: bool, at: datetime) -> "Account":
        """Whoever reads the address's mail has chosen a password, and so has proven the address as well."""
        changed = replace(self.with_password(password, is_long=is_long), is_owners=True)
        return changed if self.is_verified else replace(changed, verified_at=at, registrations=())

    def agree(self, token_hash: bytes, *, at: datetime) -> "Account":
        """One side of a change of address agrees; once both have, the address is the new one.

        Raises:
            UnknownToken: there is no such change, or it was overtaken by another.
            SpentToken: used before, or too old.
        """
        if self.email_change is None:
            raise UnknownToken
        change = self.email_change.answer(token_hash, at=at)
        if not change.is_agreed:
            return replace(self, email_change=change)
        former = (*self.former_emails, self.email)[-FORMER_MOST:]
        return replace(self, email_change=change, email=change.email, email_key=change.email_key, former_emails=former)

    def take_code(self, step: int) -> "Account":
        """Remember that the code of this time step was used, so that it works once."""
        return replace(self, factors=self.factors.take_code(step))

    def appoint(self, role: str, *, secret: bytes) -> "Account":
        """Add a staff role; a new second factor replaces an old one."""
        return replace(self, roles=self.roles | {role}, factors=Factors(Authenticator(secret)))

    def dismiss(self) -> "Account":
        """Take all staff roles away; the person stays a customer."""
        return replace(self, roles=frozenset({CUSTOMER}), factors=NO_FACTORS)

    def _verify(self, fits: Callable[[Proof], bool], at: datetime) -> "Account":
        if self.proof is not None and fits(self.proof):
            raise SpentToken
        asked = next((each for each in self.registrations if fits(each.proof)), None)
        if asked is None:
            raise UnknownToken
        proof = asked.proof.use(at)
        return replace(self._with_values_of(asked), verified_at=at, proof=proof, registrations=())

    def _with_values_of(self, asked: Registration) -> "Account":
        return replace(self, email=asked.email, name=asked.name, password=asked.password, language=asked.language)
