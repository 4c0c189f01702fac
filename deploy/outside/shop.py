"""What customers and staff do: register, log in, buy."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookies import BaseCookie
from typing import Any

import aiohttp
import pyotp

from deploy.outside.browser import Answer, Browser, Refused
from deploy.outside.mails import Mailbox
from deploy.outside.patience import PATIENCE_S
from deploy.outside.sockets import Sockets
from deploy.outside.stack import Stack

CARD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123", "holder": "A. Buyer"}
ADDRESS = {"line1": "1-2-3 Jingumae", "city": "Shibuya", "region": "Tokyo", "postcode": "150-0001", "country": "JP"}


class Shop:
    """A running stack as its customers and staff meet it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        data = stack.read()
        self.gateway: str = data["gateway"]
        self.mailbox = Mailbox(stack.resolve(data["mail_dir"]))
        self._staff_cookies: dict[str, BaseCookie[str]] = {}
        self._tried: dict[str, str] = {}

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Browser]:
        """A fresh browser without a cookie."""
        sockets = Sockets()
        connector = aiohttp.TCPConnector(ssl=self.stack.tls(), limit=64, socket_factory=sockets.make)
        timeout = aiohttp.ClientTimeout(total=25, connect=5)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield Browser(self.gateway, session)
        await sockets.close()

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
        """Be staff of a role, by the session that this shop has for it, or by a new log-in with the second factor."""
        if role in self._staff_cookies:
            browser.resume(self._staff_cookies[role])
            if (await browser.call("GET", "/api/auth/session")).status == 200:
                return
        await self.log_in_with_code(browser, self.stack.read()["staff"][role])
        self._staff_cookies[role] = browser.cookies()

    async def log_in_with_code(self, browser: Browser, staff: Mapping[str, str]) -> None:
        """A new log-in of somebody on the staff: `email`, `password` and the secret of the second factor, `totp`.

        A code works once: where this one was used, wait for the next.
        """
        who, totp = staff["email"], pyotp.TOTP(staff["totp"])
        login = {"email": who, "password": staff["password"], "remember": False}
        async with asyncio.timeout(PATIENCE_S * 1.5):
            while True:
                code = totp.now()
                if code == self._tried.get(who):  # a wrong try more would count against the account
                    await asyncio.sleep(1)
                    continue
                self._tried[who] = code
                answer = await browser.call("POST", "/api/auth/session", login | {"otp": code})
                if answer.status == 200:
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
