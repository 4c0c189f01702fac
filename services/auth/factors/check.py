"""The second factor at a login: after the right password, and only then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import OneTimeCode
from services.auth.deps import Deps
from services.auth.factors.ceremonies import Refused, Signed, check_assertion, read_assertion
from services.auth.factors.codes import RecoveryCode
from services.auth.factors.domain import Factors
from services.auth.factors.totp import matching_step
from services.auth.people import place
from services.auth.refusals import AccountChanged, AccountNotFound, SecondFactorRequired, WrongCredentials
from services.auth.trail.domain import Note
from services.auth.trail.pending import Noted, noted
from shared.errors import FieldError
from shared.personal import PersonKey

log = structlog.get_logger()

Use = Callable[[Factors], Factors | None]
"""What using a factor makes of all of them; None where it does not count."""


@dataclass(frozen=True, slots=True)
class Given:
    """What came with the password; `passkey` is an assertion as JSON (`credentials.Assertion`)."""

    otp: OneTimeCode | None = None
    recovery_code: RecoveryCode | None = None
    passkey: Mapping[str, Any] | None = None

    @property
    def nothing(self) -> bool:
        """The password came alone."""
        return self.otp is None and self.recovery_code is None and self.passkey is None


NOTHING = Given()

_WAYS = {
    "otp": FieldError("/otp", "authenticator", "the six digits that your authenticator shows"),
    "recovery_code": FieldError("/recovery_code", "recovery-code", "one of your recovery codes"),
    "passkey": FieldError(
        "/passkey", "passkey", "an assertion for the options of POST /api/auth/session/passkey/options"
    ),
}


async def take_factor(deps: Deps, account: Account, person: PersonKey, given: Given) -> Account:
    """Check what was given and store that it was used, so that it works once, also when it comes twice at once.

    An account without a second factor needs none, unless it is of the staff.

    Raises:
        SecondFactorRequired: nothing was given; its fields name what the account could give.
        WrongCredentials: it is not right, or was used before; its field names it, for the password was right.
    """
    if not account.factors.any and not account.is_staff:
        return account
    if given.nothing:
        raise SecondFactorRequired(fields=[_WAYS[name] for name in ways_of(account.factors)])
    try:
        return await _take(deps, account, person, given)
    except WrongCredentials:
        raise WrongCredentials(fields=[wrong(given)]) from None


def wrong(given: Given) -> FieldError:
    """What of it does not count."""
    name = "passkey" if given.passkey is not None else "otp" if given.recovery_code is None else "recovery_code"
    return FieldError(f"/{name}", "wrong-code", "is wrong, or was used already")


async def _take(deps: Deps, account: Account, person: PersonKey, given: Given) -> Account:
    if given.passkey is not None:
        return await take_passkey(deps, account, given.passkey)
    if given.recovery_code is not None:
        return await _take_recovery_code(deps, account, given.recovery_code)
    assert given.otp is not None
    return await _take_otp(deps, account, person, given.otp)


async def take_passkey(deps: Deps, account: Account, credential: Mapping[str, Any]) -> Account:
    """Likewise for a passkey of this account; it shows both who has it and that they are who they are.

    Raises:
        WrongCredentials: as above.
    """
    try:
        signed = await read_assertion(deps, credential)
    except Refused:
        raise WrongCredentials from None
    if signed.user_handle not in ("", account.id):
        raise WrongCredentials
    return await take_signed(deps, account, signed)


async def take_signed(deps: Deps, account: Account, signed: Signed) -> Account:
    """Likewise, once its challenge is spent."""
    credential_id = signed.credential_id
    own = account.factors.passkey(credential_id)
    if own is None:
        raise WrongCredentials
    try:
        count = await check_assertion(deps, signed, own)
    except Refused:
        raise WrongCredentials from None
    now = deps.clock()
    if own.counts_back(count):
        log.warning("passkey counts back", account_id=account.id)
        await deps.trail.append(account.id, Note("login-refused", now, {"reason": "passkey-counts-back"}))
        raise WrongCredentials
    return await _spend(deps, account, lambda factors: factors.take_passkey(credential_id, sign_count=count, at=now))


async def _take_otp(deps: Deps, account: Account, person: PersonKey, otp: OneTimeCode) -> Account:
    def use(factors: Factors) -> Factors | None:
        own = factors.authenticator
        if own is None:
            return None
        secret = person.open(own.secret, place("totp", account.id), purpose="login").decode()
        step = matching_step(secret, otp.reveal(), at=deps.clock(), last_step=own.last_step)
        return None if step is None else factors.take_code(step)

    return await _spend(deps, account, use)


async def _take_recovery_code(deps: Deps, account: Account, code: RecoveryCode) -> Account:
    def note(left: Factors) -> Noted:
        return noted(account.id, "recovery-code-used", deps.clock(), left=str(len(left.recovery)))

    return await _spend(deps, account, lambda factors: factors.take_recovery(code.hash()), note=note)


async def _spend(deps: Deps, account: Account, use: Use, *, note: Callable[[Factors], Noted] | None = None) -> Account:
    """Store the use; where the account was changed at this very moment, look again whether it still counts."""
    serial = account.password_serial
    while True:
        factors = use(account.factors)
        if factors is None or account.password_serial != serial:  # proven with a password that is the old one now
            raise WrongCredentials
        try:
            notes = [] if note is None else [note(factors)]
            return await deps.accounts.save(replace(account, factors=factors), [], notes=notes)
        except AccountChanged:
            try:
                account = await deps.accounts.get(account.id)
            except AccountNotFound:
                raise WrongCredentials from None


def ways_of(factors: Factors) -> list[str]:
    """What the account could give, by the names of `Given`."""
    has = {
        "otp": factors.authenticator is not None,
        "recovery_code": bool(factors.recovery),
        "passkey": bool(factors.passkeys),
    }
    return [name for name, there in has.items() if there]
