"""The running stack for journey and fault tests: `make test` starts it with `make up`.

`PROOF_STACK` names the stack.json of another one: the saboteurs' has a gateway of its own.
"""

import os
from functools import cache
from pathlib import Path

import pytest

from deploy.outside.shop import Shop
from deploy.outside.stack import Stack

ROOT = Path(__file__).resolve().parents[1]


def running_stack() -> Stack:
    """The stack of this checkout. The test fails where none is up."""
    try:
        if other := os.environ.get("PROOF_STACK"):
            return Stack(Path(other))
        return Stack.find(ROOT)
    except FileNotFoundError:
        pytest.fail("no stack is up: run `make test`, or `make up` first")


@cache
def running_shop() -> Shop:
    """Its shop, one for all tests: staff log in once."""
    return Shop(running_stack())
