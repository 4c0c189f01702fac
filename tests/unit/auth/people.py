"""Persons who are there already: a customer, a member of the staff, and their authenticators."""

from typing import Any

import pyotp
from aiohttp import ClientResponse

from deploy.outside.authenticator import Authenticator
from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.staff.usecases import NewStaff, add_staff
from tests.unit.auth.doubles import PASSWORD, SITE, Browser, World

ANN = "ann@shop.example"
BOB = "bob@shop.example"
SUE = "sue@staff.example"
PASSKEYS = "/api/auth/passkeys"
LOG_IN = "/api/auth/session/passkey"


async def a_customer(world: World, email: str = ANN, name: str = "Ann Example") -> str:
    """Registered and verified; the address."""
    await register(world.deps, Wish(email, name, Password(PASSWORD)))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])
    return email


async def a_colleague(world: World) -> pyotp.TOTP:
    """Sue of the support; her authenticator."""
    return pyotp.TOTP(await add_staff(world.deps, NewStaff(SUE, "Sue", "support", Password(PASSWORD))))


async def set_up_totp(browser: Browser, world: World) -> tuple[pyotp.TOTP, list[str]]:
    """An authenticator app for who is logged in, proven with its code of now; and the recovery codes."""
    offer = await (await browser.send("POST", "/api/auth/mfa/totp")).json()
    totp = pyotp.TOTP(offer["secret"])
    answer = await browser.send("POST", "/api/auth/mfa/totp/confirm", json={"otp": totp.at(world.clock())})
    assert answer.status == 200
    return totp, (await answer.json())["recovery_codes"]


async def add_passkey(browser: Browser, authenticator: Authenticator, name: str = "Phone") -> Any:
    """A passkey for who is logged in; the answer's body."""
    options = await (await browser.send("POST", f"{PASSKEYS}/options")).json()
    body = {"name": name, "credential": authenticator.create(options)}
    answer = await browser.send("POST", PASSKEYS, json=body)
    assert answer.status == 201
    return await answer.json()


async def use(browser: Browser, credential: Any, **more: Any) -> ClientResponse:
    """Log in with a passkey."""
    return await browser.send("POST", LOG_IN, json={"credential": credential} | more)


async def new_options(browser: Browser) -> Any:
    """What a page asks for before `navigator.credentials.create()`."""
    return await (await browser.send("POST", f"{PASSKEYS}/options")).json()


async def add(browser: Browser, credential: Any) -> ClientResponse:
    """Send what it gave."""
    return await browser.send("POST", PASSKEYS, json={"name": "Phone", "credential": credential})


async def problem_of(answer: ClientResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status, (await answer.json())["type"].removeprefix("/problems/")


async def login_options(browser: Browser) -> Any:
    """What a page asks for before `navigator.credentials.get()`."""
    answer = await browser.send("POST", f"{LOG_IN}/options")
    assert answer.status == 200
    return await answer.json()


async def an_assertion(browser: Browser, authenticator: Authenticator) -> dict[str, Any]:
    """Signed for a fresh challenge."""
    return authenticator.get(await login_options(browser))


def a_phone(**traits: Any) -> Authenticator:
    """An authenticator on the shop's own pages."""
    return Authenticator(SITE, **traits)
