"""The four services: their environment files, their keys, and how they run."""

import asyncio
import os
import shlex
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from deploy.local import dkim, mongo, rabbitmq
from deploy.local.layout import ROOT, SERVICES, Layout, write_private
from deploy.local.parts import NotReady, Part
from deploy.local.ports import HOST
from deploy.local.probes import answers
from deploy.local.stack import Stack, base_environ
from shared.keys import FileKeys
from shared.sealing import write_public_key

SCREENING = "orders-screening"
"""Commands of orders that open the kept parts of cards: no lasting process holds the key for that."""
SCREENING_RULES = ROOT / "deploy" / "local" / "rules.toml"
SHARED_WITH_SCREENING = ("fields", "index")
PURPOSES = {
    "auth": ("fields", "index", "seal", "cookie", "identity", "trail"),
    "orders": ("fields", "index", "seal"),
    SCREENING: ("card",),
    "mailer": ("fields", "index", "seal", "link", "trail"),
    "warranty": ("fields", "index", "seal"),
}
BEFORE_START = {"orders": ("indexes", "seed")}
"""Commands that run once before a service is started; the others make their indexes alone."""


def service_parts(stack: Stack) -> list[Part]:
    """One process for each service: HTTP, consumers and relay together."""
    return [_part(stack, service) for service in SERVICES]


def _part(stack: Stack, service: str) -> Part:
    environ = process_environ(stack, service)

    async def settle() -> None:
        await answers(HOST, stack.ports[service], "/readyz")

    return Part(
        name=service,
        command=(*command_of(service), "serve", "--work"),
        environ=environ,
        folder=ROOT,
        after=_needs(stack),
        first_after=tuple(name for name in _needs(stack) if name == mongo.NAME),  # the broker starts meanwhile
        first=_commands(service, environ, stack.layout),
        settle=settle,
        stop_s=20,
    )


def _needs(stack: Stack) -> tuple[str, ...]:
    own = (("MONGO_URL", mongo.NAME), ("AMQP_URL", rabbitmq.NAME))
    return tuple(part for address, part in own if address not in stack.outside)


def command_of(service: str) -> tuple[str, ...]:
    """How any command of a service begins."""
    return (sys.executable, "-m", f"services.{service}")


def settings_of(stack: Stack, service: str) -> dict[str, str]:
    """The service's settings as `PADLOCK_*` variables."""
    settings = {
        "PUBLIC_URL": stack.public_url,
        "HTTP_PORT": str(stack.ports[service]),
        "MONGO_URL": stack.mongo_url(service),
        "MONGO_DATABASE": service,
        "AMQP_URL": stack.amqp_url(service),
        "KEY_DIR": str(stack.layout.keys / service),
        "SEAL_KEYS_DIR": str(stack.layout.keys / "public"),
        "JWKS_URL": f"{stack.service_url('auth')}/.well-known/jwks.json",
    }
    if service == "auth":
        # All clients of a stack on one machine come from one network: the limit of a real one would stop its tests.
        settings["TRIES_PER_NETWORK"] = "5000"
    if service == "orders":
        settings["SCREENING_RULES"] = str(SCREENING_RULES)  # for the same reason
        settings["STRIPE_WEBHOOK_SECRET"] = stack.passwords.webhook  # the sandbox sends none: tests do
        settings["SELLS_IN_EU"] = "true"  # shows all that there is: notices, withdrawal, VAT in the prices
    if service == "mailer":
        settings["SMTP_URL"] = stack.smtp_url
        settings["BOUNCE_DOMAIN"] = "bounces.example.com"  # below the example's sender; `mailer lmtp` takes its mail
        settings |= dkim.settings_of(stack.layout)
    return {f"PADLOCK_{name}": value for name, value in settings.items()}


def allocator_of(service: str) -> dict[str, str]:
    """Variables for glibc's malloc (mallopt(3)).

    In auth all threads that hash share one arena, and so use the memory of each other's hashes again: it keeps three
    of 19 MiB where two threads hash, with a second arena four. A fixed M_MMAP_THRESHOLD would give all of it back, for
    a quarter more time a hash: each would have its memory zeroed anew by the kernel.
    """
    return {"MALLOC_ARENA_MAX": "1" if service == "auth" else "2"}


def process_environ(stack: Stack, service: str) -> dict[str, str]:
    """The whole environment of the process."""
    quiet = {"PYTHONUNBUFFERED": "1"}
    return base_environ(stack.layout.base) | quiet | allocator_of(service) | settings_of(stack, service)


def write_env_files(stack: Stack) -> None:
    """`.local/env/<service>.env`, to be sourced by a shell; for its owner alone, because passwords are in it."""
    settings = {service: settings_of(stack, service) for service in SERVICES}
    settings[SCREENING] = settings["orders"] | {"PADLOCK_KEY_DIR": str(stack.layout.keys / SCREENING)}
    for name, values in settings.items():
        lines = [f"{variable}={shlex.quote(value)}" for variable, value in values.items()]
        write_private(stack.layout.env_file(name), "\n".join(lines) + "\n")


def ensure_keys(layout: Layout) -> None:
    """Make what keys are missing, and publish each reader's public sealing key."""
    for service, purposes in PURPOSES.items():
        keys = FileKeys(layout.keys / service)
        keys.ensure(purposes)
        write_public_key(keys, layout.keys / "public", service)
    dkim.ensure(layout)
    for purpose in SHARED_WITH_SCREENING:
        link = layout.keys / SCREENING / purpose
        if not link.is_symlink():
            link.symlink_to(Path("..", "orders", purpose))


def _commands(service: str, environ: Mapping[str, str], layout: Layout) -> Callable[[], Awaitable[None]]:
    async def run_all() -> None:
        for command in BEFORE_START.get(service, ("indexes",)):
            await _run(service, command, environ, layout)

    return run_all


async def _run(service: str, command: str, environ: Mapping[str, str], layout: Layout) -> None:
    with layout.log_file(service).open("ab") as log:
        os.fchmod(log.fileno(), 0o600)
        process = await asyncio.create_subprocess_exec(
            *command_of(service), command,
            env=environ, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
    if status:
        raise NotReady(f"`services.{service} {command}` ended with {status}: see {layout.log_file(service)}")
