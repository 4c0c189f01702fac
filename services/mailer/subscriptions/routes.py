"""Subscribing by HTTP: in and out."""

from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.mailer.deps import Deps
from services.mailer.languages import Language
from services.mailer.subscriptions import usecases
from services.mailer.subscriptions.domain import LinkIsOver, Request
from shared.addresses import Email, PersonName
from shared.errors import InvalidInput
from shared.http.routes import Answer, Call, RequestModel, ResponseModel, Route

Topic = Literal["offers", "competitions", "new-products"]


def _each_once(topics: tuple[Topic, ...]) -> tuple[Topic, ...]:
    return tuple(dict.fromkeys(topics))


Topics = Annotated[tuple[Topic, ...], Field(min_length=1, max_length=3), AfterValidator(_each_once)]


class SubscribeBody(RequestModel):
    """Who would like newsletters about what."""

    email: Email
    name: PersonName
    language: Language
    topics: Topics


class ConfirmBody(RequestModel):
    """The token of the confirmation mail's link."""

    token: str = Field(min_length=1, max_length=200)


class AskedView(ResponseModel):
    """Always the same, whoever asks for whom."""

    status: Literal["check-your-mail"] = "check-your-mail"


class ConfirmedView(ResponseModel):
    """The subscription runs."""

    status: Literal["confirmed"] = "confirmed"


def subscription_routes(deps: Deps) -> list[Route]:
    """The public part of mailer's API."""
    return [
        Route(
            "POST",
            "/api/mailer/subscriptions",
            partial(_subscribe, deps),
            "Ask for newsletters; a confirmation mail follows",
            body=SubscribeBody,
            answers={202: AskedView},
            problems=[InvalidInput],
        ),
        Route(
            "POST",
            "/api/mailer/subscriptions/confirm",
            partial(_confirm, deps),
            "Confirm by the mailed token",
            body=ConfirmBody,
            answers={200: ConfirmedView},
            problems=[InvalidInput, LinkIsOver],
        ),
    ]


async def subscribe(deps: Deps, body: SubscribeBody, *, source: str) -> None:
    """What the API and the form do alike."""
    applicant = usecases.Applicant(body.email, body.name)
    await usecases.ask(deps, applicant, Request(deps.new_id(), body.topics, body.language, source))


async def _subscribe(deps: Deps, call: Call[SubscribeBody, None]) -> Answer:
    await subscribe(deps, call.body, source="api")
    return Answer(202, AskedView())


async def _confirm(deps: Deps, call: Call[ConfirmBody, None]) -> Answer:
    await usecases.confirm(deps, call.body.token)
    return Answer(200, ConfirmedView())
