"""What a buyer does after buying."""

import pytest

from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.shopping import buy

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("language", ["en", "ja", "de"])
async def test_an_order_is_cancelled_before_it_is_shipped(open_window: OpenWindow, address: str, language: str) -> None:
    page = (await open_window(language=language, narrow=True)).page
    await buy(page, address)

    await page.click("details:has(form[action*='/cancel']) > summary")
    async with page.expect_navigation():
        await page.click("form[action*='/cancel'] button")

    assert await page.locator("[role=status]").count() == 1
    assert await page.locator("#refunds").count() == 1
    assert await page.locator("form[action*='/cancel']").count() == 0
    assert await faults_of(page, language) == []
