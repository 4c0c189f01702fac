"""A service with the whole kit and nothing of its own, named warranty for the sake of its queue."""

import os
import sys
from contextlib import asynccontextmanager
from typing import ClassVar

from shared.cli import main
from shared.http.app import build_api
from shared.migrations import Migration
from shared.mongo import Index, ensure_indexes
from shared.service import Service
from shared.settings import BaseSettings
from shared.work import Work


class Settings(BaseSettings):
    service: ClassVar[str] = "warranty"


@asynccontextmanager
async def open_deps(runtime):
    yield runtime


def build_app(runtime):
    return build_api(runtime.settings, routes=[], identities=runtime.identities, ready=runtime.ready)


async def things(database):
    await ensure_indexes(database["things"], [Index("by_name", [("name", 1)])])


def build_work(_runtime):
    queue = os.environ.get("EXAMPLE_QUEUE")
    return Work(handlers={queue: {}} if queue else {}, outboxes=["things"])


SERVICE = Service(
    name="warranty",
    settings=Settings,
    open_deps=open_deps,
    build_app=build_app,
    build_work=build_work,
    ensure_indexes=things,
    version="1.2.3",
    migrations=(
        Migration("colour-to-color", "things", {"colour": {"$exists": True}}, {"$rename": {"colour": "color"}}),
    ),
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
