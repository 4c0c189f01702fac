"""The only `now`. Everything else receives a clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""


def system_clock() -> datetime:
    """The machine's time, aware UTC."""
    return datetime.now(UTC)


def shifted_clock(offset_s: float) -> Clock:
    """A clock that runs `offset_s` seconds ahead of the machine's, for rehearsals of another month."""
    offset = timedelta(seconds=offset_s)
    return lambda: system_clock() + offset


def in_millis(clock: Clock) -> Clock:
    """The same clock, cut to whole milliseconds, as MongoDB keeps moments: what is answered at once and what is read
    again later then say the same.
    """

    def cut() -> datetime:
        now = clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    return cut
