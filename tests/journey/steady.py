"""Requests one after the other by several clients at once, none ever tried again: each that is lost is seen."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from deploy.outside.browser import Answer, Browser
from deploy.outside.patience import eventually

CLIENTS = 4
AT_LEAST = 12
PATIENCE_S = 120
Request = tuple[str, str, Any, int]
"""Method, path, body, and the status that it must have."""


@dataclass
class Steady:
    """A load that goes on. `requests` are sent in turn; `answered` has what the first of them brought."""

    requests: Callable[[], list[Request]]
    answered: list[Any] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    async def more(self) -> None:
        """Until so many more have been answered, which is long enough for some that began only now."""
        wanted = len(self.answered) + AT_LEAST

        async def count() -> int:
            assert not self.failed, self.failed[:3]
            return len(self.answered)

        await eventually(count, lambda answered: answered >= wanted, patience_s=PATIENCE_S)

    async def _go_on(self, browser: Browser, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for number, request in enumerate(self.requests()):
                answer = await self._one(browser, *request)
                if answer is not None and number == 0:
                    self.answered.append(answer.json)

    async def _one(self, browser: Browser, method: str, path: str, body: Any, expect: int) -> Answer | None:
        headers = {"Idempotency-Key": secrets.token_hex(16)} if (method, path) == ("POST", "/api/orders") else {}
        try:
            answer = await browser.call(method, path, body, headers=headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failed.append(f"{method} {path}: {error!r}")
            return None
        if answer.status == expect:
            return answer
        if not _is_busy(answer):
            self.failed.append(f"{method} {path}: {answer.status} {answer.json}")
        return None


def _is_busy(answer: Answer) -> bool:
    """The service has taken the request and says itself that its database is too slow: a matter of the machine.

    What the gateway says of a service that is away names no instance.
    """
    return answer.status == 503 and "instance" in answer.json


@asynccontextmanager
async def going_on(browser: Browser, load: Steady) -> AsyncIterator[None]:
    """The load goes on while the block runs; at its end each client's last request is answered."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(load._go_on(browser, stop))
        try:
            yield
        finally:
            stop.set()
