"""Intake by webhook, for relays that tell bounces and complaints over HTTP instead of mailing them.

The body names return paths, as the relay saw them in the envelope; an adapter in front turns a relay's own form into
this one. Signed as `Padlock-Signature: t=<Unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">` with a shared secret.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from services.mailer.bounces.reading import Kind, Reading, kind_of
from services.mailer.bounces.usecases import take
from services.mailer.deps import Deps
from shared.errors import DomainError, ErrorKind, FieldError
from shared.http.intake import MalformedBody, read_body
from shared.http.routes import Answer, Call, RequestModel, Route

PATH = "/api/mailer/returns/webhook"
SIGNATURE = "Padlock-Signature"
TOLERANCE_S = 300
_LONGEST_HEADER = 500


class BadSignature(DomainError):
    """The webhook is not signed with the shared secret, or too long ago."""

    kind = ErrorKind.MALFORMED
    code = "bad-signature"

    def __init__(self) -> None:
        super().__init__(fields=[FieldError(SIGNATURE, self.code, "is not ours, or too old")])


class Told(RequestModel):
    """One copy that came back."""

    return_path: Annotated[str, StringConstraints(max_length=320)]
    """The envelope's sender, as the relay was given it."""
    kind: Literal["bounce", "complaint"]
    status: Annotated[str, StringConstraints(pattern=r"^([245]\.[0-9]{1,3}\.[0-9]{1,3})?$")] = ""
    """Of a bounce, RFC 3463; empty where the relay does not know."""

    @property
    def reading(self) -> Reading:
        """As a report by mail would say it."""
        return Reading(Kind.COMPLAINT) if self.kind == "complaint" else Reading(kind_of(self.status), self.status)


class TheyCameBack(RequestModel):
    """What a relay tells at once."""

    events: Annotated[tuple[Told, ...], Field(min_length=1, max_length=100)]


def webhook_routes(deps: Deps) -> Sequence[Route]:
    """The webhook's part of the contract."""
    return [
        Route("POST", PATH, partial(_receive, deps), "What came back, told by the mail relay",
              problems=[BadSignature, MalformedBody], required_headers=[SIGNATURE]),
    ]  # fmt: skip


async def _receive(deps: Deps, call: Call[None, None]) -> Answer:
    """204 when all of it is noted; a return path that we did not make is passed over."""
    body = await read_body(call.request)
    secret = deps.settings.bounce_webhook_secret.get_secret_value()
    verify(body, ",".join(call.headers(SIGNATURE)), secret=secret, now=deps.clock())
    try:
        told = TheyCameBack.model_validate_json(body)
    except ValidationError:
        raise MalformedBody from None
    for each in told.events:
        if (tag := deps.return_paths.read(each.return_path)) is not None:
            await take(deps, tag, each.reading)
    return Answer(204)


def verify(body: bytes, header: str, *, secret: str, now: datetime) -> None:
    """Let a body pass that was signed within `TOLERANCE_S`.

    Raises:
        BadSignature: whatever is wrong with it; without a secret nothing passes.
    """
    if not secret or len(header) > _LONGEST_HEADER:
        raise BadSignature
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t" and value.isascii() and value.isdigit()]
    if len(times) != 1 or len(times[0]) > 12 or abs(int(now.timestamp()) - int(times[0])) > TOLERANCE_S:
        raise BadSignature
    expected = hmac.new(secret.encode(), f"{times[0]}.".encode() + body, hashlib.sha256).hexdigest()
    given = [value for name, _, value in parts if name == "v1"]
    # More than one while the secret is being changed.
    if not any(hmac.compare_digest(value.encode(), expected.encode()) for value in given):
        raise BadSignature
