"""The API: HTTP in, HTTP out."""

from functools import partial

from services.auth.browser import LOGGED_OUT, cookies_of, device_by, presented_by
from services.auth.deps import Deps
from services.auth.domain.refusals import (
    AddressNotVerified,
    NoSession,
    SecondFactorRequired,
    SessionNotFound,
    SpentToken,
    TooManyTries,
    UnknownToken,
    WrongCredentials,
)
from services.auth.usecases import account as accounts
from services.auth.usecases.login import Credentials, log_in, log_out
from services.auth.usecases.registration import Wish, register, verify_address
from services.auth.views import (
    Accepted,
    AccountView,
    DeviceList,
    Login,
    PreferenceChoice,
    PreferenceView,
    Registration,
    SessionView,
    VerificationRequest,
    Verified,
    device_view,
)
from shared.errors import InvalidInput
from shared.http.cookies import Cookie
from shared.http.preferences import Preferences, read_preferences
from shared.http.routes import SIGNED_IN, Answer, Call, Route


def routes(deps: Deps) -> list[Route]:
    """Auth's part of the API."""
    return [*_account_routes(deps), *_session_routes(deps), *_browser_routes(deps)]


def _account_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="POST",
            path="/api/auth/accounts",
            handler=partial(_register, deps),
            summary="Ask for an account; the answer is the same whether the address is known or not",
            body=Registration,
            answers={202: Accepted},
            problems=(InvalidInput,),
        ),
        Route(
            method="POST",
            path="/api/auth/accounts/verify",
            handler=partial(_verify, deps),
            summary="Prove the address with the token of the mailed link",
            body=VerificationRequest,
            answers={200: Verified},
            problems=(InvalidInput, UnknownToken, SpentToken),
        ),
    ]


def _session_routes(deps: Deps) -> list[Route]:
    path = "/api/auth/session"
    return [
        Route(
            method="POST",
            path=path,
            handler=partial(_log_in, deps),
            summary="Log in; `remember` asks for a cookie that outlives the browser",
            body=Login,
            answers={200: SessionView},
            problems=(InvalidInput, WrongCredentials, SecondFactorRequired, AddressNotVerified, TooManyTries),
        ),
        Route(
            method="GET",
            path=path,
            handler=partial(_show_session, deps),
            summary="Who is logged in",
            answers={200: SessionView},
            access=SIGNED_IN,
            problems=(NoSession,),
        ),
        Route(
            method="DELETE",
            path=path,
            handler=partial(_log_out, deps),
            summary="Log out and forget this browser",
            answers={204: None},
        ),
    ]


def _browser_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="GET",
            path="/api/auth/sessions",
            handler=partial(_list_sessions, deps),
            summary="Where you are logged in",
            answers={200: DeviceList},
            access=SIGNED_IN,
        ),
        Route(
            method="DELETE",
            path="/api/auth/sessions/{id}",
            handler=partial(_end_session, deps),
            summary="Log out elsewhere",
            answers={204: None},
            access=SIGNED_IN,
            problems=(SessionNotFound,),
        ),
        Route(
            method="DELETE",
            path="/api/auth/remember",
            handler=partial(_forget_browsers, deps),
            summary="Forget all remembered browsers",
            answers={204: None},
            access=SIGNED_IN,
        ),
        Route(
            method="PUT",
            path="/api/auth/preferences",
            handler=partial(_prefer, deps),
            summary="Choose language and currency for this browser",
            body=PreferenceChoice,
            answers={200: PreferenceView},
            problems=(InvalidInput,),
        ),
    ]


async def _register(deps: Deps, call: Call[Registration, None]) -> Answer:
    language = read_preferences(call.request, deps.settings).language
    await register(deps, Wish(call.body.email, call.body.name, call.body.password, language))
    return Answer(202, Accepted())


async def _verify(deps: Deps, call: Call[VerificationRequest, None]) -> Answer:
    await verify_address(deps, call.body.token)
    return Answer(200, Verified())


async def _log_in(deps: Deps, call: Call[Login, None]) -> Answer:
    presented = presented_by(call.request, deps.settings)
    logged_in = await log_in(
        deps,
        Credentials(call.body.email, call.body.password, call.body.otp),
        remember=call.body.remember,
        device=device_by(call.request),
        presented=presented,
    )
    account = logged_in.account
    view = SessionView(
        account=AccountView(id=account.id, name=logged_in.name, roles=sorted(account.roles)),
        fresh=True,
        remembered=logged_in.session.remembered,
    )
    return Answer(200, view, cookies=cookies_of(logged_in, presented))


async def _show_session(deps: Deps, call: Call[None, None]) -> Answer:
    profile = await accounts.show_profile(deps, call.who)
    account = AccountView(id=profile.account.id, name=profile.contact.name, roles=sorted(profile.account.roles))
    return Answer(200, SessionView(account=account, fresh=profile.session.fresh, remembered=profile.session.remembered))


async def _log_out(deps: Deps, call: Call[None, None]) -> Answer:
    await log_out(deps, presented_by(call.request, deps.settings))
    return Answer(204, cookies=LOGGED_OUT)


async def _list_sessions(deps: Deps, call: Call[None, None]) -> Answer:
    sessions = await accounts.list_sessions(deps, call.who)
    return Answer(200, DeviceList(items=[device_view(each, current=call.who.session) for each in sessions]))


async def _end_session(deps: Deps, call: Call[None, None]) -> Answer:
    await accounts.end_one_session(deps, call.who, call.path("id"))
    return Answer(204)


async def _forget_browsers(deps: Deps, call: Call[None, None]) -> Answer:
    await accounts.forget_browsers(deps, call.who)
    return Answer(204, cookies=(Cookie.deletion("remember"),))


async def _prefer(deps: Deps, call: Call[PreferenceChoice, None]) -> Answer:
    chosen = Preferences(call.body.language, call.body.currency)
    view = PreferenceView(language=chosen.language, currency=chosen.currency)
    return Answer(200, view, cookies=(chosen.cookie(),))
