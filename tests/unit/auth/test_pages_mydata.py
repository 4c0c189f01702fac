"""Export and erasure by page, and the receipt that needs no account."""

import re

import pytest

from tests.unit.auth.doubles import Browser, World
from tests.unit.auth.pages import HTML, get, post
from tests.unit.auth.people import ANN, a_customer

HERE = "/account/data"


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """Ann's browser, logged in."""
    await a_customer(world)
    assert (await browser.log_in(ANN)).status == 200
    return browser


async def test_an_export_is_asked_for_and_its_state_is_shown(ann: Browser) -> None:
    asked = await post(ann, f"{HERE}/export")
    _, text = await get(ann, f"{HERE}?done=export-asked")
    again = await post(ann, f"{HERE}/export")

    assert asked[:2] == (303, f"{HERE}?done=export-asked")
    assert "Being gathered" in text
    assert again[0] == 429
    assert "is being gathered already" in again[2]


async def test_another_persons_archive_is_not_there(ann: Browser) -> None:
    assert (await get(ann, f"{HERE}/exports/unknown"))[0] == 404


@pytest.mark.parametrize("typed", ["", "yes", "bob@shop.example"])
async def test_nothing_is_erased_without_the_typed_address(ann: Browser, world: World, typed: str) -> None:
    status, _, text = await post(ann, f"{HERE}/erase", confirmation=typed)

    assert status == 422
    assert 'id="f-confirmation-error"' in text
    assert not world.erasures.erasing
    assert (await get(ann, "/account"))[0] == 200


async def test_an_erased_account_leaves_a_receipt_and_no_cookie(ann: Browser, world: World) -> None:
    answer = await ann.send("POST", f"{HERE}/erase", data={"confirmation": ANN.upper()}, headers=HTML)
    text = await answer.text()
    [link] = re.findall(r'href="(/erased\?t=[^"]+)"', text)
    status, receipt = await get(ann, link)

    assert answer.status == 202
    assert "Your account is erased" in text
    assert not ann.jar
    assert status == 200
    assert "Not every part of the shop has answered yet" in receipt
    assert "Audit trail, without content" in receipt
    assert ANN not in receipt
    assert len(world.erasures.stored) == 1


async def test_a_receipt_that_nobody_has_is_not_there(browser: Browser) -> None:
    assert (await get(browser, "/erased?t=unknown"))[0] == 404
