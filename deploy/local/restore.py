"""`backup` and `restore`: the commands. A restore wants a stack that is down, and leaves it down."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.local import backup
from deploy.local.layout import Layout
from deploy.local.mongo import mongod_part
from deploy.local.parts import NotReady, Part
from deploy.local.plan import open_stack, prepare_stack
from deploy.local.stack import Stack
from deploy.local.supervise import is_running

PATIENCE_S = 60


def back_up(layout: Layout, folder: Path, *, only: str) -> int:
    """Back up a running stack."""
    if not is_running(layout):
        print("the stack is not running: `make up` comes first", file=sys.stderr)
        return 1
    stack, begun = open_stack(layout, os.environ), time.monotonic()
    try:
        with _client(stack) as client:
            count = backup.back_up(client, folder, parts=(only,) if only else backup.PARTS)
    except backup.NoBackup as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{count} documents in {folder} ({time.monotonic() - begun:.1f} s); keep data, keys and key files apart")
    return 0


def restore(layout: Layout, data: Path, keys: Path) -> int:
    """Fill the databases of a stack that is down and empty; keys are merged into what is there."""
    if is_running(layout):
        print("the stack is running: `make down` comes first", file=sys.stderr)
        return 1
    try:
        at, held = backup.check(data, "data")
        _, held_keys = backup.check(keys, "keys")
        stack = prepare_stack(layout, os.environ)
        count = asyncio.run(_fill(stack, [(keys, held_keys), (data, held)]))
    except backup.NoBackup as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{count} documents are back, as of {at.isoformat(timespec='seconds')}; `make up` comes next,")
    print("then `orders announce --since` an hour before; newsletters stay locked until `mailer recover`")
    return 0


async def _fill(stack: Stack, parts: list[tuple[Path, list[backup.Held]]]) -> int:
    if "MONGO_URL" in stack.outside:
        return await asyncio.to_thread(_load, stack, parts)
    async with _alone(mongod_part(stack), stack.layout):
        return await asyncio.to_thread(_load, stack, parts)


def _load(stack: Stack, parts: list[tuple[Path, list[backup.Held]]]) -> int:
    with _client(stack) as client:
        if not backup.is_empty(client):
            raise backup.NoBackup("the databases are not empty: move them out of the way first")
        return sum(backup.load(client, folder, held) for folder, held in parts)


@asynccontextmanager
async def _alone(part: Part, layout: Layout) -> AsyncIterator[None]:
    """One part of the stack, without a supervisor."""
    await part.prepare()
    with layout.log_file(part.name).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *part.command,
            cwd=part.folder,
            env=dict(part.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    await part.settle()
                    break
                except NotReady:
                    await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        await process.wait()


def _client(stack: Stack) -> "MongoClient[Any]":
    return MongoClient(stack.mongo_url(), w="majority", journal=True, serverSelectionTimeoutMS=5000)
