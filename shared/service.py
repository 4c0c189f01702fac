"""What a service is to whoever starts it: its parts, and the commands of its own."""

import argparse
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiohttp import web

from shared.settings import BaseSettings

if TYPE_CHECKING:
    from shared.http.routes import Route
    from shared.keycommands import KeysInUse
    from shared.migrations import Migration
    from shared.mongo import Database
    from shared.runtime import Runtime
    from shared.work import Work

SettingsT = TypeVar("SettingsT", bound=BaseSettings)
DepsT = TypeVar("DepsT")
Arguments = argparse.Namespace
USAGE_ERROR = 2


def _takes_nothing(_parser: argparse.ArgumentParser) -> None:
    """For a command without arguments."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of one service. `run` gets the service's deps and returns the exit status."""

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], object] = field(default=_takes_nothing, kw_only=True)
    run: Callable[[Any, Arguments], Awaitable[int]] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Service(Generic[SettingsT, DepsT]):
    """A service as the command line sees it.

    `routes`, or a function of deps that gives them, lets `openapi` print the contract without an environment; deps
    are then None, for no handler runs. `keys_in_use`: see `shared.keycommands`. `version` is that of the service's own
    releases (SemVer); `migrations`, in order, lead its documents from one to the next, see `shared.migrations`. `keys`
    are the purposes without which it does not start.
    """

    name: str
    settings: type[SettingsT]
    open_deps: "Callable[[Runtime], AbstractAsyncContextManager[DepsT]]"
    build_app: Callable[[DepsT], web.Application]
    build_work: "Callable[[DepsT], Work]"
    ensure_indexes: "Callable[[Database], Awaitable[None]]"
    commands: Sequence[Command] = ()
    routes: "Sequence[Route] | Callable[[DepsT], Sequence[Route]] | None" = None
    keys_in_use: "KeysInUse" = field(default_factory=dict)
    version: str = "0.0.0"
    migrations: "Sequence[Migration]" = ()
    keys: Sequence[str] = ("fields", "index", "seal")
