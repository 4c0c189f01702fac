"""The event envelope: CloudEvents 1.0 in structured JSON, and the codec for it.

The whole event is the message body (`application/cloudevents+json`), so it reads the same on AMQP 0-9-1 and 1.0.
What an event says is a contract in `shared/contracts/`.
"""

import builtins
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.errors import DomainError, ErrorKind
from shared.trace import current_traceparent

CONTENT_TYPE = "application/cloudevents+json"


class Contract(BaseModel):
    """What one type of event says. Readers ignore fields that they don't know; writers never drop one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]


class SealedBox(BaseModel):
    """A value that only one reader can open: see `shared.sealing`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kid: str = Field(description="id of the reader's public key, `<reader>-<version>`")
    box: str = Field(description="carrier, nonce and ciphertext (`shared.carriers`), base64url without padding")


Sealed = dict[str, SealedBox]
"""A personal value, once for each reader: reader's service name -> box."""

ContractT = TypeVar("ContractT", bound=Contract)


class MalformedEvent(DomainError):
    """The bytes are no event of the type that they claim."""

    kind = ErrorKind.MALFORMED
    code = "malformed-event"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that has happened, ready to travel.

    `type` is also the routing key, `source` the publishing service, `subject` the aggregate's id, `time` aware UTC,
    `data` the contract as plain JSON values, `traceparent` W3C Trace Context or "".
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    data: dict[str, Any]
    traceparent: str = ""

    @classmethod
    def of(cls, contract: Contract, *, id: str, subject: str, at: datetime) -> "Event":
        """Wrap a contract; type and source follow from it, the trace from the request or delivery at hand."""
        return cls(
            id=id,
            type=contract.TYPE,
            source=contract.TYPE.partition(".")[0],
            subject=subject,
            time=at,
            data=contract.model_dump(mode="json"),
            traceparent=current_traceparent(),
        )

    def read(self, contract: builtins.type[ContractT]) -> ContractT:
        """The event's data, checked against its contract.

        Raises:
            MalformedEvent: the type is another one, or the data does not fit.
        """
        if self.type != contract.TYPE:
            raise MalformedEvent(f"expected {contract.TYPE}, got another type")
        try:
            return contract.model_validate(self.data)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False))
            raise MalformedEvent(f"{contract.TYPE} does not fit its contract at: {places}") from None


def encode(event: Event) -> bytes:
    """CloudEvents JSON format 1.0, UTF-8, compact."""
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/{event.source}",
        "type": event.type,
        "subject": event.subject,
        "time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": event.data,
    }
    if event.traceparent:
        body["traceparent"] = event.traceparent
    return orjson.dumps(body)


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore")

    specversion: str = Field(pattern=r"^1\.")
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=2, max_length=200)
    type: str = Field(pattern=r"^[a-z]+(\.[a-z-]+)+\.v[0-9]+$")
    subject: str = Field(max_length=200)
    time: AwareDatetime
    data: dict[str, Any]
    traceparent: str = ""


def decode(body: bytes) -> Event:
    """Read an envelope; its data stays unchecked until `Event.read`.

    Raises:
        MalformedEvent: no JSON, or a required attribute is missing or of the wrong shape.
    """
    try:
        envelope = _Envelope.model_validate_json(body)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, e["loc"])) or "body" for e in error.errors(include_input=False))
        raise MalformedEvent(f"not a CloudEvent: {places}") from None
    return Event(
        id=envelope.id,
        type=envelope.type,
        source=envelope.source.lstrip("/"),
        subject=envelope.subject,
        time=envelope.time.astimezone(UTC),
        data=envelope.data,
        traceparent=envelope.traceparent,
    )
