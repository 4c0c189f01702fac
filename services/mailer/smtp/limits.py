"""How fast one process may go: to the relay, and to each recipient domain."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

EVERY = "*"
PATIENCE_S = 10.0
"""A mail that would have to wait longer for its turn is put off instead, so that others can go."""
_KEPT = 10_000
_ENTRY = re.compile(r"(\*|[a-z0-9.-]{1,255}):([1-9][0-9]{0,6})")

Sleep = Callable[[float], Awaitable[None]]
Monotonic = Callable[[], float]


def parse_limits(text: str) -> Mapping[str, int]:
    """Read `gmail.com:600,*:1200`: mails a minute by recipient domain, `*` for each of the others; empty: no limit.

    Raises:
        ValueError: malformed, or a domain twice.
    """
    limits: dict[str, int] = {}
    for entry in filter(None, text.replace(" ", "").lower().split(",")):
        match = _ENTRY.fullmatch(entry)
        if match is None or match[1] in limits:
            raise ValueError("must be like gmail.com:600,*:1200, each domain once")
        limits[match[1]] = int(match[2])
    return limits


@dataclass(slots=True)
class _Turns:
    """Turns at even distances."""

    apart_s: float
    next_at: float = 0.0


@dataclass(slots=True)
class Limits:
    """Gives turns. `per_second` 0 and an absent domain mean no limit."""

    per_second: float = 0
    per_minute: Mapping[str, int] = field(default_factory=dict)
    monotonic: Monotonic = time.monotonic
    sleep: Sleep = asyncio.sleep
    _relay: _Turns = field(init=False)
    _domains: dict[str, _Turns] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._relay = _Turns(1 / self.per_second if self.per_second else 0)

    async def turn(self, domain: str) -> bool:
        """Wait for this mail's turn; False where that would take longer than `PATIENCE_S`, and no turn is used up."""
        turns = [self._relay, *self._of(domain)]
        now = self.monotonic()
        at = max([now, *(each.next_at for each in turns)])
        if at - now > PATIENCE_S:
            return False
        for each in turns:
            each.next_at = at + each.apart_s
        if at > now:
            await self.sleep(at - now)
        return True

    def _of(self, domain: str) -> list[_Turns]:
        limit = self.per_minute.get(domain) or self.per_minute.get(EVERY)
        if not limit:
            return []
        if domain not in self._domains and len(self._domains) >= _KEPT:
            now = self.monotonic()
            self._domains = {name: each for name, each in self._domains.items() if each.next_at > now}
        return [self._domains.setdefault(domain, _Turns(60 / limit))]
