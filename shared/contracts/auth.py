"""What auth announces."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.events import Contract, Sealed

MailTemplate = Literal[
    "verify",
    "already-registered",
    "reset",
    "new-device",
    "remember-theft",
    "password-changed",
    "email-confirm",
    "email-approve",
    "email-changed",
    "second-factor-changed",
    "data-ready",
    "erased",
]
"""What a mail of auth can be about. May grow: release mailer, which must know the new one, before auth."""


class Recipient(BaseModel):
    """Whom a service mail is for; travels only inside a sealed box."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    email: str
    link: str = ""
    """The one link that the mail is about; carries a single-use token."""
    code: str = ""
    """What may be typed in place of following the link."""


class AccountRegistered(Contract):
    """Somebody asked for an account; the address is not proven yet."""

    TYPE: ClassVar[str] = "auth.account.registered.v1"

    account_id: str
    registered_at: AwareDatetime


class AccountVerified(Contract):
    """The owner of the address has proven it."""

    TYPE: ClassVar[str] = "auth.account.verified.v1"

    account_id: str
    verified_at: AwareDatetime


class AccountErased(Contract):
    """The account is gone; every reader forgets whom it knew by this id."""

    TYPE: ClassVar[str] = "auth.account.erased.v1"

    account_id: str
    erased_at: AwareDatetime
    erasure_id: str = ""
    """Names the receipt that every service's answer goes into."""
    person: Sealed = Field(default_factory=dict)
    """`persons.Person`, sealed to orders, mailer and warranty."""


class ExportRequested(Contract):
    """A person wants a copy of everything; each service answers with what it holds."""

    TYPE: ClassVar[str] = "auth.export.requested.v1"

    export_id: str
    account_id: str
    requested_at: AwareDatetime
    person: Sealed
    """`persons.Person`, sealed to orders, mailer and warranty."""


class MessageRequested(Contract):
    """A mail that auth wants sent. `message_id` is the natural key: one mail for each."""

    TYPE: ClassVar[str] = "auth.message.requested.v1"

    message_id: str
    template: MailTemplate
    language: str = "en"
    requested_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    recipient: Sealed
    """`Recipient`, sealed to mailer."""


CONTRACTS: tuple[type[Contract], ...] = (
    AccountRegistered,
    AccountVerified,
    AccountErased,
    ExportRequested,
    MessageRequested,
)
