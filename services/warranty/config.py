"""Warranty's settings."""

from pathlib import Path
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from services.warranty.claims import decisions
from shared.settings import BaseSettings


class Settings(BaseSettings):
    """Environment of warranty; names are listed by `python -m services.warranty config`."""

    service: ClassVar[str] = "warranty"
    purposes: ClassVar[tuple[str, ...]] = ("warranty", "desk")

    shop_country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "JP"
    """ISO 3166-1 alpha-2 of the country whose public holidays the shop keeps: deadlines of claims pass over them."""
    claim_rules: Path = decisions.BUNDLED
    """File of the rules that approve claims by themselves; the default is services/warranty/claims/decisions.toml."""
    claims_every_s: Annotated[float, Field(gt=0)] = 30
    """Seconds between two looks at the deadlines of claims."""

    @field_validator("claim_rules")
    @classmethod
    def _usable_rules(cls, path: Path) -> Path:
        decisions.load_claim_rules(path)
        return path

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone, in which a moment of purchase becomes a day."""
        return ZoneInfo(self.time_zone)
