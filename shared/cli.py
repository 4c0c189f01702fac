"""`python -m services.<name> <command>`: the commands that every service has, and its own."""

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import structlog

from shared import lifecycle
from shared.errors import DomainError, TransientError
from shared.logs import configure_logs
from shared.service import USAGE_ERROR, Arguments, Command, Service
from shared.settings import BaseSettings, SettingsError

Main = Callable[[lifecycle.Stop], Awaitable[int]]

log = structlog.get_logger()


def main(
    service: Service[Any, Any], argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> int:
    """Run one command and return the exit status: 0 done, 1 failed, 2 wrong arguments or settings."""
    arguments = build_parser(service).parse_args(argv)
    if arguments.command == "version":
        print(service.version)
        return 0
    if arguments.command == "config":
        return _print_config(service.settings)
    if arguments.command == "openapi" and service.routes is not None:
        return _print_contract(service)
    try:
        settings = service.settings.from_env(os.environ if environ is None else environ)
    except SettingsError as error:
        print(*error.mistakes, sep="\n", file=sys.stderr)
        return USAGE_ERROR
    lasting = arguments.command in ("serve", "work")
    configure_logs(settings.log_level, service=service.name, stream=None if lasting else sys.stderr)
    return lifecycle.run(_guarded(_main_of(service, settings, arguments), lasting=lasting))


def build_parser(service: Service[Any, Any]) -> argparse.ArgumentParser:
    """All commands of a service."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    serve = commands.add_parser("serve", help="answer HTTP until a signal")
    serve.add_argument("--work", action="store_true", help="consumers and relay in the same process")
    commands.add_parser("work", help="consumers, relay and periodic work until a signal")
    commands.add_parser("config", help="list all settings")
    commands.add_parser("version", help="print the version of this service")
    commands.add_parser("indexes", help="make the database's indexes")
    migrate = commands.add_parser("migrate", help="bring documents of an older form to the present one")
    migrate.add_argument("--batch", type=_positive, default=500, help="documents in one write")
    migrate.add_argument("--dry-run", action="store_true", help="only count them")
    commands.add_parser("openapi", help="print the API's contract")
    _add_dead(commands.add_parser("dead", help="dead letters"))
    _add_keys(commands.add_parser("keys", help="keys of this service"))
    for command in service.commands:
        command.add_arguments(commands.add_parser(command.name, help=command.help))
    return parser


def _add_dead(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    listing = actions.add_parser("list", help="the oldest ones")
    listing.add_argument("--limit", type=int, default=100)
    show = actions.add_parser("show", help="one, with its body; sealed fields stay sealed")
    show.add_argument("id", help="the event's id")
    replay = actions.add_parser("replay", help="send back to where it failed")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", nargs="*", default=[], metavar="id", help="events' ids")
    which.add_argument("--all", action="store_true", help="every one")


def _add_keys(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("list", help="purposes and versions; never a key itself")
    rotate = actions.add_parser("rotate", help="make the next version of a key")
    rotate.add_argument("purpose")
    rewrap = actions.add_parser("rewrap", help="wrap all data keys by the current version of `fields`")
    rewrap.add_argument("--batch", type=_positive, default=500, help="data keys in one write")
    retire = actions.add_parser("retire", help="delete old versions of a key for good")
    retire.add_argument("purpose")
    retire.add_argument("--below", type=_positive, required=True, metavar="VERSION", help="the lowest to keep")
    retire.add_argument("--anyway", action="store_true", help="even where it cannot be known what still needs them")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _main_of(service: Service[Any, Any], settings: BaseSettings, arguments: Arguments) -> Main:
    from shared import commands, keycommands

    if arguments.command in ("serve", "work"):
        http = arguments.command == "serve"
        return _lasting(service, settings, http=http, work=not http or arguments.work)
    of_all: dict[str, Callable[[], Awaitable[int]]] = {
        "dead": lambda: commands.dead(settings, arguments),
        "keys": lambda: keycommands.keys(settings, arguments, in_use=service.keys_in_use),
        "indexes": lambda: commands.indexes(service, settings),
        "migrate": lambda: commands.migrate(service, settings, arguments),
        "openapi": lambda: _print_contract_of_app(service, settings),
    }
    own = {command.name: partial(_run_command, service, settings, command, arguments) for command in service.commands}
    command = (own | of_all)[arguments.command]
    return lambda _stop: command()


def _guarded(run: Main, *, lasting: bool) -> Main:
    """What nobody could handle ends a command with one line, a lasting process with a log line; both with status 1."""

    async def guarded(stop: lifecycle.Stop) -> int:
        from shared.deployed import NotDeployed
        from shared.keys import UnknownKey, UnusableKey

        try:
            return await run(stop)
        except NotDeployed as error:
            log.warning("not started", error=str(error))
            print(error, file=sys.stderr)
            return 1
        except Exception as error:
            if not lasting and isinstance(error, DomainError | TransientError | UnknownKey | UnusableKey | OSError):
                print(_told(error), file=sys.stderr)
            else:
                log.exception("process failed")
            return 1

    return guarded


def _told(error: Exception) -> str:
    """A refusal in words: what it says itself, and a line for each field, which name it and never repeat its value."""
    fields = error.fields if isinstance(error, DomainError) else ()
    return "\n".join([str(error) or type(error).__name__, *(f"{each.pointer}: {each.detail}" for each in fields)])


def _lasting(service: Service[Any, Any], settings: BaseSettings, *, http: bool, work: bool) -> Main:
    async def run(stop: lifecycle.Stop) -> int:
        from shared import metrics
        from shared.deployed import check_deployment, check_keys
        from shared.health import HEALTH, build_health_app
        from shared.keys import FileKeys
        from shared.measures import measures_of, measuring
        from shared.otlp import tracing
        from shared.runtime import open_runtime
        from shared.status import Status
        from shared.work import running

        check_keys(FileKeys(settings.key_dir, strict=settings.key_dir_is_private), service.keys)
        async with open_runtime(settings) as runtime, service.open_deps(runtime) as deps:
            there_is = service.build_work(deps)
            to_do = there_is if work else None
            await check_deployment(runtime, service, to_do)
            metrics.VERSION.labels(service=service.name, version=service.version).set(1)
            app, measures = service.build_app(deps), measures_of(runtime, there_is)
            if not http:
                app = build_health_app(app[HEALTH])
            status = Status(service.version, measures, runtime.clock)
            app.router.add_routes(status.routes())
            beside = running(runtime, to_do, beside_http=http) if to_do else nullcontext()
            async with measuring(measures), tracing(settings):
                await lifecycle.serve_until_stopped(app, settings, stop=stop, beside=beside)
        log.info("stopped")
        return 0

    return run


async def _run_command(
    service: Service[Any, Any], settings: BaseSettings, command: Command, arguments: Arguments
) -> int:
    from shared.runtime import open_runtime

    async with open_runtime(settings) as runtime, service.open_deps(runtime) as deps:
        return await command.run(deps, arguments)


def _print_config(settings: type[BaseSettings]) -> int:
    for row in settings.describe():
        need = "required" if row.required else f"default: {row.default}" if row.default else "default: empty"
        print(f"{row.name} ({row.type}, {need})\n    {row.meaning}")
    print("Each may also be given as <NAME>_FILE, the path of a file that holds the value.")
    return 0


def _print_contract(service: Service[Any, Any]) -> int:
    from shared.http.openapi import openapi_document

    routes = service.routes
    _print_json(openapi_document(service.name, routes(None) if callable(routes) else routes or ()))
    return 0


async def _print_contract_of_app(service: Service[Any, Any], settings: BaseSettings) -> int:
    from shared.http.docs import CONTRACT
    from shared.runtime import open_runtime

    async with open_runtime(settings) as runtime, service.open_deps(runtime) as deps:
        _print_json(service.build_app(deps)[CONTRACT].document)
    return 0


def _print_json(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document, indent=2, ensure_ascii=False))
