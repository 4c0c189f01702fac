"""What warranty announces."""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.contracts import persons
from shared.events import Contract, Sealed

ClaimId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
"""Opaque; it becomes part of keys at orders and at the payment provider."""


class ClaimNotice(BaseModel):
    """Whom a mail about a claim is for; travels only inside a box for mailer, empty where the claimant was erased."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = ""
    email: str = ""
    link: str = ""
    message: str = ""
    """What the staff wrote, for a mail that brings it."""


class ClaimOpened(Contract):
    """A buyer says that something is wrong with an item."""

    TYPE: ClassVar[str] = "warranty.claim.opened.v1"

    claim_id: ClaimId
    number: str = Field(description="the claim's number as people read it")
    order_id: str
    item_id: str
    sku: str
    name: str = Field(default="", description="of the product")
    problem: str = Field(description="a stable code")
    wanted: str = Field(description="repair, replacement or refund")
    is_covered: bool = True
    opened_at: AwareDatetime
    answer_by: AwareDatetime
    language: str = "en"
    recipient: Sealed
    """`ClaimNotice`, sealed to mailer."""


class ClaimUpdated(Contract):
    """A claim has taken a step, or the staff have written to the claimant."""

    TYPE: ClassVar[str] = "warranty.claim.updated.v1"

    claim_id: ClaimId
    number: str
    status: str
    what: str = Field(default="step", description="step or message")
    remedy: str = Field(default="", description="repair, replacement or refund, once that is decided")
    why: str = Field(default="", description="a stable code")
    name: str = Field(default="", description="of the product")
    updated_at: AwareDatetime
    language: str = "en"
    recipient: Sealed
    """`ClaimNotice`, sealed to mailer."""


class ClaimResolved(Contract):
    """A claim has ended."""

    TYPE: ClassVar[str] = "warranty.claim.resolved.v1"

    claim_id: ClaimId
    number: str
    outcome: str = Field(description="repair, replacement, refund, rejected or withdrawn")
    why: str = Field(default="", description="a stable code")
    name: str = Field(default="", description="of the product")
    serial: str = Field(default="", description="of the unit that the claimant has now")
    opened_at: AwareDatetime
    resolved_at: AwareDatetime
    language: str = "en"
    recipient: Sealed
    """`ClaimNotice`, sealed to mailer."""


class _Deadline(Contract):
    """Of a claim: what was to be done by when, and when it was seen that it is not."""

    claim_id: ClaimId
    number: str
    deadline: str = Field(description="first_answer or resolution")
    due_at: AwareDatetime
    noted_at: AwareDatetime


class ClaimOverdue(_Deadline):
    """A deadline of a claim has passed without what it was for. No person in it."""

    TYPE: ClassVar[str] = "warranty.claim.overdue.v1"


class ClaimReminded(_Deadline):
    """A deadline of a claim is near, and what it is for is not done yet. No person in it."""

    TYPE: ClassVar[str] = "warranty.claim.reminded.v1"


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
    ClaimOpened,
    ClaimUpdated,
    ClaimResolved,
    ClaimReminded,
    ClaimOverdue,
    RefundRequested,
    ReplacementRequested,
    PersonExported,
    PersonErased,
    AccessRecorded,
)
