"""Debian's Chromium, driven by Playwright: the shop as people see it, passkeys by a virtual authenticator."""

import hashlib
import os
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from deploy.local.programs import find_chromium

NARROW = {"width": 360, "height": 800}
WIDE = {"width": 1280, "height": 900}


@asynccontextmanager
async def chromium(gateway: str, ca_file: str) -> AsyncIterator[Browser]:
    """A Chromium that trusts the shop's certificate and no other of its authority.

    An exception for certificate errors would not do: on such a page the browser refuses passkeys.

    Raises:
        FileNotFoundError: there is no Chromium on this machine.
        ssl.SSLError: the gateway's certificate is not by this authority.
    """
    program = find_chromium()
    if not program:
        raise FileNotFoundError("chromium: install the package chromium")
    trusted = f"--ignore-certificate-errors-spki-list={_key_of(gateway, ca_file)}"
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=program, args=[trusted], chromium_sandbox=os.geteuid() != 0
        )
        try:
            yield browser
        finally:
            await browser.close()


class Window:
    """One person's browser: a profile of its own, and the addresses that it asked for."""

    def __init__(self, gateway: str, context: BrowserContext, page: Page) -> None:
        self.gateway = gateway
        self.context = context
        self.page = page
        self.asked: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))

    @classmethod
    async def open(
        cls, browser: Browser, gateway: str, *, language: str = "en", narrow: bool = False, scripts: bool = True
    ) -> "Window":
        """A fresh profile without a cookie; `language` is what its Accept-Language says; `scripts`: it runs them."""
        viewport = NARROW if narrow else WIDE
        context = await browser.new_context(
            base_url=gateway,
            locale=language,
            viewport={"width": viewport["width"], "height": viewport["height"]},
            java_script_enabled=scripts,
        )
        return cls(gateway, context, await context.new_page())

    @property
    def foreign(self) -> set[str]:
        """Hosts that were asked and are not the shop's; an image within a page (`data:`) asks nobody."""
        own = urlsplit(self.gateway).netloc
        return {urlsplit(url).netloc for url in self.asked if not url.startswith("data:")} - {own}

    async def add_authenticator(self) -> None:
        """From now on this browser has a passkey provider that always knows its owner."""
        session = await self.context.new_cdp_session(self.page)
        await session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def _key_of(gateway: str, ca_file: str) -> str:
    """The SHA-256 of the certificate's public key, as the switch wants it."""
    at = urlsplit(gateway)
    assert at.hostname is not None
    pem = ssl.get_server_certificate((at.hostname, at.port or 443), ca_certs=ca_file, timeout=10)
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    return b64encode(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()
