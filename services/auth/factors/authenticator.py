"""Setting up and removing an authenticator app (TOTP, RFC 6238)."""

import asyncio
from dataclasses import dataclass, replace

from services.auth.accounts.passwords import OneTimeCode
from services.auth.deps import Deps
from services.auth.factors.changes import Owner, check_enough_left, owner_of, save_factors
from services.auth.factors.codes import hashes_of, new_codes
from services.auth.factors.totp import draw_qr, matching_step, new_secret, setup_uri
from services.auth.people import place
from services.auth.refusals import NothingOffered
from shared.errors import FieldError, InvalidInput
from shared.identity import Identity


@dataclass(frozen=True, slots=True)
class Offer:
    """What an authenticator needs: to type, to open, to scan (an SVG document), until a code of it is given back."""

    secret: str
    uri: str
    qr_svg: str

    def __repr__(self) -> str:
        return "Offer(hidden)"


async def offer(deps: Deps, who: Identity) -> Offer:
    """A new secret, which is worth nothing until a code of it is given back; an authenticator from before stays.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        AccountChanged: somebody else was quicker.
    """
    owner = await owner_of(deps, who)
    secret = new_secret()
    sealed = owner.person.seal(secret, place("totp", owner.account.id))
    await deps.accounts.save(replace(owner.account, factors=owner.account.factors.offer(sealed)), [])
    return await _draw(deps, owner, secret)


async def show_offer(deps: Deps, who: Identity) -> Offer | None:
    """The offer that waits for its first code; None where there is none.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
    """
    owner = await owner_of(deps, who)
    if owner.account.factors.offered is None:
        return None
    return await _draw(deps, owner, _offered(owner, owner.account.factors.offered))


def _offered(owner: Owner, sealed: bytes) -> str:
    return owner.person.open(sealed, place("totp", owner.account.id), purpose="account").decode()


async def _draw(deps: Deps, owner: Owner, secret: str) -> Offer:
    uri = setup_uri(secret, issuer=deps.settings.shop_name, account=owner.contact("account").email)
    return Offer(secret, uri, await asyncio.to_thread(draw_qr, uri))


async def prove(deps: Deps, who: Identity, otp: OneTimeCode) -> list[str]:
    """The app shows the right code: from now on it is the authenticator. Ten new recovery codes, not shown again.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        NothingOffered: there is nothing to prove.
        InvalidInput: it is not the code of now.
        AccountChanged: somebody else was quicker.
    """
    owner = await owner_of(deps, who)
    factors = owner.account.factors
    if factors.offered is None:
        raise NothingOffered
    step = matching_step(_offered(owner, factors.offered), otp.reveal(), at=deps.clock(), last_step=0)
    if step is None:
        raise InvalidInput(fields=[FieldError("/otp", "wrong-code", "is not the code that the app shows now")])
    codes = new_codes()
    proven = factors.prove(step, at=deps.clock())
    await save_factors(deps, owner, proven.with_recovery(hashes_of(codes)), "authenticator-added")
    return codes


async def remove(deps: Deps, who: Identity) -> None:
    """No authenticator any more. None to remove is fine.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        StaffNeedSecondFactor, PasswordTooShortAlone: there is no other second factor.
        AccountChanged: somebody else was quicker.
    """
    owner = await owner_of(deps, who)
    if owner.account.factors.authenticator is None:
        return
    left = owner.account.factors.without_authenticator()
    check_enough_left(owner.account, left)
    await save_factors(deps, owner, left, "authenticator-removed")
