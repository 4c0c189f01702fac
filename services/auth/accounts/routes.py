"""The API of accounts: HTTP in, HTTP out."""

from functools import partial

from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.accounts.views import Accepted, Registration, VerificationRequest, Verified
from services.auth.deps import Deps
from services.auth.refusals import (
    SpentToken,
    UnknownToken,
)
from shared.errors import InvalidInput
from shared.http.preferences import read_preferences
from shared.http.routes import Answer, Call, Route


def account_routes(deps: Deps) -> list[Route]:
    """Registration and the proof of an address."""
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


async def _register(deps: Deps, call: Call[Registration, None]) -> Answer:
    language = read_preferences(call.request, deps.settings).language
    await register(deps, Wish(call.body.email, call.body.name, call.body.password, language))
    return Answer(202, Accepted())


async def _verify(deps: Deps, call: Call[VerificationRequest, None]) -> Answer:
    await verify_address(deps, call.body.token)
    return Answer(200, Verified())
