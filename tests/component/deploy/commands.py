"""A service's own command as a process, with settings, keys and a database that nobody else has."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.layout import ROOT, Layout
from deploy.local.services import ensure_keys
from shared.mongo import Database, beside

ENDS_WITHIN_S = 60


@dataclass(frozen=True)
class Ended:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


def environ_of(service: str, folder: Path, *, database: Database, mongo_url: str, broker_url: str) -> dict[str, str]:
    """The least that a process needs, with keys of its own under `folder`."""
    layout = Layout(folder)
    ensure_keys(layout)
    given = {
        "PUBLIC_URL": "https://shop.example",
        "HTTP_PORT": "0",
        "MONGO_URL": mongo_url,
        "MONGO_DATABASE": database.name,
        "AMQP_URL": broker_url,
        "KEY_DIR": str(layout.keys / service),
        "SEAL_KEYS_DIR": str(layout.keys / "public"),
        "JWKS_URL": "http://127.0.0.1:1/jwks.json",
    }
    if service == "mailer":
        given["SMTP_URL"] = "smtp://127.0.0.1:1"
    return {f"PADLOCK_{name}": value for name, value in given.items()}


@asynccontextmanager
async def started(service: str, environ: Mapping[str, str], *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command while the block runs; killed where it still runs then."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", *words, cwd=ROOT, env={"PATH": os.environ["PATH"], **environ},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended(service: str, environ: Mapping[str, str], *words: str) -> Ended:
    """The command until it ends by itself."""
    async with started(service, environ, *words) as process:
        out, err = await asyncio.wait_for(process.communicate(), ENDS_WITHIN_S)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def written(database: Database) -> dict[str, int]:
    """How many documents each collection of a service holds, those of its data keys too."""
    counts = {}
    for each in (database, beside(database, f"{database.name}_keys")):
        for name in await each.list_collection_names():
            counts[f"{each.name}.{name}"] = await each[name].count_documents({})
    return counts
