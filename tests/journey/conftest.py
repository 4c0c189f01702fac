"""One shop for all journeys; each test has people of its own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable

import pytest

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop
from tests.journey.copied import Copied, copy_a_cookie
from tests.stack import running_shop

_LETTERS = str.maketrans("0123456789", "ghijklmnop")
PASSWORD = "a watch that tells no time"  # of invented persons, in a stack that lives on this machine


@pytest.fixture(scope="session")
def shop() -> Shop:
    return running_shop()


@pytest.fixture
async def browser(shop: Shop) -> AsyncIterator[Browser]:
    async with shop.browser() as opened:
        yield opened


@pytest.fixture
def address() -> Callable[[str], str]:
    """Addresses that no other test and no other run has.

    Letters only: of many random digits some would be a card number, which is refused in an address.
    """
    run = secrets.token_hex(5)
    return lambda who: f"{who}-{run}@example.org".translate(_LETTERS)


@pytest.fixture(scope="session")
def copied(shop: Shop) -> Copied:
    return asyncio.run(copy_a_cookie(shop, PASSWORD))


@pytest.fixture(scope="session", autouse=True)
def copied_early(request: pytest.FixtureRequest) -> None:
    """Before everything else where a test will ask for it, so that its minute of grace passes while others run."""
    if any("copied" in item.fixturenames for item in request.session.items if isinstance(item, pytest.Function)):
        request.getfixturevalue("copied")


@pytest.fixture
async def support(shop: Shop) -> AsyncIterator[Browser]:
    async with shop.browser() as opened:
        await shop.log_in_staff(opened, "support")
        yield opened


@pytest.fixture
async def ann(shop: Shop, browser: Browser, address: Callable[[str], str]) -> Browser:
    await shop.register(browser, address("ann"), "Ann Example", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD)
    return browser
