"""Waiting for what must come to pass."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = float(os.environ.get("PROOF_PATIENCE_S", "60"))

SeenT = TypeVar("SeenT")


async def eventually(
    look: Callable[[], Awaitable[SeenT]],
    enough: Callable[[SeenT], bool],
    *,
    patience_s: float = PATIENCE_S,
    pause_s: float = 0.1,
) -> SeenT:
    """Look again and again from outside until it is enough. Raises TimeoutError when patience ends."""
    async with asyncio.timeout(patience_s):
        while True:
            seen = await look()
            if enough(seen):
                return seen
            await asyncio.sleep(pause_s)
