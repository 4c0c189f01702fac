"""The parts of a stack, in one list; and everything on disk that they need before they start."""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from deploy.local import rabbitmq
from deploy.local.certificates import ensure_certificates
from deploy.local.gateway import gateway_part
from deploy.local.layout import ROOT, Layout, private_directory
from deploy.local.mongo import mongod_part
from deploy.local.parts import Part
from deploy.local.passwords import ensure_passwords
from deploy.local.ports import HOST, choose_ports, read_ports
from deploy.local.probes import answers
from deploy.local.programs import find_programs
from deploy.local.services import ensure_keys, service_parts, write_env_files
from deploy.local.stack import Stack, base_environ, outside_addresses

MAILBOX = "mailbox"


def prepare_stack(layout: Layout, environ: Mapping[str, str]) -> Stack:
    """Make or renew keys, passwords, certificates, ports and environment files. Nothing may be running."""
    private_directory(layout.base)
    choose_ports(layout.base / "ports.json")
    stack = open_stack(layout, environ)
    ensure_certificates(layout.tls, now=datetime.now(UTC))
    ensure_keys(layout)
    write_env_files(stack)
    return stack


def open_stack(layout: Layout, environ: Mapping[str, str]) -> Stack:
    """The stack as it was prepared.

    Raises:
        MissingProgram: something to run is not on this machine.
    """
    outside = outside_addresses(environ)
    return Stack(
        layout=layout,
        ports=read_ports(layout.base / "ports.json"),
        passwords=ensure_passwords(layout.base / "passwords.json"),
        programs=find_programs(mongod="MONGO_URL" not in outside, rabbitmq="AMQP_URL" not in outside),
        outside=outside,
    )


def parts_of(stack: Stack) -> list[Part]:
    """Everything that runs, in the order in which it is shown."""
    parts: list[Part] = []
    if "MONGO_URL" not in stack.outside:
        parts.append(mongod_part(stack))
    if "AMQP_URL" not in stack.outside:
        node = rabbitmq.node_of(stack)
        parts += [rabbitmq.mapper_part(node), rabbitmq.rabbitmq_part(node)]
    if "SMTP_URL" not in stack.outside:
        parts.append(mailbox_part(stack))
    return [*parts, *service_parts(stack), gateway_part(stack)]


def mailbox_part(stack: Stack) -> Part:
    """The mailbox."""
    ports = ("--smtp", str(stack.ports["smtp"]), "--http", str(stack.ports["mailbox"]))

    async def settle() -> None:
        await answers(HOST, stack.ports["mailbox"], "/")

    return Part(
        name=MAILBOX,
        command=(sys.executable, "-m", "deploy.local.mailbox", *ports, "--folder", str(stack.layout.mail)),
        environ=base_environ(stack.layout.base) | {"PYTHONUNBUFFERED": "1"},
        folder=ROOT,
        settle=settle,
        stop_s=5,
    )


def supervise_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """What the supervisor may see of the caller's environment."""
    return outside_addresses(environ) | {"PATH": environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
