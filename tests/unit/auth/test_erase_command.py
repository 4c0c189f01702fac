"""`erase EMAIL|ID`, as an operator at a terminal uses it."""

import argparse
import io
import json

import pytest

from services.auth.mydata.commands import ERASE
from tests.unit.auth.doubles import PASSWORD, Browser, World
from tests.unit.auth.people import ANN, SUE, a_colleague, a_customer

TICKET = "ticket 4711"


async def _run(world: World, *words: str) -> int:
    parser = argparse.ArgumentParser()
    ERASE.add_arguments(parser)
    return await ERASE.run(world.deps, parser.parse_args(words))


@pytest.fixture
async def account(world: World) -> str:
    """The id of Ann's."""
    await a_customer(world)
    [account] = world.accounts.stored
    return account


@pytest.mark.parametrize("by", ["email", "id"])
async def test_the_account_goes_with_its_receipt(
    account: str, world: World, browser: Browser, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    assert await _run(world, ANN if by == "email" else account, "--reason", TICKET, "--confirm", account) == 0

    receipt = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert receipt["link"].endswith(f"/erased?t={receipt['token']}")
    assert (await browser.log_in(ANN, PASSWORD)).status == 401
    [erasure] = world.erasures.stored.values()
    assert erasure.mail is not None  # the last mail, which tells the customer once all have answered
    [told] = [event for event in world.accounts.events if event.type == "auth.account.erased.v1"]
    assert told.subject == account


async def test_the_trail_says_who_and_why(account: str, world: World) -> None:
    await _run(world, ANN, "--reason", TICKET, "--confirm", account)

    [note] = [note for _, note in world.trail.stored if note.what == "erasure-asked"]
    [erasure] = world.erasures.stored.values()
    assert note.details == {"erasure": erasure.id, "by": "operator", "reason": TICKET}


async def test_what_was_typed_confirms_it(
    account: str, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{account}\n"))

    assert await _run(world, ANN, "--reason", TICKET) == 0

    told = capsys.readouterr().err
    assert account in told
    assert ANN not in told


@pytest.mark.parametrize("typed", ["", "y\n", "yes\n", f"{ANN}\n"])
async def test_without_the_id_nothing_is_erased(
    account: str, world: World, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    assert await _run(world, ANN, "--reason", TICKET) == 1

    assert world.erasures.erasing == {}
    assert not world.accounts.stored[account].is_gone


async def test_staff_are_not_erased(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await a_colleague(world)
    [account] = world.accounts.stored

    assert await _run(world, SUE, "--reason", TICKET, "--confirm", account) == 1

    assert "staff" in capsys.readouterr().err
    assert not world.accounts.stored[account].is_gone


@pytest.mark.parametrize("wanted", ["nobody@shop.example", "no-such-id", "not@an@address"])
async def test_whom_nobody_knows_is_not_erased(world: World, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await _run(world, wanted, "--reason", TICKET, "--confirm", wanted) == 1

    assert capsys.readouterr().err


async def test_a_second_time_there_is_nothing_left(account: str, world: World) -> None:
    assert await _run(world, account, "--reason", TICKET, "--confirm", account) == 0
    assert await _run(world, account, "--reason", TICKET, "--confirm", account) == 1
    assert len(world.erasures.stored) == 1


@pytest.mark.parametrize("reason", ["", "ab", "ann@shop.example", "x" * 101, "line\nbreak", "\u00e4rger"])
async def test_a_reason_names_nobody(world: World, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await _run(world, ANN, "--reason", reason)
