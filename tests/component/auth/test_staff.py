"""`staff add|list|remove`, as a person at a terminal uses it."""

import argparse
import io
import json
from typing import Any

import pyotp
import pytest

from services.auth.staff.commands import STAFF
from tests.component.auth.conftest import Auth


async def _run(auth: Auth, *words: str) -> int:
    parser = argparse.ArgumentParser()
    STAFF.add_arguments(parser)
    return await STAFF.run(auth.deps, parser.parse_args(words))


async def _add(auth: Auth, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert await _run(auth, "add", "sue@staff.example", "--role", "support", *words) == 0
    return json.loads(capsys.readouterr().out)


async def test_who_was_added_logs_in_with_what_was_printed(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    login = await _add(auth, capsys, "--json")

    code = pyotp.TOTP(login["totp"]).at(auth.deps.clock())
    answer = await auth.browser().log_in(login["email"], login["password"], otp=code)

    assert answer.status == 200
    assert (await answer.json())["account"]["roles"] == ["customer", "support"]


async def test_a_password_may_come_by_standard_input(
    auth: Auth, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a password of my own\n"))

    login = await _add(auth, capsys, "--password-stdin")

    assert login["password"] == "a password of my own"


async def test_an_address_that_is_there_needs_reset(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    first = await _add(auth, capsys)

    assert await _run(auth, "add", "sue@staff.example", "--role", "fraud") == 1
    assert capsys.readouterr().err == (
        "The address has an account already; --reset appoints it with a new password and a new authenticator.\n"
    )
    again = await _add(auth, capsys, "--reset")

    assert first["totp"] != again["totp"]
    assert (await auth.browser().log_in(first["email"], first["password"])).status == 401


async def test_staff_have_nothing_of_what_strangers_registered(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    wish = {"email": "sue@staff.example", "name": "Mallory", "password": "the stranger's password"}
    await auth.browser().send("POST", "/api/auth/accounts", json=wish)
    token = (await auth.mailbox.next())[1].link.partition("t=")[2]

    capsys.readouterr()
    login = await _add(auth, capsys, "--reset", "--name", "Sue")
    followed = await auth.browser().send("POST", "/api/auth/accounts/verify", json={"token": token})
    code = pyotp.TOTP(login["totp"]).at(auth.deps.clock())
    answer = await auth.browser().log_in(login["email"], login["password"], otp=code)

    assert followed.status == 404
    assert (answer.status, (await answer.json())["account"]["name"]) == (200, "Sue")


async def test_staff_are_listed_and_removed_with_their_sessions(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    login = await _add(auth, capsys)
    sue = auth.browser()
    code = pyotp.TOTP(login["totp"]).at(auth.deps.clock())
    await sue.log_in(login["email"], login["password"], otp=code)

    capsys.readouterr()
    await _run(auth, "list", "--json")
    [member] = json.loads(capsys.readouterr().out)
    removed = await _run(auth, "remove", "sue@staff.example")
    await _run(auth, "list", "--json")

    assert (member["email"], member["roles"]) == ("sue@staff.example", ["support"])
    assert removed == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == []
    assert (await sue.send("GET", "/api/auth/session")).status == 401


async def test_who_is_staff_no_longer_keeps_their_second_factor(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    login = await _add(auth, capsys)
    await _run(auth, "remove", "sue@staff.example")

    alone = await auth.browser().log_in(login["email"], login["password"])
    code = pyotp.TOTP(login["totp"]).at(auth.deps.clock())
    answer = await auth.browser().log_in(login["email"], login["password"], otp=code)

    assert (alone.status, answer.status) == (401, 200)
    assert (await answer.json())["account"]["roles"] == ["customer"]


async def test_what_the_command_changes_is_told_and_noted(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    await _add(auth, capsys)
    await _add(auth, capsys, "--reset")
    await _run(auth, "remove", "sue@staff.example")

    template, recipient = await auth.mailbox.next()
    [account] = [each async for each in auth.runtime.database["accounts"].find({})]
    await auth.deps.notes.settled()
    notes = await auth.deps.trail.of_account(account["_id"], limit=10)
    assert (template, recipient.email) == ("second-factor-changed", "sue@staff.example")
    assert [(note.what, note.details.get("roles", "")) for note in reversed(notes)] == [
        ("roles-changed", "customer support"),
        ("authenticator-added", ""),
        ("roles-changed", "customer support"),
        ("roles-changed", "customer"),
    ]


@pytest.mark.parametrize("words", [("remove", "nobody@staff.example"), ("add", "no address", "--role", "fraud")])
async def test_what_cannot_be_done_says_so(
    auth: Auth, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert await _run(auth, *words) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "/email" not in said


async def test_who_was_removed_from_what_is_printed(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    await _add(auth, capsys)

    await _run(auth, "remove", "sue@staff.example")

    assert capsys.readouterr().out.startswith("removed sue@staff.example from support;")
