"""What every change of second factors has in common: a fresh login before, a mail and a note in the trail after."""

from dataclasses import dataclass, replace

from services.auth.accounts.domain import Account
from services.auth.deps import Deps
from services.auth.factors.domain import Factors
from services.auth.mail import mail
from services.auth.people import Contact, open_contact
from services.auth.refusals import PasswordTooShortAlone, StaffNeedSecondFactor
from services.auth.sessions.confirmation import recent_session
from services.auth.trail.domain import What
from services.auth.trail.pending import noted
from shared.contracts.auth import Recipient
from shared.events import Event
from shared.identity import Identity
from shared.personal import PersonKey


@dataclass(frozen=True, slots=True)
class Owner:
    """Who changes something, having shown a moment ago to be the owner."""

    account: Account
    person: PersonKey

    def contact(self, purpose: str) -> Contact:
        """Name and address."""
        return open_contact(self.person, self.account, purpose=purpose)


async def owner_of(deps: Deps, who: Identity) -> Owner:
    """The account behind an identity.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        AccountNotFound, PersonErased: erased at this very moment.
    """
    await recent_session(deps, who)
    account = await deps.accounts.get(who.subject)
    return Owner(account, await deps.people.known(account.id))


async def save_factors(deps: Deps, owner: Owner, factors: Factors, what: What, **details: str) -> Account:
    """Store changed factors with the mail that tells the owner and the note for the trail.

    Raises:
        AccountChanged: somebody else was quicker.
    """
    letter = factors_mail(deps, owner.account, owner.person)
    note = noted(owner.account.id, what, deps.clock(), **details)
    return await deps.accounts.save(replace(owner.account, factors=factors), [letter], notes=[note])


def factors_mail(deps: Deps, account: Account, person: PersonKey) -> Event:
    """Tells the owner that a second factor was changed, and where to look."""
    contact = open_contact(person, account, purpose="mail")
    recipient = Recipient(name=contact.name, email=contact.email, link=f"{deps.settings.public_url}/account")
    return mail(
        deps.sealer,
        "second-factor-changed",
        recipient,
        account_id=account.id,
        at=deps.clock(),
        language=account.language,
    )


def check_enough_left(account: Account, left: Factors) -> None:
    """Refuse to remove what the account cannot be without.

    Raises:
        StaffNeedSecondFactor: staff always have one.
        PasswordTooShortAlone: the password was allowed to be short because there was a second factor.
    """
    if left.any:
        return
    if account.is_staff:
        raise StaffNeedSecondFactor
    if not account.password_is_long:
        raise PasswordTooShortAlone
