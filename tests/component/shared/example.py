"""A service with the whole kit and nothing of its own, named warranty for the sake of its queue."""

import sys
from contextlib import asynccontextmanager
from typing import ClassVar

from shared.cli import Service, main
from shared.http.app import build_api
from shared.mongo import Index, ensure_indexes
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


SERVICE = Service(
    name="warranty",
    settings=Settings,
    open_deps=open_deps,
    build_app=build_app,
    build_work=lambda _runtime: Work(handlers={}, outboxes=["things"]),
    ensure_indexes=things,
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
