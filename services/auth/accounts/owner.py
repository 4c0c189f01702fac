"""The account of whoever is logged in, and what its owner is told and asked wherever something about it changes."""

from dataclasses import dataclass
from datetime import datetime

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import Password
from services.auth.accounts.rules import Rule
from services.auth.deps import Deps
from services.auth.mail import mail
from services.auth.people import Contact, open_contact
from services.auth.refusals import AccountNotFound, NoSession
from shared.contracts.auth import MailTemplate, Recipient
from shared.events import Event
from shared.identity import Identity
from shared.personal import PersonErased, PersonKey


@dataclass(frozen=True, slots=True)
class Owner:
    """An account with the key of its values."""

    account: Account
    person: PersonKey

    def contact(self, *, purpose: str) -> Contact:
        """Name and address, in clear."""
        return open_contact(self.person, self.account, purpose=purpose)


async def owner_by(deps: Deps, who: Identity) -> Owner:
    """The account behind an identity.

    Raises:
        NoSession: it ended within the identity's minute, or the account is gone.
    """
    if await deps.sessions.find_by_id(who.subject, who.session) is None:
        raise NoSession
    try:
        return Owner(await deps.accounts.get(who.subject), await deps.people.known(who.subject))
    except (AccountNotFound, PersonErased):
        raise NoSession from None


def tell_owner(
    deps: Deps,
    owner: Owner,
    template: MailTemplate,
    *,
    page: str = "/account",
    expires_at: datetime | None = None,
) -> Event:
    """A mail to the account's address in its language; `page` is where its link leads."""
    contact = owner.contact(purpose="mail")
    return mail(
        deps.sealer,
        template,
        Recipient(name=contact.name, email=contact.email, link=f"{deps.settings.public_url}{page}"),
        account_id=owner.account.id,
        at=deps.clock(),
        language=owner.account.language,
        expires_at=expires_at,
    )


async def check_password_of(deps: Deps, owner: Owner, password: Password, *, pointer: str = "/password") -> None:
    """Refuse what this account may not have as its password; shorter ones will do beside a second factor.

    Raises:
        InvalidInput, TransientError: see `PasswordRules.check`.
    """
    contact, settings = owner.contact(purpose="account"), deps.settings
    known = (contact.email, contact.name, settings.shop_name, settings.site_name)
    await deps.rules.check(password, known=known, rule=Rule(owner.account.factors.any, pointer))
