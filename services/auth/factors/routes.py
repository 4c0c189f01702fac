"""The API of second factors: HTTP in, HTTP out."""

from functools import partial

from services.auth.deps import Deps
from services.auth.factors import authenticator, passkeys
from services.auth.factors.overview import overview, passkey_view
from services.auth.factors.recovery import make_codes
from services.auth.factors.views import (
    AddedPasskey,
    CreationOptions,
    FactorsView,
    NewPasskey,
    OfferProof,
    OfferView,
    PasskeyList,
    RecoveryCodes,
)
from services.auth.refusals import (
    AccountChanged,
    KnownPasskey,
    NoSecondFactor,
    NoSession,
    NothingOffered,
    PasskeyNotFound,
    PasskeyRefused,
    PasswordTooShortAlone,
    StaffNeedSecondFactor,
    TooManyPasskeys,
)
from shared.http.context import FreshLoginRequired
from shared.http.routes import SIGNED_IN, Answer, Call, Route

_RECENT = (NoSession, FreshLoginRequired)
_LAST = (StaffNeedSecondFactor, PasswordTooShortAlone)


def factor_routes(deps: Deps) -> list[Route]:
    """Authenticator, recovery codes, passkeys; all but the lists ask for a login of the last 15 minutes."""
    return [*_authenticator_routes(deps), *_passkey_routes(deps)]


def _authenticator_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="GET",
            path="/api/auth/mfa",
            handler=partial(_show, deps),
            summary="Your second factors",
            answers={200: FactorsView},
            access=SIGNED_IN,
            problems=(NoSession,),
        ),
        Route(
            method="POST",
            path="/api/auth/mfa/totp",
            handler=partial(_offer, deps),
            summary="Begin to set up an authenticator app; the one before stays until the new one is proven",
            answers={201: OfferView},
            access=SIGNED_IN,
            problems=(*_RECENT, AccountChanged),
        ),
        Route(
            method="POST",
            path="/api/auth/mfa/totp/confirm",
            handler=partial(_prove, deps),
            summary="Prove the new authenticator with a code; gives new recovery codes",
            body=OfferProof,
            answers={200: RecoveryCodes},
            access=SIGNED_IN,
            problems=(*_RECENT, NothingOffered, AccountChanged),
        ),
        Route(
            method="DELETE",
            path="/api/auth/mfa/totp",
            handler=partial(_remove_authenticator, deps),
            summary="Remove the authenticator",
            answers={204: None},
            access=SIGNED_IN,
            problems=(*_RECENT, *_LAST, AccountChanged),
        ),
        Route(
            method="POST",
            path="/api/auth/mfa/recovery-codes",
            handler=partial(_make_codes, deps),
            summary="New recovery codes in place of those from before",
            answers={200: RecoveryCodes},
            access=SIGNED_IN,
            problems=(*_RECENT, NoSecondFactor, AccountChanged),
        ),
    ]


def _passkey_routes(deps: Deps) -> list[Route]:
    path = "/api/auth/passkeys"
    return [
        Route(
            method="POST",
            path=f"{path}/options",
            handler=partial(_registration_options, deps),
            summary="What the browser needs to make a passkey; good for 5 minutes",
            answers={200: CreationOptions},
            access=SIGNED_IN,
            problems=(*_RECENT, TooManyPasskeys),
        ),
        Route(
            method="POST",
            path=path,
            handler=partial(_add_passkey, deps),
            summary="Add the passkey that the browser made",
            body=NewPasskey,
            answers={201: AddedPasskey},
            access=SIGNED_IN,
            problems=(*_RECENT, PasskeyRefused, TooManyPasskeys, KnownPasskey, AccountChanged),
        ),
        Route(
            method="GET",
            path=path,
            handler=partial(_list_passkeys, deps),
            summary="Your passkeys",
            answers={200: PasskeyList},
            access=SIGNED_IN,
            problems=(NoSession,),
        ),
        Route(
            method="DELETE",
            path=f"{path}/{{id}}",
            handler=partial(_remove_passkey, deps),
            summary="Remove a passkey",
            answers={204: None},
            access=SIGNED_IN,
            problems=(*_RECENT, PasskeyNotFound, *_LAST, AccountChanged),
        ),
    ]


async def _show(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, await overview(deps, call.who))


async def _offer(deps: Deps, call: Call[None, None]) -> Answer:
    offer = await authenticator.offer(deps, call.who)
    return Answer(201, OfferView(secret=offer.secret, uri=offer.uri, qr_svg=offer.qr_svg))


async def _prove(deps: Deps, call: Call[OfferProof, None]) -> Answer:
    return Answer(200, RecoveryCodes(recovery_codes=await authenticator.prove(deps, call.who, call.body.otp)))


async def _remove_authenticator(deps: Deps, call: Call[None, None]) -> Answer:
    await authenticator.remove(deps, call.who)
    return Answer(204)


async def _make_codes(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, RecoveryCodes(recovery_codes=await make_codes(deps, call.who)))


async def _registration_options(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, CreationOptions.model_validate(await passkeys.registration_options(deps, call.who)))


async def _add_passkey(deps: Deps, call: Call[NewPasskey, None]) -> Answer:
    name = call.body.name
    added = await passkeys.add_passkey(deps, call.who, call.body.credential.as_json(), name)
    view = passkey_view(added.passkey, name=name)
    return Answer(201, AddedPasskey(passkey=view, recovery_codes=added.recovery_codes))


async def _list_passkeys(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, PasskeyList(items=(await overview(deps, call.who)).passkeys))


async def _remove_passkey(deps: Deps, call: Call[None, None]) -> Answer:
    await passkeys.remove_passkey(deps, call.who, call.path("id"))
    return Answer(204)
