"""Passkeys: adding and removing them, and logging in with one. They are found by the user handle, which is the
account's id, and then by the credential's id among the account's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.auth.accounts.domain import Account
from services.auth.deps import Deps
from services.auth.factors.ceremonies import (
    Party,
    Refused,
    check_registration,
    new_challenge,
    read_assertion,
)
from services.auth.factors.changes import check_enough_left, owner_of, save_factors
from services.auth.factors.check import take_signed
from services.auth.factors.codes import hashes_of, new_codes
from services.auth.factors.domain import MOST_PASSKEYS, Passkey
from services.auth.factors.store import LASTS
from services.auth.people import place
from services.auth.refusals import (
    AccountNotFound,
    PasskeyNotFound,
    PasskeyRefused,
    TooManyPasskeys,
    WrongCredentials,
)
from services.auth.sessions.login import LoggedIn, begin_session
from services.auth.sessions.visit import Visit
from services.auth.throttle.store import Limit
from shared import base64url
from shared.identity import Identity
from shared.personal import PersonErased, PersonKey, Place

ASKS = Limit("passkey-asks", most=300, within=timedelta(minutes=15))
"""How often one network may ask for a challenge: each is a document for five minutes, whoever asks."""

_ALGORITHMS = (-8, -7, -257)
"""EdDSA, ES256, RS256 (IANA COSE registry): together what authenticators have."""
_TIMEOUT_MS = int(LASTS.total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Added:
    """A new passkey; with the first second factor of an account come recovery codes, not shown again."""

    passkey: Passkey
    recovery_codes: list[str]

    def __repr__(self) -> str:
        return "Added(hidden)"


async def registration_options(deps: Deps, who: Identity) -> dict[str, Any]:
    """`PublicKeyCredentialCreationOptionsJSON` (WebAuthn level 3, section 5.1.8), good for 5 minutes.

    A resident key, so that logging in needs no name; with user verification, so that it stands for both factors.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        TooManyPasskeys: there are ten.
    """
    owner = await owner_of(deps, who)
    account, contact, party = owner.account, owner.contact("account"), Party.of(deps.settings)
    if len(account.factors.passkeys) >= MOST_PASSKEYS:
        raise TooManyPasskeys
    return {
        "rp": {"id": party.id, "name": deps.settings.shop_name},
        "user": {"id": base64url.encode(account.id.encode()), "name": contact.email, "displayName": contact.name},
        "challenge": await new_challenge(deps, "register", account_id=account.id),
        "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in _ALGORITHMS],
        "timeout": _TIMEOUT_MS,
        "excludeCredentials": _descriptors(account),
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


async def add_passkey(deps: Deps, who: Identity, credential: Mapping[str, Any], name: str) -> Added:
    """Take in what the browser made of `registration_options`.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        PasskeyRefused: not for these options, too late, or not by an authenticator that knows its owner.
        TooManyPasskeys, KnownPasskey: there are ten, or this one is there.
        AccountChanged: somebody else was quicker.
    """
    owner = await owner_of(deps, who)
    account, now = owner.account, deps.clock()
    try:
        new = await check_registration(deps, credential, account_id=account.id)
    except Refused:
        raise PasskeyRefused from None
    sealed = owner.person.seal(name, _name_place(account.id, new.id))
    passkey = Passkey(new.id, new.public_key, new.sign_count, sealed, created_at=now)
    factors = account.factors.add_passkey(passkey)
    codes = [] if account.factors.any else new_codes()
    if codes:
        factors = factors.with_recovery(hashes_of(codes))
    await save_factors(deps, owner, factors, "passkey-added", passkey=passkey.public_id)
    return Added(passkey, codes)


async def remove_passkey(deps: Deps, who: Identity, id: str) -> None:
    """Take one away by its public id.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        PasskeyNotFound: there is none, or it is another's.
        StaffNeedSecondFactor, PasswordTooShortAlone: there is no other second factor.
        AccountChanged: somebody else was quicker.
    """
    owner = await owner_of(deps, who)
    left = owner.account.factors.without_passkey(id)
    if left == owner.account.factors:
        raise PasskeyNotFound
    check_enough_left(owner.account, left)
    await save_factors(deps, owner, left, "passkey-removed", passkey=id)


async def login_options(deps: Deps, *, network: str = "") -> dict[str, Any]:
    """`PublicKeyCredentialRequestOptionsJSON` (section 5.1.9) for anybody: which passkeys there are is not told.

    Raises:
        TooManyTries: this network asks too often.
    """
    if network:
        await deps.guard.admit(ASKS, deps.index.of("network", network))
    return {
        "challenge": await new_challenge(deps, "log-in"),
        "timeout": _TIMEOUT_MS,
        "rpId": Party.of(deps.settings).id,
        "allowCredentials": [],
        "userVerification": "required",
    }


async def log_in_with_passkey(deps: Deps, credential: Mapping[str, Any], *, remember: bool, visit: Visit) -> LoggedIn:
    """Begin a session for the owner of a passkey. It stands for both factors: what they have, and that it is they.

    Raises:
        WrongCredentials: whatever is wrong.
    """
    try:
        signed = await read_assertion(deps, credential)
        account = await deps.accounts.get(signed.user_handle)
        person = await deps.people.known(account.id)
    except (Refused, AccountNotFound, PersonErased):
        raise WrongCredentials from None
    if not account.is_verified:
        raise WrongCredentials
    account = await take_signed(deps, account, signed)
    return await begin_session(deps, account, person, remember=remember, visit=visit)


def passkey_name(person: PersonKey, account: Account, passkey: Passkey, *, purpose: str) -> str:
    """What its owner calls it."""
    return person.open(passkey.name, _name_place(account.id, passkey.id), purpose=purpose).decode()


def _name_place(account_id: str, credential_id: bytes) -> Place:
    return place(f"passkey.{base64url.encode(credential_id)}", account_id)


def _descriptors(account: Account) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": base64url.encode(each.id)} for each in account.factors.passkeys]
