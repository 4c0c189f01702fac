"""Answers in memory, for tests."""

from collections.abc import Sequence
from dataclasses import replace

from shared.answers import Begun
from shared.events import Event


class MemoryAnswers:
    """Implements `shared.answers.Answers`; `events` is what the answers announced."""

    def __init__(self) -> None:
        self.stored: dict[str, Begun] = {}
        self.events: list[Event] = []

    async def find(self, key: str) -> Begun | None:
        """See `Answers`."""
        return self.stored.get(key)

    async def begin(self, begun: Begun) -> Begun:
        """See `Answers`."""
        return self.stored.setdefault(begun.key, begun)

    async def answer(self, key: str, events: Sequence[Event]) -> bool:
        """See `Answers`."""
        begun = self.stored.get(key)
        if begun is None or begun.is_answered:
            return False
        self.stored[key] = replace(begun, is_answered=True)
        self.events += events
        return True
