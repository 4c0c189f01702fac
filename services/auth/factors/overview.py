"""What second factors an account has, as its owner sees it."""

from services.auth.deps import Deps
from services.auth.factors.domain import Passkey
from services.auth.factors.passkeys import passkey_name
from services.auth.factors.views import FactorsView, PasskeyView
from services.auth.sessions.confirmation import session_of
from shared.identity import Identity


async def overview(deps: Deps, who: Identity) -> FactorsView:
    """The account's second factors.

    Raises:
        NoSession: it ended within the identity's minute.
    """
    await session_of(deps, who)
    account = await deps.accounts.get(who.subject)
    person = await deps.people.known(account.id)
    return FactorsView(
        authenticator=account.factors.authenticator is not None,
        recovery_codes_left=len(account.factors.recovery),
        passkeys=[
            passkey_view(each, name=passkey_name(person, account, each, purpose="account"))
            for each in account.factors.passkeys
        ],
        required=account.is_staff,
    )


def passkey_view(passkey: Passkey, *, name: str) -> PasskeyView:
    """A passkey as its owner sees it."""
    return PasskeyView(id=passkey.public_id, name=name, created_at=passkey.created_at, used_at=passkey.used_at)
