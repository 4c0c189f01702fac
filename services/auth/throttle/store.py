"""Limits, and what counts the tries. Holds across processes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

QUIET = timedelta(hours=24)
"""After so long without a try that counted, and without waiting, everything begins anew."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in any stretch of `within`.

    The try that fills it closes it for `within`; the next one that does for twice as long, and so on, up to `longest`.
    """

    name: str
    most: int
    within: timedelta
    longest: timedelta = QUIET

    @lru_cache(maxsize=1024)  # noqa: B019 - limits are few, and live as long as the process
    def closed_for(self, times: int) -> timedelta:
        """How long it stays closed when it is filled for the n-th time, n from 1."""
        longest = max(self.within, self.longest)
        return longest if times > 20 else min(self.within * 2 ** (times - 1), longest)


@dataclass(frozen=True, slots=True)
class MailLimit:
    """How many mails anybody can make us send to one address: so many from one network, so many from all together.

    Beyond that one an hour still goes, and no wait grows: who asks for mails that the owner does not want must not be
    able to keep away the one that the owner waits for.
    """

    from_one: Limit
    from_all: Limit
    beyond: Limit


def mail_limit(name: str, *, from_one: int, within: timedelta, from_all: int) -> MailLimit:
    """`from_one` within that time from one network, and `from_all` in 24 hours."""
    hour = timedelta(hours=1)
    return MailLimit(
        Limit(f"{name}-network", from_one, within, longest=within),
        Limit(f"{name}-all", from_all, timedelta(hours=24), longest=timedelta(hours=24)),
        Limit(f"{name}-beyond", 1, hour, longest=hour),
    )


class Tries(Protocol):
    """Counts what may not be done too often. Holds across processes."""

    async def take(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        """Count one try. None where it is within the limit; else how long to wait, and nothing is counted."""
        ...

    async def wait(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        """How long to wait, if at all. Counts nothing."""
        ...

    async def give_back(self, limit: Limit, key: str, *, at: datetime) -> None:
        """The try that was counted at this moment does not count after all; what it has filled opens again."""
        ...

    async def forget(self, limit: Limit, key: str) -> None:
        """Begin anew: the owner has got in."""
        ...
