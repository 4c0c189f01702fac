"""Copies and erasure on the real database and the real broker; the other services are played by their queues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.auth.accounts.mongo import MongoAccounts
from services.auth.config import Settings
from services.auth.mydata.erasure import STAYS_FOR, sweep
from services.auth.mydata.erasures_mongo import MongoErasures
from services.auth.mydata.exports_mongo import MongoExports
from services.auth.service import ensure_indexes
from services.auth.work import build_work
from shared.answers import COLLECTION, MongoAnswers
from shared.bus import Outgoing
from shared.contracts import mailer, orders, warranty
from shared.contracts.persons import Erased
from shared.events import Event, decode, encode
from shared.keys import FileKeys
from shared.mongo import Database
from shared.persons import PersonDesk, Sections, Tally, Whom
from shared.sealing import Unsealer, write_public_key
from shared.testing.relay import MemoryRelay
from shared.topology import ASKED, EXCHANGE
from shared.work import Work, running
from tests.component.auth.conftest import Auth, NobodyTakes, running_auth
from tests.unit.auth.doubles import PASSWORD, Browser
from tests.unit.auth.mydata_suite import ErasuresSuite, ExportsSuite

ANN = {"email": "ann@shop.example", "name": "Ann Example", "password": PASSWORD}
CONTRACTS: dict[str, Any] = {"orders": orders, "mailer": mailer, "warranty": warranty}


class TestMongoExports(ExportsSuite):
    @pytest.fixture
    async def exports(self, database: Database) -> MongoExports:
        await ensure_indexes(database)
        return MongoExports(database, MemoryRelay(), NobodyTakes())


class TestMongoErasures(ErasuresSuite):
    @pytest.fixture
    async def accounts(self, database: Database) -> MongoAccounts:
        await ensure_indexes(database)
        return MongoAccounts(database, MemoryRelay(), NobodyTakes())

    @pytest.fixture
    async def erasures(self, database: Database) -> MongoErasures:
        await ensure_indexes(database)
        return MongoErasures(database, MemoryRelay(), NobodyTakes())


class Something:
    """What another service holds: one thing."""

    async def collect(self, whom: Whom) -> Sections:
        return {"things": [{"email": whom.email}]}

    async def tally(self, whom: Whom) -> Tally:
        return Tally((Erased(what="profile", count=1),))

    async def erase(self, whom: Whom) -> None:
        return


@pytest.fixture
def others(tmp_path: Path, settings: Settings) -> Settings:
    """Auth and the others have keys for what they tell each other."""
    for service in (*ASKED, "auth"):
        keys = FileKeys(tmp_path / service)
        keys.ensure(["seal"])
        write_public_key(keys, tmp_path / "public", service)
    return settings


@asynccontextmanager
async def answering(auth: Auth, *services: str) -> AsyncIterator[None]:
    """These services are up, and so is auth's consumer."""
    own = build_work(auth.deps)
    handlers = {"auth.persons": own.handlers["auth.persons"]}
    for service in services:
        unsealer = Unsealer(service, FileKeys(auth.deps.settings.key_dir.parent / service))
        answers = MongoAnswers(auth.runtime.database, auth.runtime.relay)
        desk = PersonDesk(
            CONTRACTS[service].PersonExported, CONTRACTS[service].PersonErased, Something(),
            _Apart(answers, service), auth.deps.sealer, unsealer, auth.deps.clock,
        )  # fmt: skip
        handlers[f"{service}.persons"] = desk.handlers
    async with running(auth.runtime, Work(handlers=handlers, periodic=own.periodic)):
        yield


class _Apart:
    """Each service has a database of its own; here they share one."""

    def __init__(self, answers: MongoAnswers, service: str) -> None:
        self._answers = answers
        self._service = service

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._answers, name)

        async def named(first: Any, *args: Any) -> Any:
            own = (
                f"{self._service}:{first}"
                if isinstance(first, str)
                else replace(first, key=f"{self._service}:{first.key}")
            )
            return await call(own, *args)

        return named


async def _ann(auth: Auth) -> Browser:
    browser = auth.browser()
    await browser.send("POST", "/api/auth/accounts", json=ANN)
    token = (await auth.mailbox.next())[1].link.partition("t=")[2]
    assert (await browser.send("POST", "/api/auth/accounts/verify", json={"token": token})).status == 200
    assert (await browser.log_in(ANN["email"])).status == 200
    return browser


async def test_an_erasure_with_one_service_away_is_complete_once_it_is_back(
    others: Settings, database: Database
) -> None:
    async with running_auth(others) as auth:
        ann = await _ann(auth)
        receipt = (await (await ann.send("DELETE", "/api/auth/me")).json())["receipt"]
        async with answering(auth, "orders", "warranty"), _relaying(auth):
            await _until(ann, receipt["token"], lambda shown: shown["services"]["warranty"]["status"] == "erased")
    async with running_auth(others) as auth:
        browser = auth.browser()
        async with answering(auth, *ASKED), _relaying(auth):
            shown = await _until(browser, receipt["token"], lambda shown: shown["status"] == "complete")
            template, recipient = await _mail(auth, "erased")

    assert {part["status"] for part in shown["services"].values()} == {"erased"}
    assert (template, recipient.email) == ("erased", ANN["email"])
    kept = await database["erasures"].find_one({})
    assert kept is not None
    assert kept.keys().isdisjoint({"account_id", "mail"})
    assert await database["sessions"].count_documents({}) == 0
    everything = repr([await database[name].find().to_list(None) for name in await database.list_collection_names()])
    assert ANN["email"] not in everything


async def test_after_an_erasure_only_the_trail_names_the_account(others: Settings, database: Database) -> None:
    async with running_auth(others) as auth:
        ann = await _ann(auth)
        await ann.log_in(ANN["email"], remember=True)
        for method, path, body in (
            ("POST", "/api/auth/password/forgot", {"email": ANN["email"]}),
            ("PUT", "/api/auth/email", {"email": "ann@new.example"}),
            ("POST", "/api/auth/me/export", {}),
        ):
            assert (await ann.send(method, path, json=body)).status == 202
        [account] = await database["accounts"].find().to_list(None)
        receipt = (await (await ann.send("DELETE", "/api/auth/me")).json())["receipt"]
        async with answering(auth, *ASKED), _relaying(auth):
            await _until(ann, receipt["token"], lambda shown: shown["status"] == "complete")
            later = replace(auth.deps, clock=lambda: auth.deps.clock() + STAYS_FOR)
            async with asyncio.timeout(20):
                while await database["accounts"].count_documents({}):  # its events are on their way
                    await sweep(later)
                    await asyncio.sleep(0.05)
            await auth.deps.notes.settled()  # the last one is on its way from the receipt to the trail
            assert await _naming(database, account["_id"]) <= {"trail", "trail_anchors", "tries"}  # tries: a day


async def _naming(database: Database, account_id: str) -> set[str]:
    """The collections that say this id anywhere, but for what the other services, played here, hold of it."""
    names = set(await database.list_collection_names()) - {COLLECTION}
    return {name for name in names if account_id in repr(await database[name].find().to_list(None))}


async def test_a_copy_is_gathered_and_every_event_may_come_twice(others: Settings) -> None:
    async with running_auth(others) as auth:
        ann = await _ann(auth)
        export = await (await ann.send("POST", "/api/auth/me/export")).json()
        async with answering(auth, *ASKED), _relaying(auth):
            async with asyncio.timeout(20):
                while (await _shown(ann, export["id"]))["status"] != "ready":
                    await asyncio.sleep(0.05)
            template, _ = await _mail(auth, "data-ready")
            archive = await ann.send("GET", f"/api/auth/me/exports/{export['id']}/archive")

    assert template == "data-ready"
    assert (archive.status, archive.content_type) == (200, "application/zip")


@asynccontextmanager
async def _relaying(auth: Auth) -> AsyncIterator[None]:
    """The relay of the services that are played here: it publishes their answers."""
    stop = asyncio.Event()

    async def relay() -> None:
        sent: set[str] = set()
        while not stop.is_set():
            for document in await auth.runtime.database[COLLECTION].find({"outbox.0": {"$exists": True}}).to_list(None):
                events: list[Event] = [decode(bytes(row["body"])) for row in document["outbox"]]
                again = [event for event in events for _ in range(2) if event.id not in sent]
                await auth.runtime.bus.publish([Outgoing(EXCHANGE, e.type, encode(e), e.id) for e in again])
                sent |= {event.id for event in events}
            await asyncio.sleep(0.05)

    task = asyncio.create_task(relay())
    try:
        yield
    finally:
        stop.set()
        await task


async def _shown(browser: Browser, export_id: str) -> Any:
    return await (await browser.send("GET", f"/api/auth/me/exports/{export_id}")).json()


async def _until(browser: Browser, token: str, enough: Any) -> Any:
    async with asyncio.timeout(20):
        while True:
            answer = await browser.send("POST", "/api/auth/erasures/receipt", json={"token": token})
            shown = await answer.json()
            if answer.status == 200 and enough(shown):
                return shown
            await asyncio.sleep(0.05)


async def _mail(auth: Auth, template: str) -> Any:
    async with asyncio.timeout(20):
        while True:
            got = await auth.mailbox.next()
            if got[0] == template:
                return got
