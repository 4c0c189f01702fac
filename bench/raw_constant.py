"""A service that costs next to nothing: one identity for whoever is asked about, one page for whoever asks.

The page tells by a header whom the gateway named, so that the load generator sees that somebody was.
"""

import asyncio
import os

from aiohttp import web

from bench.raw_parts import run

PAGE = b'{"sku":"TF-TOKI-10","text":"' + 600 * b"a" + b'"}'


class Constant:
    """What is answered, until it is given anew."""

    def __init__(self) -> None:
        self._headers = {"X-Identity": "", "Cache-Control": "no-store"}

    async def identity(self, _request: web.Request) -> web.Response:
        return web.Response(headers=self._headers)

    async def give(self, request: web.Request) -> web.Response:
        self._headers = self._headers | {"X-Identity": await request.text()}
        return web.Response()


async def page(request: web.Request) -> web.Response:
    seen = request.headers.get("X-Identity", "")[:8]
    return web.Response(body=PAGE, content_type="application/json", headers={"X-Seen-Identity": seen})


async def main() -> None:
    constant = Constant()
    app = web.Application()
    app.router.add_get("/internal/identity", constant.identity)
    app.router.add_put("/internal/identity", constant.give)
    app.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["RAW_PORT"])).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main())
