"""`.local/stack.json`: where everything is, for people and programs outside (section 5.1 of the design)."""

import json
from collections.abc import Mapping
from typing import Any

from deploy.local.board import READY, Row
from deploy.local.certificates import CA
from deploy.local.layout import ROOT, SERVICES, write_private
from deploy.local.processes import Process
from deploy.local.stack import Stack


def write_stack_file(stack: Stack, rows: Mapping[str, Row], *, supervisor: Process) -> None:
    """Write it anew; readers never see a part of it. For its owner alone: passwords are in it."""
    write_private(stack.layout.stack_file, json.dumps(contents(stack, rows, supervisor=supervisor), indent=1) + "\n")


def contents(stack: Stack, rows: Mapping[str, Row], *, supervisor: Process) -> dict[str, Any]:
    """The address book. Paths are relative to the checkout."""
    host, port = stack.smtp_address
    layout = stack.layout
    return {
        "gateway": stack.public_url,
        "http": stack.http_url,
        "ca": _relative(stack, layout.tls / CA),
        "mongo": stack.mongo_url(),
        "amqp": stack.amqp_url(),
        "smtp": {"host": host, "port": port},
        "mail_dir": _relative(stack, layout.mail),
        "mailbox": "" if "SMTP_URL" in stack.outside else stack.mailbox_url,
        "services": {
            service: {"url": stack.service_url(service), **_running(rows.get(service))} for service in SERVICES
        },
        "parts": {name: _running(row) for name, row in rows.items() if name not in SERVICES},
        "staff": read_staff(stack),
        "logs": _relative(stack, layout.logs),
        "supervisor": supervisor.pid,
    }


def read_staff(stack: Stack) -> dict[str, Any]:
    """Staff logins by role; empty before they exist."""
    try:
        staff: dict[str, Any] = json.loads(stack.staff_file.read_text())
    except FileNotFoundError:
        return {}
    return staff


def _running(row: Row | None) -> dict[str, Any]:
    pids = [row.process.pid] if row and row.process else []
    return {"pids": pids, "ready": bool(row and row.state == READY)}


def _relative(stack: Stack, path: Any) -> str:
    try:
        return str(path.relative_to(ROOT))
    except ValueError:
        return str(path)
