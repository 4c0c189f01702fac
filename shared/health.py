"""Is this process alive, may it be given work, and what has it done: /livez, /readyz, /metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from shared import metrics
from shared.errors import TransientError

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]
"""Says of each thing that the process needs whether it is there: {"mongo": True, "broker": False}."""

READY_TIMEOUT_S = 2


class Health:
    """What the probes of one process ask. Not ready while draining, whatever is there."""

    def __init__(self, ready: Readiness) -> None:
        self._ready = ready
        self._draining = False

    def drain(self) -> None:
        """From now on the process takes nothing new."""
        self._draining = True

    async def missing(self) -> list[str]:
        """The names of what is missing; empty when ready."""
        if self._draining:
            return ["draining"]
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                found = await self._ready()
        except TimeoutError:
            return ["answer within 2 s"]
        except TransientError:
            return ["a peer"]
        return sorted(name for name, there in found.items() if not there)

    async def livez(self, _request: web.Request) -> web.Response:
        """200 as long as the loop turns."""
        return _json(200, {"alive": True})

    async def readyz(self, _request: web.Request) -> web.Response:
        """200, or 503 naming what is missing."""
        missing = await self.missing()
        return _json(503 if missing else 200, {"ready": not missing, "missing": missing})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus' text format."""
        return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})

    def routes(self) -> list[web.RouteDef]:
        """For probes and Prometheus; never through the gateway."""
        return [
            web.get("/livez", self.livez),
            web.get("/readyz", self.readyz),
            web.get("/metrics", self.metrics),
        ]


HEALTH = web.AppKey("health", Health)


def build_health_app(health: Health) -> web.Application:
    """For a process that serves nothing else."""
    app = web.Application()
    app[HEALTH] = health
    app.router.add_routes(health.routes())
    return app


def _json(status: int, document: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")
