"""The API of logging in with a passkey, and of showing again who one is: HTTP in, HTTP out."""

from functools import partial

from services.auth.browser import cookies_of, visit_by
from services.auth.deps import Deps
from services.auth.factors.check import Given
from services.auth.factors.passkeys import log_in_with_passkey, login_options
from services.auth.factors.views import ConfirmationRequest, PasskeyLogin, RequestOptions
from services.auth.refusals import (
    NoSession,
    SecondFactorRequired,
    TooManyTries,
    WrongCredentials,
    WrongPassword,
    WrongSecondFactor,
)
from services.auth.sessions.confirmation import Confirmation, confirm
from services.auth.sessions.devices import show_profile
from services.auth.sessions.views import SessionView, session_view
from shared.errors import InvalidInput
from shared.http.client import network_of
from shared.http.routes import SIGNED_IN, Answer, Call, Route

_SESSION = "/api/auth/session"


def login_routes(deps: Deps) -> list[Route]:
    """Both of them."""
    return [*_passkey_routes(deps), *_confirmation_routes(deps)]


def _passkey_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="POST",
            path=f"{_SESSION}/passkey/options",
            handler=partial(_login_options, deps),
            summary="What the browser needs to log in or confirm with a passkey; good for 5 minutes",
            answers={200: RequestOptions},
            problems=(TooManyTries,),
        ),
        Route(
            method="POST",
            path=f"{_SESSION}/passkey",
            handler=partial(_log_in, deps),
            summary="Log in with a passkey, which stands for password and second factor",
            body=PasskeyLogin,
            answers={200: SessionView},
            answer_headers=["Set-Cookie"],
            problems=(WrongCredentials,),
        ),
    ]


def _confirmation_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="POST",
            path=f"{_SESSION}/confirm",
            handler=partial(_confirm, deps),
            summary="Show again who you are: for 15 minutes this session may do what asks for a fresh login",
            body=ConfirmationRequest,
            answers={200: SessionView},
            access=SIGNED_IN,
            problems=(InvalidInput, NoSession, WrongPassword, WrongSecondFactor, SecondFactorRequired, TooManyTries),
        ),
    ]


async def _login_options(deps: Deps, call: Call[None, None]) -> Answer:
    options = await login_options(deps, network=network_of(call.request))
    return Answer(200, RequestOptions.model_validate(options))


async def _log_in(deps: Deps, call: Call[PasskeyLogin, None]) -> Answer:
    visit = visit_by(call.request, deps.settings)
    credential = call.body.credential.as_json()
    logged_in = await log_in_with_passkey(deps, credential, remember=call.body.remember, visit=visit)
    view = session_view(logged_in.account, logged_in.contact, logged_in.session)
    return Answer(200, view, cookies=cookies_of(logged_in, visit.presented))


async def _confirm(deps: Deps, call: Call[ConfirmationRequest, None]) -> Answer:
    body = call.body
    assertion = None if body.passkey is None else body.passkey.as_json()
    given = Confirmation(body.password, Given(body.otp, body.recovery_code, assertion))
    await confirm(deps, call.who, given, network=network_of(call.request))
    profile = await show_profile(deps, call.who)
    return Answer(200, session_view(profile.account, profile.contact, profile.session))
