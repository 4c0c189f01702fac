"""A customer's view of a running stack: what the demo, the journey tests and the kill tests act through.

Knows `.local/stack.json`, the gateway's public routes and the mails in the mailbox, and nothing of the code behind.
"""

import asyncio
import json
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.cookies import BaseCookie
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
import pyotp
from yarl import URL

PATIENCE_S = 60.0
RETRIED = frozenset({409, 429, 500, 502, 503, 504})
CARD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123", "holder": "A. Buyer"}
ADDRESS = {"line1": "1-2-3 Jingumae", "city": "Shibuya", "region": "Tokyo", "postcode": "150-0001", "country": "JP"}


SeenT = TypeVar("SeenT")


async def eventually(
    look: Callable[[], Awaitable[SeenT]], enough: Callable[[SeenT], bool], *, patience_s: float = PATIENCE_S
) -> SeenT:
    """Look again and again from outside until it is enough. Raises TimeoutError when patience ends."""
    async with asyncio.timeout(patience_s):
        while True:
            seen = await look()
            if enough(seen):
                return seen
            await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Stack:
    """Where everything is, as the supervisor last wrote it."""

    path: Path

    @classmethod
    def find(cls, root: Path) -> Self:
        """The stack of the checkout at `root`. Raises FileNotFoundError where none is up."""
        path = root / ".local" / "stack.json"
        path.stat()
        return cls(path)

    def read(self) -> dict[str, Any]:
        """Read anew: process ids change with every restart."""
        data: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return data

    def resolve(self, name: str) -> Path:
        """A path in the file may be relative to the checkout."""
        return self.path.parent.parent / name

    def tls(self) -> ssl.SSLContext:
        """Trusts the stack's own authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.resolve(self.read()["ca"])))


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived."""

    to: str
    subject: str
    message_id: str
    text: str
    headers: Mapping[str, str]
    recipients: tuple[str, ...]

    @property
    def link(self) -> str:
        """The first link with a token in it."""
        found = re.search(r"https?://\S+[?&]t=[\w.~-]+", self.text)
        if found is None:
            raise AssertionError(f"no link with a token in the mail {self.subject!r}")
        return found[0]

    @property
    def token(self) -> str:
        """The token of that link."""
        return self.link.partition("t=")[2]


class Mailbox:
    """The mails in a directory of .eml files, each parsed once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: dict[str, Mail] = {}

    def mails(self) -> list[Mail]:
        """Everything that has arrived so far, oldest first."""
        for path in sorted(self._directory.glob("*.eml")):
            if path.name not in self._seen:
                self._seen[path.name] = _parse(path.read_bytes())
        return list(self._seen.values())

    def to(self, address: str) -> list[Mail]:
        """The mails to one address."""
        return [mail for mail in self.mails() if mail.to == address.lower()]

    async def wait(self, address: str, subject: str = "", *, count: int = 1, patience_s: float = PATIENCE_S) -> Mail:
        """The newest mail to `address` whose subject holds `subject`, once there are `count` of them."""

        async def matching() -> list[Mail]:
            return [mail for mail in self.to(address) if subject.lower() in mail.subject.lower()]

        return (await eventually(matching, lambda found: len(found) >= count, patience_s=patience_s))[-1]


def _parse(raw: bytes) -> Mail:
    message = message_from_bytes(raw, policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("not a mail")
    body = message.get_body(("plain",))
    return Mail(
        to=_address(message["To"]),
        subject=str(message["Subject"]),
        message_id=str(message["Message-ID"]).strip(),
        text=body.get_content() if body is not None else "",
        headers={name.lower(): str(value) for name, value in message.items()},
        recipients=tuple(str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])),
    )


def _address(header: Any) -> str:
    [address] = header.addresses
    return str(address.addr_spec).lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end. `json` is {} where the body is no JSON."""

    status: int
    json: Any
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    """Each Set-Cookie header as it was sent."""


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
                response.status, _json(raw), dict(response.headers), tuple(response.headers.getall("Set-Cookie", []))
            )
        if expect is not None and answer.status != expect:
            raise Refused(method, path, answer)
        return answer

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
        """Every item of a list, page by page."""
        items: list[Any] = []
        cursor = ""
        while True:
            join = "&" if "?" in path else "?"
            page = await self.call("GET", f"{path}{join}limit=100{cursor}", expect=200)
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


class Shop:
    """A running stack as its customers and staff meet it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        data = stack.read()
        self.gateway: str = data["gateway"]
        self.mailbox = Mailbox(stack.resolve(data["mail_dir"]))
        self._staff_cookies: dict[str, BaseCookie[str]] = {}

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Browser]:
        """A fresh browser without a cookie."""
        connector = aiohttp.TCPConnector(ssl=self.stack.tls(), limit=64)
        timeout = aiohttp.ClientTimeout(total=25, connect=5)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield Browser(self.gateway, session)

    async def register(self, browser: Browser, email: str, name: str, password: str) -> None:
        """Register, read the mail, prove the address."""
        account = {"email": email, "name": name, "password": password}
        await browser.call("POST", "/api/auth/accounts", account, expect=202)
        mail = await self.mailbox.wait(email)
        await browser.call("POST", "/api/auth/accounts/verify", {"token": mail.token}, expect=200)

    async def log_in(self, browser: Browser, email: str, password: str, *, remember: bool = False) -> Answer:
        """Log in with or without the box ticked."""
        login = {"email": email, "password": password, "remember": remember}
        return await browser.call("POST", "/api/auth/session", login, expect=200)

    async def log_in_staff(self, browser: Browser, role: str) -> None:
        """Be staff of a role, by the session that this shop has for it, or by a new log-in with the second factor.

        A code works once: where this one was used, wait for the next.
        """
        if role in self._staff_cookies:
            browser.resume(self._staff_cookies[role])
            if (await browser.call("GET", "/api/auth/session")).status == 200:
                return
        staff = self.stack.read()["staff"][role]
        totp = pyotp.TOTP(staff["totp"])
        login = {"email": staff["email"], "password": staff["password"], "remember": False}
        async with asyncio.timeout(PATIENCE_S * 1.5):
            while True:
                answer = await browser.call("POST", "/api/auth/session", login | {"otp": totp.now()})
                if answer.status == 200:
                    self._staff_cookies[role] = browser.cookies()
                    return
                if answer.status != 401:
                    raise Refused("POST", "/api/auth/session", answer)
                await asyncio.sleep(1)


def order(
    sku: str, currency: str, *, name: str, email: str, quantity: int = 1, newsletter: bool = False
) -> dict[str, Any]:
    """A purchase as a frontend sends it."""
    return {
        "lines": [{"sku": sku, "quantity": quantity}],
        "currency": currency,
        "contact": {"name": name, "email": email},
        "shipping": dict(ADDRESS),
        "card": dict(CARD),
        "newsletter": newsletter,
    }
