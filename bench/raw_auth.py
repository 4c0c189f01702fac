"""Raw prototype of the session check that the gateway asks for: look the session up, answer with a signed identity.

The session is looked up each time; the signed identity is used again while it lasts.
"""

import asyncio
import base64
import hashlib
import os
import time
from typing import Any

import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.raw_parts import Lookups, open_database, run

LIFETIME_S = 60
AGAIN_S = 20
COOKIE = "__Host-www.tokyoflash.com-session"
SERVICES = ("auth", "orders", "mailer", "warranty")


def _b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


class Identities:
    def __init__(self, database: Any, private: Ed25519PrivateKey) -> None:
        self._sessions = Lookups(database["sessions"])
        self._private = private
        self._signed: dict[tuple[bytes, str], tuple[str, float]] = {}
        self._head = _b64(b'{"alg":"EdDSA","typ":"JWT","kid":"1"}')

    async def of(self, token: str, audience: str) -> str | None:
        key = hashlib.sha256(token.encode()).digest()
        session = await self._sessions.find(key)
        now = time.time()
        if session is None or not self._is_live(session, now):
            return None
        signed, until = self._signed.get((key, audience), ("", 0.0))
        if until < now:
            signed = self._sign(session, audience, int(now))
            self._signed[key, audience] = (signed, now + AGAIN_S)
        return signed

    def _is_live(self, session: dict[str, Any], now: float) -> bool:
        return bool(now < session["expires_at"].timestamp() and now - session["seen_at"].timestamp() < 86400)

    def _sign(self, session: dict[str, Any], audience: str, now: int) -> str:
        claims = {
            "iss": "auth", "aud": audience, "iat": now, "exp": now + LIFETIME_S, "sub": session["account_id"],
            "sid": session["id"], "roles": session["roles"], "fresh": session["fresh"], "email_verified": True,
        }  # fmt: skip
        signed = self._head + b"." + _b64(orjson.dumps(claims))
        return (signed + b"." + _b64(self._private.sign(signed))).decode()


async def identity(request: web.Request) -> web.Response:
    audience = request.headers.get("X-Audience", "orders")
    token = request.cookies.get(COOKIE)
    if token is None or audience not in SERVICES:
        return web.Response(status=200)
    signed = await request.app[IDENTITIES].of(token, audience)
    return web.Response(status=200, headers={"X-Identity": signed, "Cache-Control": "no-store"} if signed else None)


IDENTITIES = web.AppKey("identities", Identities)


async def main() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(os.environ["RAW_SECRET"]))
    app = web.Application()
    app[IDENTITIES] = Identities(open_database(), private)
    app.router.add_get("/internal/identity", identity)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["RAW_PORT"])).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main())
