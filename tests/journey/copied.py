"""A remember cookie that was copied out of its browser."""

import secrets
import time
from dataclasses import dataclass

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop


@dataclass(frozen=True)
class Copied:
    """A remember cookie that its browser has used since, and when."""

    email: str
    name: str
    value: str
    used_at: float


async def copy_a_cookie(shop: Shop, password: str) -> Copied:
    """Somebody copies a cookie, and its owner comes back before the thief does."""
    email = f"copied-{secrets.token_hex(5)}@example.org"
    async with shop.browser() as owner:
        await shop.register(owner, email, "Cy Copied", password)
        await shop.log_in(owner, email, password, remember=True)
        name, value = remember_cookie(owner)
        owner.forget("-session")
        await owner.call("GET", "/api/auth/session", expect=200)
        assert remember_cookie(owner) != (name, value)
    return Copied(email, name, value, time.monotonic())


def remember_cookie(browser: Browser) -> tuple[str, str]:
    """Name and value of the remember cookie that the browser has."""
    [(name, morsel)] = [(name, morsel) for name, morsel in browser.cookies().items() if name.endswith("-remember")]
    return name, morsel.value
