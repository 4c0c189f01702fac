"""The shop's calendar and the newsletter cap: which months a copy counts in, and how many a month may hold.

A copy handed to SMTP near the edge of a month may be read, or dated by a slow relay, in the neighbouring one: it needs
a place in both. The edge is wider than any two time zones are apart (UTC-12 to UTC+14 are 26 hours).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.caps import CapTable

Month = str
"""A calendar month of the shop, such as `2026-11`."""


@dataclass(frozen=True, slots=True)
class CapPlace:
    """What one copy needs: the month that it is sent in, and every month it may arrive in with that month's cap."""

    month: Month
    caps: Mapping[Month, int]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The shop's months."""

    zone: ZoneInfo
    table: CapTable
    edge: timedelta = timedelta(hours=26)
    _latest: dict[datetime, CapPlace] = field(default_factory=dict, init=False, repr=False, compare=False)

    def month_of(self, moment: datetime) -> Month:
        """The shop's month at an instant."""
        return f"{moment.astimezone(self.zone):%Y-%m}"

    def place_at(self, moment: datetime) -> CapPlace:
        """The place that a copy handed over at `moment` needs."""
        if self.edge.microseconds:
            return self._place_at(moment)
        # Asked several times for each copy. Months begin at whole seconds, so one answer holds for a second.
        second = moment.replace(microsecond=0)
        place = self._latest.get(second)
        if place is None:
            place = self._place_at(second)
            self._latest.clear()
            self._latest[second] = place
        return place

    def _place_at(self, moment: datetime) -> CapPlace:
        month = self.month_of(moment)
        months = {self.month_of(moment - self.edge), month, self.month_of(moment + self.edge)}
        return CapPlace(month, {each: self.table.of(int(each[5:])) for each in sorted(months)})

    def still_good(self, place: CapPlace, moment: datetime) -> bool:
        """Whether a place taken earlier covers a copy handed over now: the same month, and no other month needed."""
        needed = self.place_at(moment)
        return needed is place or (needed.month == place.month and needed.caps.keys() <= place.caps.keys())

    def edge_ends(self, moment: datetime) -> datetime | None:
        """When the edge that `moment` lies in is over and one month alone counts again; None outside an edge."""
        if len(self.place_at(moment).caps) == 1:
            return None
        later = (moment + self.edge).astimezone(self.zone)
        ahead = self.month_of(later) != self.month_of(moment)
        local = later if ahead else moment.astimezone(self.zone)
        first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return first.astimezone(moment.tzinfo) + self.edge
