"""The running stack for journey and fault tests: `make test` starts it with `make up`."""

from functools import cache
from pathlib import Path

import pytest

from deploy.outside.shop import Shop
from deploy.outside.stack import Stack

ROOT = Path(__file__).resolve().parents[1]


@cache
def running_shop() -> Shop:
    """The shop of this checkout's stack, one for all tests: staff log in once. The test fails where none is up."""
    try:
        return Shop(Stack.find(ROOT))
    except FileNotFoundError:
        pytest.fail("no stack is up: run `make test`, or `make up` first")
