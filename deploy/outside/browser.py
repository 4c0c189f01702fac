"""One person's browser."""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import BaseCookie
from io import BytesIO
from typing import Any

import aiohttp
from yarl import URL

from deploy.outside.patience import PATIENCE_S

RETRIED = frozenset({409, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end. `json` is {} where the body is no JSON."""

    status: int
    json: Any
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    """Each Set-Cookie header as it was sent."""
    text: str = ""
    """The body as text."""


class Refused(Exception):
    """The shop answered with another status than the one that was expected."""

    def __init__(self, method: str, path: str, answer: Answer) -> None:
        super().__init__(f"{method} {path}: {answer.status} {json.dumps(answer.json)[:400]}")
        self.answer = answer


class Browser:
    """One person's browser: cookies of its own, everything through the gateway."""

    def __init__(self, gateway: str, session: aiohttp.ClientSession) -> None:
        self._gateway = gateway
        self._session = session

    async def call(
        self, method: str, path: str, body: Any = None, *, expect: int | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """One request. Raises `Refused` where `expect` is given and the status is another."""
        async with self._session.request(
            method, self._gateway + path, json=body, headers=dict(headers), allow_redirects=False
        ) as response:
            raw = await response.read()
            answer = Answer(
                response.status,
                _json(raw),
                dict(response.headers),
                tuple(response.headers.getall("Set-Cookie", [])),
                raw.decode("utf-8", "replace"),
            )
        if expect is not None and answer.status != expect:
            raise Refused(method, path, answer)
        return answer

    async def upload(self, path: str, body: bytes, media_type: str) -> Answer:
        """A file as the whole body, over a connection that nothing follows on.

        One that is refused before it is whole is answered as if the connection stayed, and nginx closes it then.
        """
        headers = {"Content-Type": media_type, "Connection": "close"}
        async with self._session.post(self._gateway + path, data=BytesIO(body), headers=headers) as response:
            raw = await response.read()
        return Answer(response.status, _json(raw), dict(response.headers), (), raw.decode("utf-8", "replace"))

    async def download(self, path: str) -> bytes:
        """A file; empty where it is not given."""
        async with self._session.get(self._gateway + path) as response:
            return await response.read() if response.status == 200 else b""

    async def insist(self, method: str, path: str, body: Any, *, headers: Mapping[str, str] = {}) -> Answer:
        """The same request until it has an answer that is final, as a client does whose network is bad."""
        until = time.monotonic() + PATIENCE_S * 2
        pause_s = 0.1
        while True:
            try:
                answer = await self.call(method, path, body, headers=headers)
                if answer.status not in RETRIED or time.monotonic() > until:
                    return answer
            except (aiohttp.ClientError, TimeoutError):
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, 1.0)

    async def submit(self, path: str, fields: Mapping[str, str]) -> Answer:
        """A form of one of the shop's pages, and the page that it leads to."""
        async with self._session.post(
            self._gateway + path, data=dict(fields), headers={"Origin": self._gateway, "Accept": "text/html"}
        ) as response:
            return Answer(response.status, {}, dict(response.headers), (), await response.text())

    def forget(self, ending: str) -> None:
        """Delete the cookies whose name ends so; what a browser does with session cookies when it is closed."""
        self._session.cookie_jar.clear(lambda cookie: cookie.key.endswith(ending))

    def cookies(self) -> BaseCookie[str]:
        """The cookies that this browser would send."""
        return self._session.cookie_jar.filter_cookies(URL(self._gateway))

    def resume(self, cookies: BaseCookie[str]) -> None:
        """Go on with the session of another browser."""
        self._session.cookie_jar.update_cookies(cookies, URL(self._gateway))

    async def all(self, path: str) -> list[Any]:
        """Every item of a list, page by page; a part of the shop that is away for a moment is asked again."""
        items: list[Any] = []
        cursor = ""
        while True:
            join = "&" if "?" in path else "?"
            page = await self.insist("GET", f"{path}{join}limit=100{cursor}", None)
            if page.status != 200:
                raise Refused("GET", path, page)
            items += page.json["items"]
            found = re.search(r'[?&](cursor=[^&>]+)[^>]*>;\s*rel="next"', page.headers.get("Link", ""))
            if found is None:
                return items
            cursor = f"&{found[1]}"


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {}
