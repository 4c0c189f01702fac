"""Holidays of the shop's country, loaded when they are first needed: the library takes a second of processor time."""

import asyncio
from datetime import date
from typing import Protocol

from services.warranty.claims.deadlines import IsHoliday


class Calendar(Protocol):
    """Which days the shop does not work."""

    async def holidays(self) -> IsHoliday:
        """Tells whether a day is a holiday; weekends are not in it."""
        ...


class CountryCalendar:
    """The public holidays of a country (ISO 3166-1 alpha-2), by the library `holidays`."""

    def __init__(self, country: str) -> None:
        self._country = country
        self._loading: asyncio.Future[IsHoliday] | None = None

    async def holidays(self) -> IsHoliday:
        """See `Calendar`."""
        if self._loading is None:
            self._loading = asyncio.ensure_future(asyncio.to_thread(_load, self._country))
        return await asyncio.shield(self._loading)


def _load(country: str) -> IsHoliday:
    import holidays  # here, and not at the start: see above

    known = holidays.country_holidays(country)

    def is_holiday(day: date) -> bool:
        return day in known

    is_holiday(date.today())  # noqa: DTZ011 - any day does: the year's holidays are computed when first asked for
    return is_holiday
