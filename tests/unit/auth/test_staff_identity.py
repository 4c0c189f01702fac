"""`staff identity`: an officer at a terminal, for commands that ask who does it."""

import argparse
import io

import pytest

from services.auth.staff.commands import STAFF
from shared.identity import InvalidIdentity
from tests.unit.auth.doubles import PASSWORD, World
from tests.unit.auth.people import ANN, SUE, a_colleague, a_customer

JWT = "eyJ"
OTHER = "another-password-of-somebody"


async def ask(world: World, monkeypatch: pytest.MonkeyPatch, *typed: str, email: str = SUE) -> int:
    parser = argparse.ArgumentParser()
    STAFF.add_arguments(parser)
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
    return await STAFF.run(world.deps, parser.parse_args(["identity", email, "--for", "mailer"]))


async def test_password_and_code_give_an_identity_for_one_service_and_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    totp = await a_colleague(world)

    assert await ask(world, monkeypatch, PASSWORD, totp.at(world.clock())) == 0

    token = capsys.readouterr().out.splitlines()[-1]
    who = await world.verifier("mailer").verify(token)
    [account] = world.accounts.stored
    assert (who.subject, "support" in who.roles, who.fresh) == (account, True, True)
    with pytest.raises(InvalidIdentity):
        await world.verifier("orders").verify(token)
    world.clock.advance(seconds=70)
    with pytest.raises(InvalidIdentity):
        await world.verifier("mailer").verify(token)


async def test_it_leaves_no_session_and_is_in_the_trail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    totp = await a_colleague(world)
    [account] = world.accounts.stored

    await ask(world, monkeypatch, PASSWORD, totp.at(world.clock()))

    assert [session for session in world.sessions.stored.values() if session.is_live(world.clock())] == []
    assert world.trail.whats(account)[-2:] == ["logged-in", "logged-out"]


@pytest.mark.parametrize(("password", "code"), [(OTHER, None), (PASSWORD, "000000"), (PASSWORD, ""), ("", None)])
async def test_without_both_there_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], password: str, code: str | None
) -> None:
    totp = await a_colleague(world)
    right = totp.at(world.clock())
    assert code != right

    assert await ask(world, monkeypatch, password, right if code is None else code) == 1

    told = capsys.readouterr()
    assert JWT not in told.out
    assert told.err
    assert not world.sessions.stored


async def test_a_code_works_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (await a_colleague(world)).at(world.clock())

    assert await ask(world, monkeypatch, PASSWORD, code) == 0
    assert await ask(world, monkeypatch, PASSWORD, code) == 1


async def test_tries_are_limited_as_those_of_a_login(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    totp = await a_colleague(world)
    for _ in range(10):
        await ask(world, monkeypatch, OTHER, "000000")
    capsys.readouterr()

    assert await ask(world, monkeypatch, PASSWORD, totp.at(world.clock())) == 1

    assert "too many" in capsys.readouterr().err.lower()


async def test_customers_have_none(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await a_customer(world)

    assert await ask(world, monkeypatch, PASSWORD, "000000", email=ANN) == 1

    told = capsys.readouterr()
    assert JWT not in told.out
    assert "staff" in told.err
