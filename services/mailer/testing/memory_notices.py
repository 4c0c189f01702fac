"""Notices in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.mailer.notices.domain import Notice, NoticeState


@dataclass(slots=True)
class Held:
    """Who is at a notice, since when."""

    owner: str
    since: datetime


class MemoryNotices:
    """`Notices` in dicts."""

    def __init__(self) -> None:
        self.stored: dict[str, Notice] = {}
        self.held: dict[str, Held] = {}

    async def add(self, notice: Notice) -> bool:
        """See `Notices.add`."""
        return self.stored.setdefault(notice.id, notice) is notice

    async def claim(self, owner: str, *, at: datetime, limit: int) -> list[Notice]:
        """See `Notices.claim`."""
        due = sorted((each.due_at, each.id) for each in self.stored.values() if each.due_at and each.due_at <= at)
        claimed = []
        for _, key in due[:limit]:
            self.stored[key] = replace(self.stored[key], state=NoticeState.CLAIMED, due_at=None)
            self.held[key] = Held(owner, at)
            claimed.append(self.stored[key])
        return claimed

    async def mark_dot(self, ids: Sequence[str], owner: str) -> set[str]:
        """See `Notices.mark_dot`."""
        mine = {key for key in ids if self._is_held(key, owner) and self.stored[key].state is NoticeState.CLAIMED}
        for key in mine:
            notice = self.stored[key]
            self.stored[key] = replace(notice, state=NoticeState.DOT, dots=notice.dots + 1)
        return mine

    async def settle(self, notice: Notice, owner: str) -> bool:
        """See `Notices.settle`."""
        if not self._is_held(notice.id, owner):
            return False
        del self.held[notice.id]
        forgotten = replace(notice, content=b"", person_id="")
        self.stored[notice.id] = forgotten if notice.state.is_final else notice
        return True

    async def due(self, at: datetime) -> bool:
        """See `Notices.due`."""
        return any(each.due_at and each.due_at <= at for each in self.stored.values())

    async def waiting(self) -> tuple[int, datetime | None]:
        """See `Notices.waiting`."""
        moments = [each.created_at for each in self.stored.values() if each.due_at]
        return len(moments), min(moments, default=None)

    async def orphans(self, dead: Sequence[str], *, before: datetime) -> list[tuple[Notice, str]]:
        """See `Notices.orphans`."""
        return [
            (self.stored[key], held.owner)
            for key, held in self.held.items()
            if held.owner in dead or held.since < before
        ]

    async def of_address(self, address_key: str) -> list[Notice]:
        """See `Notices.of_address`."""
        theirs = [each for each in self.stored.values() if each.address_key == address_key]
        return sorted(theirs, key=lambda each: each.created_at)

    async def forget_address(self, address_key: str, *, until: datetime) -> None:
        """See `Notices.forget_address`."""
        for notice in await self.of_address(address_key):
            if notice.created_at <= until:
                self.stored[notice.id] = replace(notice, address_key="")

    async def find(self, id: str) -> Notice | None:
        """See `Notices.find`."""
        return self.stored.get(id)

    def _is_held(self, key: str, owner: str) -> bool:
        return key in self.held and self.held[key].owner == owner
