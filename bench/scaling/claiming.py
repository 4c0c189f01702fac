"""What a claim costs until it is open: customers who have bought claim what they bought."""

import asyncio
import json
from typing import Any

import aiohttp

from bench.scaling.meter import Cost, Meter
from bench.sections import SESSION_COOKIE, Checkouts, Sessions
from bench.world import World

CUSTOMERS = 100
BOUGHT = 4
"""By each, in orders of one watch."""
AT_ONCE = 16
_WAIT_S = 60


async def claims(world: World, meter: Meter, sessions: Sessions, checkouts: Checkouts) -> Cost:
    """Claims of all that was bought, straight at warranty, each by whose it is."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_WAIT_S)) as client:
        customers = [_Customer(world, client, token, checkouts) for token in sessions.tokens[:CUSTOMERS]]
        await _all(customer.buy() for customer in customers)
        found = await _all(customer.purchases() for customer in customers)
        process = await world.start("ours", "warranty")
        before = await meter.read(process, 0)
        await _all(customer.claim(ids) for customer, ids in zip(customers, found, strict=True))
        return Cost.between("claim opened", before, await meter.read(process, CUSTOMERS * BOUGHT))


class _Customer:
    """Somebody with a session, who speaks to services as the gateway would for them."""

    def __init__(self, world: World, client: aiohttp.ClientSession, token: str, checkouts: Checkouts) -> None:
        self._ports = world.sides["ours"].ports
        self._client = client
        self._token = token
        self._checkouts = checkouts
        self._identities: dict[str, str] = {}  # good for a minute

    async def buy(self) -> None:
        for _ in range(BOUGHT):
            head, _, body = self._checkouts._checkout().partition(b"\r\n\r\n")
            key = next(line for line in head.decode().splitlines() if line.startswith("Idempotency-Key"))
            headers = {"Idempotency-Key": key.partition(": ")[2], "Content-Type": "application/json"}
            await self._ask("orders", "POST", "/api/orders", 201, data=body, headers=headers)

    async def purchases(self) -> list[str]:
        """The ids, once all of them are recorded."""
        async with asyncio.timeout(_WAIT_S):
            while True:
                page = await self._ask("warranty", "GET", "/api/warranty/purchases", 200)
                if len(page["items"]) >= BOUGHT:
                    return [str(item["id"]) for item in page["items"]]
                await asyncio.sleep(0.2)

    async def claim(self, purchase_ids: list[str]) -> None:
        for purchase_id in purchase_ids:
            wish = {"purchase_id": purchase_id, "problem": "other", "wanted": "refund"}
            await self._ask("warranty", "POST", "/api/warranty/claims", 201, data=json.dumps(wish),
                            headers={"Content-Type": "application/json"})  # fmt: skip

    async def _ask(self, service: str, method: str, path: str, expected: int, *, headers: dict[str, str] | None = None,
                   data: str | bytes | None = None) -> Any:  # fmt: skip
        named = {**(headers or {}), "X-Identity": await self._identity(service), "Host": "localhost"}
        url = f"http://127.0.0.1:{self._ports[service]}{path}"
        async with self._client.request(method, url, headers=named, data=data) as answer:
            if answer.status != expected:
                raise RuntimeError(f"{method} {path}: {answer.status} {(await answer.text())[:300]}")
            return await answer.json()

    async def _identity(self, audience: str) -> str:
        if audience in self._identities:
            return self._identities[audience]
        headers = {"Cookie": f"{SESSION_COOKIE}={self._token}", "X-Audience": audience, "Host": "localhost"}
        url = f"http://127.0.0.1:{self._ports['auth']}/internal/identity"
        async with self._client.get(url, headers=headers) as answer:
            self._identities[audience] = answer.headers["X-Identity"]
        return self._identities[audience]


async def _all(steps: Any) -> list[Any]:
    """Of all of them, so many at a time."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(step: Any) -> Any:
        async with turns:
            return await step

    return await asyncio.gather(*map(one, steps))
