"""What each service says about one person when auth asks: what it holds, what it has erased, who has looked.

The three forms are the same for every publisher; only the type differs. A publisher's module names its own.
"""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.events import Contract, Sealed


class Person(BaseModel):
    """By what a service may know somebody, beside the account's id; travels only inside a sealed box."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    email: str
    """The proven address of the account."""
    former_emails: tuple[str, ...] = ()
    """Addresses that were proven for the account before and are nobody else's account now."""


class Collected(BaseModel):
    """One service's answer to an export; travels only inside a sealed box."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sections: dict[str, list[dict[str, object]]]
    """Rows of plain JSON values by the name of what they are, such as "orders"; no row of another person."""


class Kept(BaseModel):
    """What stays after an erasure, and why."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    what: str
    """A stable code, such as "purchase-facts"."""
    why: str
    """A stable code, such as "warranty"."""
    count: int = Field(ge=0)


class Erased(BaseModel):
    """What an erasure has made unreadable or removed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    what: str
    """A stable code, such as "profile"."""
    count: int = Field(ge=0)


class PersonExported(Contract):
    """Everything that the publisher holds about the person of an export, in one or more parts."""

    export_id: str
    account_id: str
    part: int = Field(default=1, ge=1)
    parts: int = Field(default=1, ge=1)
    collected_at: AwareDatetime
    data: Sealed
    """`Collected`, sealed to auth."""


class PersonErased(Contract):
    """The publisher holds nothing readable of the person any more. The receipt is made of these."""

    erasure_id: str
    account_id: str
    erased_at: AwareDatetime
    erased: tuple[Erased, ...] = ()
    kept: tuple[Kept, ...] = ()


class AccessReason(BaseModel):
    """Why somebody of the staff looked; travels only inside a sealed box."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    reason: str


class AccessRecorded(Contract):
    """Somebody of the staff has seen personal data of an account. It leaves in the write that allowed the look."""

    access_id: str
    account_id: str
    staff_id: str
    """The account of who looked."""
    roles: tuple[str, ...]
    what: str
    """A stable code of what was shown, such as "order-contact"."""
    subject: str = ""
    """The id of the order, claim or the like."""
    accessed_at: AwareDatetime
    reason: Sealed
    """`AccessReason`, sealed to auth."""
