"""What the API takes and answers about second factors."""

from typing import Literal

from pydantic import AwareDatetime, Field

from services.auth.accounts.passwords import OneTimeCode, Password
from services.auth.factors.codes import RecoveryCode
from services.auth.factors.credentials import Assertion, Attestation
from shared.addresses import PersonName
from shared.http.routes import RequestModel, ResponseModel


class PasskeyView(ResponseModel):
    """A passkey as its owner sees it."""

    id: str
    name: str
    created_at: AwareDatetime
    used_at: AwareDatetime | None


class PasskeyList(ResponseModel):
    """All passkeys of the account, the oldest first."""

    items: list[PasskeyView]


class FactorsView(ResponseModel):
    """What the account has beside its password."""

    authenticator: bool
    recovery_codes_left: int
    passkeys: list[PasskeyView]
    required: bool
    """Staff cannot be without one."""


class OfferView(ResponseModel):
    """A new authenticator, shown once; nothing until a code of it is given back."""

    secret: str
    """Base32, to be typed."""
    uri: str
    """`otpauth://…`, to be opened."""
    qr_svg: str
    """The same as a QR code: an SVG document."""


class OfferProof(RequestModel):
    """The code that the new authenticator shows now."""

    otp: OneTimeCode


class RecoveryCodes(ResponseModel):
    """Ten codes, each good once in place of a second factor. Shown once; those from before end."""

    recovery_codes: list[str]


class NewPasskey(RequestModel):
    """What `navigator.credentials.create()` gave."""

    name: PersonName
    """What you call it, such as "Phone"."""
    credential: Attestation


class AddedPasskey(ResponseModel):
    """The new passkey."""

    passkey: PasskeyView
    recovery_codes: list[str]
    """Ten with the account's first second factor, else none. Shown once."""


class PasskeyLogin(RequestModel):
    """What `navigator.credentials.get()` gave for the options of this login."""

    credential: Assertion
    remember: bool = False
    """Sets a cookie that logs this browser in for 60 days."""


class ConfirmationRequest(RequestModel):
    """The password, with a second factor where the account has one; or a passkey alone."""

    password: Password | None = None
    otp: OneTimeCode | None = None
    recovery_code: RecoveryCode | None = None
    passkey: Assertion | None = None
    """For the options of `POST /api/auth/session/passkey/options`."""


class RelyingParty(ResponseModel):
    """Who asks."""

    id: str
    name: str


class UserEntity(ResponseModel):
    """Whose credential it will be."""

    id: str
    name: str
    display_name: str = Field(alias="displayName")


class CredentialParameters(ResponseModel):
    """One algorithm, by its COSE number."""

    type: Literal["public-key"]
    alg: int


class CredentialDescriptor(ResponseModel):
    """One credential."""

    type: Literal["public-key"]
    id: str


class AuthenticatorSelection(ResponseModel):
    """What the authenticator must do."""

    resident_key: Literal["required"] = Field(alias="residentKey")
    require_resident_key: bool = Field(alias="requireResidentKey")
    user_verification: Literal["required"] = Field(alias="userVerification")


class CreationOptions(ResponseModel):
    """`PublicKeyCredentialCreationOptionsJSON`, for `PublicKeyCredential.parseCreationOptionsFromJSON()`."""

    rp: RelyingParty
    user: UserEntity
    challenge: str
    pub_key_cred_params: list[CredentialParameters] = Field(alias="pubKeyCredParams")
    timeout: int
    exclude_credentials: list[CredentialDescriptor] = Field(alias="excludeCredentials")
    authenticator_selection: AuthenticatorSelection = Field(alias="authenticatorSelection")
    attestation: Literal["none"]


class RequestOptions(ResponseModel):
    """`PublicKeyCredentialRequestOptionsJSON`, for `PublicKeyCredential.parseRequestOptionsFromJSON()`."""

    challenge: str
    timeout: int
    rp_id: str = Field(alias="rpId")
    allow_credentials: list[CredentialDescriptor] = Field(alias="allowCredentials")
    user_verification: Literal["required"] = Field(alias="userVerification")
