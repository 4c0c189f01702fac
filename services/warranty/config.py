"""Warranty's settings: what every service has, and nothing more yet."""

from typing import ClassVar
from zoneinfo import ZoneInfo

from shared.settings import BaseSettings


class Settings(BaseSettings):
    """Environment of warranty; names are listed by `python -m services.warranty config`."""

    service: ClassVar[str] = "warranty"
    purposes: ClassVar[tuple[str, ...]] = ("warranty",)

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone, in which a moment of purchase becomes a day."""
        return ZoneInfo(self.time_zone)
