"""The desk's part of the API: HTTP in, HTTP out."""

from functools import partial

from pydantic import AwareDatetime

from services.auth.deps import Deps
from services.auth.desk.usecases import find_customer
from services.auth.refusals import AccountNotFound, TooManyTries
from shared.addresses import Email
from shared.errors import InvalidInput
from shared.http.reasons import Reason
from shared.http.routes import Answer, Call, RequestModel, ResponseModel, Route, roles


class Lookup(RequestModel):
    """Whose account, and why you look. The person reads the reason."""

    email: Email
    reason: Reason


class CustomerView(ResponseModel):
    """A customer, as far as the desk needs to know one."""

    account_id: str
    name: str
    email_verified: bool
    created_at: AwareDatetime
    second_factor: bool


def desk_routes(deps: Deps) -> list[Route]:
    """Looking a customer up."""
    return [
        Route(
            method="POST",
            path="/api/auth/desk/people",
            handler=partial(_find, deps),
            summary="Look a customer up; noted with the reason, for the customer to read",
            body=Lookup,
            answers={200: CustomerView},
            access=roles("support", "officer", "admin"),
            problems=(InvalidInput, AccountNotFound, TooManyTries),
        )
    ]


async def _find(deps: Deps, call: Call[Lookup, None]) -> Answer:
    customer = await find_customer(deps, call.who, email=call.body.email, reason=call.body.reason)
    view = CustomerView(
        account_id=customer.account_id,
        name=customer.name,
        email_verified=customer.email_verified,
        created_at=customer.created_at,
        second_factor=customer.second_factor,
    )
    return Answer(200, view)
