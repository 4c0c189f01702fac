"""Orders' settings: what every service has, and how long a charge may take."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.orders.guarantee.notice import official_files
from services.orders.screening import issuers, rules
from shared.settings import BaseSettings, HttpUrl


class Settings(BaseSettings):
    """Environment of orders; names are listed by `python -m services.orders config`."""

    service: ClassVar[str] = "orders"
    purposes: ClassVar[tuple[str, ...]] = ("receipt", "prefill", "order", "export", "desk", "screening", "notice")

    payment_provider: Literal["sandbox", "stripe"] = "sandbox"
    """sandbox (moves no money) or stripe (the extra orders-stripe, and Stripe's leave to send it card numbers)."""
    stripe_api_key: SecretStr = SecretStr("")
    """Stripe's secret or restricted key; required with PADLOCK_PAYMENT_PROVIDER=stripe."""
    stripe_webhook_secret: SecretStr = SecretStr("")
    """Signing secret of the webhook endpoint, whsec_...; required with PADLOCK_PAYMENT_PROVIDER=stripe."""
    stripe_api_base: HttpUrl = "https://api.stripe.com"
    """Where Stripe's API is; another address is a fake's."""
    payment_timeout_s: Annotated[float, Field(gt=0, le=12)] = 5
    """Seconds that the payment provider may take; after that the outcome is unknown, and the sweep finds it out."""
    payment_action_timeout_s: Annotated[float, Field(ge=60)] = 3600
    """Seconds that a buyer may take at their bank (3-D Secure); after that the charge is voided and the order fails."""
    payment_ask_every_s: Annotated[float, Field(gt=0)] = 60
    """Seconds between two questions to the provider about each order that waits for its buyer or for a review."""
    resolve_after_s: Annotated[float, Field(ge=0)] = 20
    """Age in seconds at which the sweep resolves an order that is still being charged; longer than a request lasts."""
    resolve_every_s: Annotated[float, Field(gt=0)] = 3
    """Seconds between two turns of the sweep."""
    quote_valid_s: Annotated[float, Field(gt=0, le=86_400)] = 1800
    """Seconds for which a quote's prices hold."""
    sells_in_eu: bool = False
    """The shop sells to consumers in the EU: its VAT is in the prices, and its notices and withdrawals are there."""
    guarantee_notice_dir: Path | None = None
    """Folder with the Commission's own files of the notice of the legal guarantee, en.svg and de.svg; without it, the
    notice's words are drawn by us."""
    sandbox_late_s: Annotated[float, Field(ge=0)] = 8
    """Seconds after which the sandbox's late cards answer or charge; longer than PADLOCK_PAYMENT_TIMEOUT_S."""
    screening_rules: Path = rules.BUNDLED
    """File of the rules of fraud screening; the default is services/orders/screening/rules.toml."""
    screening_issuers: Path = issuers.BUNDLED
    """File that says where cards are from, by their first six digits; the default knows the sandbox's test numbers."""
    review_days: Annotated[float, Field(gt=0, le=30)] = 5
    """Days after which an order that nobody has reviewed is voided; shorter than an authorisation lasts, which is 7."""

    @field_validator("stripe_api_key", "stripe_webhook_secret")
    @classmethod
    def _there_for_stripe(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("payment_provider") == "stripe" and not secret.get_secret_value():
            raise ValueError("is required where the payment provider is stripe")
        return secret

    @field_validator("guarantee_notice_dir")
    @classmethod
    def _whole_notices(cls, folder: Path | None) -> Path | None:
        official_files(folder)
        return folder

    @field_validator("screening_rules")
    @classmethod
    def _usable_rules(cls, path: Path) -> Path:
        rules.load_rules(path)
        return path

    @field_validator("screening_issuers")
    @classmethod
    def _usable_issuers(cls, path: Path) -> Path:
        issuers.load_issuers(path)
        return path
