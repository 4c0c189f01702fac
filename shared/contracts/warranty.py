"""What warranty announces."""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts import persons
from shared.events import Contract

ClaimId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
"""Opaque; it becomes part of keys at orders and at the payment provider."""


class RefundRequested(Contract):
    """A claim shall end with money. Orders answers with `orders.refund.completed` or `.refused`, naming the claim."""

    TYPE: ClassVar[str] = "warranty.refund.requested.v1"

    claim_id: ClaimId
    order_id: str
    item_id: str
    amount_minor: int | None = Field(default=None, description="none for what was paid for the item; never more")
    reason: str = Field(default="", description="a stable code, never a person's words")
    requested_at: AwareDatetime


class ReplacementRequested(Contract):
    """A claim shall end with another watch. Orders answers with `orders.replacement.created` or `.refused`."""

    TYPE: ClassVar[str] = "warranty.replacement.requested.v1"

    claim_id: ClaimId
    order_id: str
    item_id: str
    reason: str = Field(default="", description="a stable code, never a person's words")
    requested_at: AwareDatetime


class PersonExported(persons.PersonExported):
    """What warranty holds about a person."""

    TYPE: ClassVar[str] = "warranty.person.exported.v1"


class PersonErased(persons.PersonErased):
    """Warranty has unlinked a person."""

    TYPE: ClassVar[str] = "warranty.person.erased.v1"


class AccessRecorded(persons.AccessRecorded):
    """Somebody of the staff has seen personal data at warranty."""

    TYPE: ClassVar[str] = "warranty.access.recorded.v1"


CONTRACTS: tuple[type[Contract], ...] = (
    RefundRequested,
    ReplacementRequested,
    PersonExported,
    PersonErased,
    AccessRecorded,
)
