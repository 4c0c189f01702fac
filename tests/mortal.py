"""Processes that die: at their n-th step, where a step is the moment before or after a call to a peer."""

import asyncio
from typing import Any


class Fate:
    """Says when a process dies."""

    def __init__(self, dies_at: int) -> None:
        self.dies_at = dies_at
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps >= self.dies_at:
            raise asyncio.CancelledError


class Mortal:
    """A peer as seen by a process that may die before it asks, or before it hears the answer."""

    def __init__(self, peer: Any, fate: Fate) -> None:
        self._peer = peer
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._peer, name)
        if not asyncio.iscoroutinefunction(call):
            return call

        async def mortal(*arguments: Any, **named: Any) -> Any:
            self._fate.step()
            answer = await call(*arguments, **named)
            self._fate.step()
            return answer

        return mortal
