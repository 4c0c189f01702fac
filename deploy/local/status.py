"""`status`, `restart`, `renew-certificate`: what runs, and a nudge for what shall start or read its files anew."""

import signal
import sys
from datetime import UTC, datetime

from deploy.local.board import READY, Row, read_rows, read_supervisor
from deploy.local.certificates import renew_leaf
from deploy.local.gateway import NAME as GATEWAY
from deploy.local.layout import Layout
from deploy.local.processes import send
from deploy.local.supervise import is_running
from deploy.local.table import render


def status(layout: Layout) -> int:
    """Print the parts; 0 when all of them run and are ready."""
    rows = list(read_rows(layout.run_file).values())
    supervisor = read_supervisor(layout.run_file)
    if not is_running(layout) or supervisor is None:
        strays = [row.name for row in rows if row.is_running]
        print("not running" + (f", but {', '.join(strays)} are left: make down or make up" if strays else ""))
        return 1
    lines = [("supervisor", "ready", str(supervisor.pid), "", "", ""), *map(_line, rows)]
    print(render(("part", "state", "pid", "up for", "restarts", "note"), lines))
    return 0 if all(row.state == READY and row.is_running for row in rows) else 1


def restart(layout: Layout, names: list[str]) -> int:
    """End the named parts; the supervisor starts them again."""
    rows = read_rows(layout.run_file)
    unknown = [name for name in names if name not in rows]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(rows) or 'none'}", file=sys.stderr)
        return 2
    for name in names:
        if process := rows[name].process:
            send(process, signal.SIGTERM)
    return 0


def renew_certificate(layout: Layout) -> int:
    """Make the gateway's next certificate and have it taken: connections that are open keep the former."""
    row = read_rows(layout.run_file).get(GATEWAY)
    renew_leaf(layout.tls, now=datetime.now(UTC))
    if row is None or row.process is None or not row.process.is_alive:
        print("a new certificate is there; the gateway takes it when it starts")
        return 0
    send(row.process, signal.SIGHUP)  # nginx reads its configuration anew, and starts workers beside the old ones
    print("the gateway was told of its new certificate")
    return 0


def _line(row: Row) -> tuple[str, ...]:
    state = row.state if row.is_running or row.process is None else "dead"
    pid = str(row.process.pid) if row.process else "-"
    return (row.name, state, pid, _age(row.since), str(row.restarts), row.note)


def _age(since: str) -> str:
    if not since:
        return "-"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
