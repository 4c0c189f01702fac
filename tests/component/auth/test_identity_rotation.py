"""Replacing the key that signs identities, while four services check them by auth's key set over HTTP.

Time is moved by hand, for auth and services alike; the key files, the commands and the key set are real.
"""

import asyncio
import itertools
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy.local.services import ensure_keys, write_env_files
from deploy.local.stack import Stack
from services.auth.identity.gateway import JWKS_PATH, key_set_response
from services.auth.identity.issuer import LIFETIME_S, PURPOSE, IdentityIssuer
from shared.identity import LEEWAY_S, IdentityVerifier, InvalidIdentity, jwks_fetcher, sign_identity, signing_key
from shared.keys import FileKeys
from shared.testing.clock import FixedClock
from shared.testing.identity import an_identity
from shared.topology import SERVICES
from tests.unit.deploy.stacks import a_stack

ROOT = Path(__file__).parents[3]
STEP_S = 2
GIVEN_UP_AFTER_S = LIFETIME_S + LEEWAY_S


@dataclass
class Auth:
    """Auth's processes, each with an issuer of its own, all on the same key files."""

    stack: Stack
    clock: FixedClock
    issuers: list[IdentityIssuer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turn = itertools.count()

    @property
    def key_files(self) -> Path:
        return self.stack.layout.keys / "auth" / PURPOSE

    def start_process(self) -> None:
        keys = FileKeys(self.stack.layout.keys / "auth", monotonic=lambda: self.clock().timestamp())
        self.issuers.append(IdentityIssuer(keys, self.clock))

    def restart_first(self) -> None:
        self.issuers.pop(0)
        self.start_process()

    def issue(self, audience: str) -> str:
        return self._next().issue(an_identity(), audience)

    async def key_set(self, _request: web.Request) -> web.Response:
        return key_set_response(self._next())

    def _next(self) -> IdentityIssuer:
        return self.issuers[next(self.turn) % len(self.issuers)]

    async def run_keys(self, *words: str) -> str:
        """`python -m services.auth keys WORDS`, in a shell that has sourced the environment file."""
        env_file = self.stack.layout.env_file("auth")
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", f"set -a; . '{env_file}'; exec '{sys.executable}' -m services.auth keys {' '.join(words)}",
            cwd=ROOT, env={"PATH": os.environ["PATH"]}, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(30):
            out, _ = await process.communicate()
        assert process.returncode == 0, out
        return out.decode()

    def let_files_be_old(self, seconds: float) -> None:
        """The machine's time has not moved: make the files as old as they would be."""
        for file in self.key_files.iterdir():
            moment = time.time() - seconds
            os.utime(file, (moment, moment))


class Services:
    """One verifier for each service, and one that remembers no token that it has seen."""

    def __init__(self, url: str, clock: FixedClock) -> None:
        self.clock = clock
        self.verifiers = {
            (name, kind): IdentityVerifier(jwks_fetcher(url), name, clock)
            for name in SERVICES
            for kind in ("remembers", "forgets")
        }
        for (_, kind), verifier in self.verifiers.items():
            if kind == "forgets":
                verifier.CACHE_SIZE = 0

    async def all_accept(self, tokens: dict[str, str]) -> None:
        for (name, kind), verifier in self.verifiers.items():
            try:
                assert await verifier.verify(tokens[name]) == an_identity()
            except InvalidIdentity:
                pytest.fail(f"{name}, which {kind}, refused a good identity at {self.clock():%H:%M:%S}")

    async def all_refuse(self, tokens: dict[str, str]) -> None:
        for (name, _), verifier in self.verifiers.items():
            with pytest.raises(InvalidIdentity):
                await verifier.verify(tokens[name])


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def auth(tmp_path: Path, clock: FixedClock) -> Auth:
    stack = a_stack(tmp_path)
    ensure_keys(stack.layout)
    write_env_files(stack)
    auth = Auth(stack, clock)
    auth.start_process()
    auth.start_process()
    return auth


@asynccontextmanager
async def services_of(auth: Auth) -> AsyncIterator[Services]:
    app = web.Application()
    app.router.add_get(JWKS_PATH, auth.key_set)
    async with TestServer(app) as server:
        yield Services(str(server.make_url(JWKS_PATH)), auth.clock)


@dataclass
class Traffic:
    """Identities that go on being asked for and used; each is used until its end, and once too late."""

    auth: Auth
    services: Services
    under_way: deque[tuple[float, dict[str, str]]] = field(default_factory=deque)
    refused: int = 0

    async def flow(self, seconds: int) -> None:
        for _ in range(0, seconds, STEP_S):
            self.auth.clock.advance(seconds=STEP_S)
            now = self.auth.clock().timestamp()
            self.under_way.append((now, {name: self.auth.issue(name) for name in SERVICES}))
            await self._use(now)

    async def _use(self, now: float) -> None:
        await self.services.all_accept(self.under_way[-1][1])
        await self.services.all_accept(next(tokens for at, tokens in self.under_way if now - at < LIFETIME_S - 20))
        while now - self.under_way[0][0] > GIVEN_UP_AFTER_S:
            _, tokens = self.under_way.popleft()
            await self.services.all_refuse(tokens)
            self.refused += 1

    def signing(self) -> set[str]:
        """The keys that sign now."""
        return {kid_of(tokens[name]) for _, tokens in list(self.under_way)[-2:] for name in SERVICES}


def kid_of(token: str) -> str:
    import base64
    import json

    return str(json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))["kid"])


async def test_a_key_is_replaced_without_a_gap(auth: Auth) -> None:
    async with services_of(auth) as services:
        traffic = Traffic(auth, services)
        await traffic.flow(200)
        first = FileKeys(auth.key_files.parent).current(PURPOSE)

        assert await auth.run_keys("rotate", PURPOSE) == f"{PURPOSE} is now at version 2\n"
        await traffic.flow(60)
        auth.restart_first()  # in the middle of it
        published_only = traffic.signing()
        await traffic.flow(200)
        signs = traffic.signing()
        auth.let_files_be_old(601)
        await traffic.flow(140)
        auth.restart_first()  # and just before the old key goes
        await traffic.flow(2 * STEP_S)
        after_restart = traffic.signing()
        assert await auth.run_keys("retire", PURPOSE, "--below", "2") == f"{PURPOSE}: versions deleted: 1\n"
        await traffic.flow(200)

        stolen = signing_key(first.secret.reveal(), "1")
        await services.all_refuse({
            name: sign_identity(an_identity(), key=stolen, kid="1", audience=name, now=auth.clock())
            for name in SERVICES
        })  # fmt: skip
        assert (published_only, signs, after_restart, traffic.signing()) == ({"1"}, {"2"}, {"2"}, {"2"})
        assert traffic.refused > 300


async def test_a_stolen_key_that_is_deleted_signs_nothing_after_a_minute(auth: Auth) -> None:
    async with services_of(auth) as services:
        traffic = Traffic(auth, services)
        await traffic.flow(30)
        stolen = signing_key(FileKeys(auth.key_files.parent).current(PURPOSE).secret.reveal(), "1")
        await auth.run_keys("rotate", PURPOSE)
        await auth.run_keys("retire", PURPOSE, "--below", "2", "--anyway")

        auth.clock.advance(seconds=IdentityVerifier.REFRESH_S)
        forged = {
            name: sign_identity(an_identity(), key=stolen, kid="1", audience=name, now=auth.clock())
            for name in SERVICES
        }

        await services.all_refuse(forged)
        await services.all_accept({name: auth.issue(name) for name in SERVICES})


async def test_without_a_head_start_a_new_key_would_leave_a_gap(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    """The saboteur: a key that signs at once is refused by whoever has just asked in vain for another."""
    monkeypatch.setattr("services.auth.identity.issuer.PUBLISHED_FIRST", timedelta(0))
    async with services_of(auth) as services:
        traffic = Traffic(auth, services)
        await traffic.flow(200)
        unknown = sign_identity(
            an_identity(), key=signing_key(b"\x09" * 32, "9"), kid="9", audience="orders", now=auth.clock()
        )
        with pytest.raises(InvalidIdentity):
            await services.verifiers["orders", "forgets"].verify(unknown)
        await auth.run_keys("rotate", PURPOSE)

        with pytest.raises(pytest.fail.Exception, match="refused a good identity"):
            await traffic.flow(60)
