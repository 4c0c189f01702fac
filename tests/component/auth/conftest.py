"""Auth on real MongoDB and RabbitMQ, with mailer's queue read in its place."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.auth.config import Settings
from services.auth.deps import Deps, open_deps
from services.auth.service import SERVICE
from services.auth.trail.pending import Noted
from services.auth.work import build_work
from shared.contracts.auth import MessageRequested, Recipient
from shared.events import Event
from shared.identity import IdentityVerifier, read_key_set
from shared.keys import FileKeys
from shared.mongo import Database
from shared.runtime import Runtime, open_runtime
from shared.sealing import Unsealer, write_public_key
from shared.work import Work, running
from tests.component.conftest import indexed
from tests.component.kept import Kept
from tests.unit.auth.doubles import Browser, some_settings


@dataclass
class Mailbox:
    """What mailer would have been told, opened with its key."""

    unsealer: Unsealer
    queue: "asyncio.Queue[tuple[str, Recipient]]" = field(default_factory=asyncio.Queue)

    async def receive(self, event: Event) -> None:
        message = event.read(MessageRequested)
        recipient = self.unsealer.open(Recipient, message.recipient, event=event, field="recipient")
        self.queue.put_nowait((message.template, recipient))

    async def next(self) -> tuple[str, Recipient]:
        async with asyncio.timeout(20):
            return await self.queue.get()


class NobodyTakes:
    """Leaves all notes to the sweep of another process."""

    def take(self, collection: str, document_id: object, notes: Sequence[Noted]) -> None:
        """See `NoteTaker.take`."""


@dataclass
class Auth:
    """A running auth."""

    deps: Deps
    runtime: Runtime
    client: "TestClient[object, object]"
    mailbox: Mailbox

    def browser(self) -> Browser:
        return Browser(self.client, self.deps.settings)


@pytest.fixture
async def database(kept: Kept, mongo_url: str) -> AsyncIterator[Database]:
    """Empty, with all indexes of auth."""
    async with indexed(kept, SERVICE.ensure_indexes, mongo_url) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, mongo_url: str, broker_url: str, database: Database) -> Settings:
    own = FileKeys(tmp_path / "auth")
    own.ensure(["fields", "index", "seal", "cookie", "identity", "trail"])
    write_public_key(own, tmp_path / "public", "auth")
    mailers = FileKeys(tmp_path / "mailer")
    mailers.ensure(["seal"])
    write_public_key(mailers, tmp_path / "public", "mailer")
    return some_settings(
        mongo_url=mongo_url,
        mongo_database=database.name,
        amqp_url=broker_url,
        key_dir=tmp_path / "auth",
        seal_keys_dir=tmp_path / "public",
    )


@asynccontextmanager
async def running_auth(settings: Settings) -> AsyncIterator[Auth]:
    """One process of auth, as `serve --work` runs it."""
    async with open_runtime(settings) as runtime, open_deps(runtime) as deps:
        await SERVICE.ensure_indexes(runtime.database)
        mailbox = Mailbox(Unsealer("mailer", FileKeys(settings.key_dir.parent / "mailer")))
        own = build_work(deps)
        handlers = {**own.handlers, "mailer.messages": {MessageRequested.TYPE: mailbox.receive}}
        work = Work(handlers=handlers, outboxes=own.outboxes)
        app = SERVICE.build_app(_trusting_itself(deps))
        async with running(runtime, work, beside_http=True), TestClient(TestServer(app)) as client:
            yield Auth(deps, runtime, client, mailbox)


def _trusting_itself(deps: Deps) -> Deps:
    """The key set straight from the issuer: the test server's port is not known before it runs."""
    from dataclasses import replace

    async def fetch() -> object:
        return read_key_set(deps.issuer.key_set())

    return replace(deps, identities=IdentityVerifier(fetch, "auth", deps.clock))  # type: ignore[arg-type]


@pytest.fixture
async def auth(settings: Settings) -> AsyncIterator[Auth]:
    async with running_auth(settings) as auth:
        yield auth
