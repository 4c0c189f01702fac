"""What auth announces."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.events import Contract, Sealed


class Recipient(BaseModel):
    """Whom a service mail is for; travels only inside a sealed box."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    email: str
    link: str = ""
    """The one link that the mail is about; carries a single-use token."""


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


class MessageRequested(Contract):
    """A mail that auth wants sent. `message_id` is the natural key: one mail for each."""

    TYPE: ClassVar[str] = "auth.message.requested.v1"

    message_id: str
    template: Literal["verify", "already-registered", "reset", "new-device", "remember-theft"]
    language: str = "en"
    requested_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    recipient: Sealed
    """`Recipient`, sealed to mailer."""


CONTRACTS: tuple[type[Contract], ...] = (AccountRegistered, AccountVerified, AccountErased, MessageRequested)
