"""A database of its own for each test that asks for one: that of a testbed, where there is one, else the stack's."""

import json
import os
import secrets
from collections.abc import AsyncIterator

import pytest

from shared.mongo import Database, open_database
from tests.stack import ROOT


@pytest.fixture
def mongo_url() -> str:
    named = os.environ.get("PADLOCK_TEST_MONGO")
    if named:
        return named
    try:
        return str(json.loads((ROOT / ".local" / "stack.json").read_text())["mongo"])
    except FileNotFoundError:
        pytest.fail("no database: run `make test`, or `make up` first")


@pytest.fixture
async def database(mongo_url: str) -> AsyncIterator[Database]:
    async with open_database(mongo_url, f"test-{secrets.token_hex(6)}") as opened:
        yield opened
        for name in (opened.name, f"{opened.name}_keys"):
            await opened.client.drop_database(name)
