"""A session: one browser that gave a password, or that is remembered for having given it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.identity import Identity

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
RECENT = timedelta(minutes=15)
"""How long a password given in a session counts for what must not be done by whoever finds a browser open."""


@dataclass(frozen=True, slots=True)
class Session:
    """`key` is the SHA-256 of the token in the cookie; `id` is the public name, worth nothing to a thief.

    Carries the account's roles, so that a look-up is one read; a change of roles ends the account's sessions.
    Only verified accounts have sessions.
    """

    key: bytes
    id: str
    account_id: str
    roles: frozenset[str]
    device: str
    created_at: datetime
    seen_at: datetime
    series: str | None = None
    confirmed_at: datetime | None = None
    """When the password, or a passkey, was given in this session last; None in one that was only remembered."""

    def is_live(self, now: datetime) -> bool:
        """Neither idle for too long nor too old."""
        return now < self.seen_at + IDLE and now < self.ends_at

    @property
    def fresh(self) -> bool:
        """The password was given in this session; it was not only remembered (P4)."""
        return self.confirmed_at is not None

    def is_recent(self, now: datetime) -> bool:
        """The password was given a moment ago: enough to change how one gets in, to export and to erase."""
        return self.confirmed_at is not None and now < self.confirmed_at + RECENT

    @property
    def ends_at(self) -> datetime:
        """When it ends at the latest."""
        return self.created_at + ABSOLUTE

    @property
    def remembered(self) -> bool:
        """The owner ticked the box in this browser."""
        return self.series is not None

    def identity(self) -> Identity:
        """Whom the services will see."""
        return Identity(
            subject=self.account_id, roles=self.roles, session=self.id, fresh=self.fresh, email_verified=True
        )


_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)


def device_of(user_agent: str) -> str:
    """A coarse label from a closed list, such as "Firefox on Linux": enough to tell one's devices apart, no more."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "Browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
