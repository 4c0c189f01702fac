"""The second factor at a login: after the right password, and only then."""

from dataclasses import dataclass

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import OneTimeCode
from services.auth.deps import Deps
from services.auth.factors.totp import matching_step
from services.auth.people import place
from services.auth.refusals import AccountChanged, SecondFactorRequired, WrongCredentials
from shared.personal import PersonKey


@dataclass(frozen=True, slots=True)
class Given:
    """What came with the password."""

    otp: OneTimeCode | None = None

    @property
    def nothing(self) -> bool:
        """The password came alone."""
        return self.otp is None


NOTHING = Given()


async def take_factor(deps: Deps, account: Account, person: PersonKey, given: Given) -> Account:
    """Check what was given and store that it was used, so that it works once, also when it comes twice at once.

    An account without a second factor needs none, unless it is of the staff.

    Raises:
        SecondFactorRequired: nothing was given.
        WrongCredentials: it is not right, or was used before.
    """
    if not account.factors.any and not account.is_staff:
        return account
    if given.nothing:
        raise SecondFactorRequired
    own = account.factors.authenticator
    if own is None or given.otp is None:
        raise WrongCredentials
    secret = person.open(own.secret, place("totp", account.id), purpose="login").decode()
    step = matching_step(secret, given.otp.reveal(), at=deps.clock(), last_step=own.last_step)
    if step is None:
        raise WrongCredentials
    try:
        return await deps.accounts.save(account.take_code(step), [])
    except AccountChanged:
        raise WrongCredentials from None
