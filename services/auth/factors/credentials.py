"""What browsers send of a passkey: the JSON forms of WebAuthn level 3, section 5.1; bounded, extra members ignored."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared import base64url
from shared.http.routes import RequestModel

_LOOSE = ConfigDict(extra="ignore", populate_by_name=False)
"""Browsers add members as the standard grows: `clientExtensionResults`, `authenticatorAttachment`, `transports`."""


def _base64url(most: int) -> Any:
    return StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=most)


CredentialId = Annotated[str, _base64url(1364)]
"""At most 1023 bytes (section 5.8.3)."""
ClientDataText = Annotated[str, _base64url(4096)]


class AttestationResponse(RequestModel):
    """A new credential, as its authenticator made it."""

    model_config = _LOOSE

    client_data: ClientDataText = Field(alias="clientDataJSON")
    attestation: Annotated[str, _base64url(32768)] = Field(alias="attestationObject")


class AssertionResponse(RequestModel):
    """The signature of a credential."""

    model_config = _LOOSE

    client_data: ClientDataText = Field(alias="clientDataJSON")
    authenticator_data: Annotated[str, _base64url(4096)] = Field(alias="authenticatorData")
    signature: Annotated[str, _base64url(4096)]
    user_handle: Annotated[str, _base64url(88)] | None = Field(default=None, alias="userHandle")


class _Credential(RequestModel):
    model_config = _LOOSE

    id: CredentialId
    raw_id: CredentialId = Field(alias="rawId")
    type: Literal["public-key"]

    def as_json(self) -> dict[str, Any]:
        """As it was sent, less what is not read."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Attestation(_Credential):
    """`RegistrationResponseJSON`: what `navigator.credentials.create()` gave, by its `toJSON()`."""

    response: AttestationResponse


class Assertion(_Credential):
    """`AuthenticationResponseJSON`: what `navigator.credentials.get()` gave, by its `toJSON()`."""

    response: AssertionResponse

    @property
    def credential_id(self) -> bytes:
        """Which credential signed."""
        return base64url.decode(self.raw_id)

    @property
    def user_handle(self) -> str:
        """The account's id, as it was given at the registration; empty where the authenticator kept none."""
        return base64url.decode(self.response.user_handle or "").decode("utf-8", "replace")


class ClientData(BaseModel):
    """What the browser says that was signed, and for whom (section 5.8.1)."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    challenge: str
    cross_origin: bool = Field(default=False, alias="crossOrigin")

    @classmethod
    def read(cls, credential: Mapping[str, Any]) -> "ClientData":
        """From a credential's JSON.

        Raises:
            ValueError: it is not what it should be.
        """
        return cls.model_validate_json(base64url.decode(credential["response"]["clientDataJSON"]))
