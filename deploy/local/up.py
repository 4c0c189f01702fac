"""`up`: whatever does not run is started, and the addresses are shown at the end."""

import subprocess
import time
from collections.abc import Iterable, Mapping

from deploy.local import daemon
from deploy.local.board import READY, Row, read_rows
from deploy.local.layout import Layout
from deploy.local.plan import open_stack, parts_of, prepare_stack, supervise_environ
from deploy.local.rabbitmq import declare_outside
from deploy.local.stack import Stack, outside_addresses
from deploy.local.staff import ensure_staff
from deploy.local.supervise import is_running
from deploy.local.table import address_table, tail

READY_WITHIN_S = 120.0
GIVE_UP_RESTARTS = 10


def up(layout: Layout, environ: Mapping[str, str]) -> int:
    """Start the stack or repair it; 0 when everything is ready."""
    begun = time.monotonic()
    process = None
    if is_running(layout):
        stack = open_stack(layout, environ)
        print("the stack is running", flush=True)
    else:
        stack, process = _start(layout, environ)
    names = [part.name for part in parts_of(stack)]
    if not _follow(layout, names, process, begun):
        return 1
    ensure_staff(stack, say=_say)
    print(f"\nready after {time.monotonic() - begun:.1f} s\n\n{address_table(stack)}", flush=True)
    return 0


def _start(layout: Layout, environ: Mapping[str, str]) -> "tuple[Stack, subprocess.Popen[bytes]]":
    print("starting", flush=True)
    strays = daemon.clear_strays(layout)
    if strays:
        _say(f"ended {strays} processes that a killed supervisor had left")
    stack = prepare_stack(layout, environ)
    for name in outside_addresses(environ):
        _say(f"{name} is given: no own part for it")
    if "AMQP_URL" in stack.outside:
        declare_outside(stack.amqp_url())
        _say("topology is declared")
    return stack, daemon.start(layout, "supervise", supervise_environ(environ))


def _follow(layout: Layout, names: Iterable[str], process: "subprocess.Popen[bytes] | None", begun: float) -> bool:
    """Tell what becomes ready, until all is; False where that takes too long."""
    waiting = list(names)
    deadline = time.monotonic() + READY_WITHIN_S
    while waiting:
        rows = read_rows(layout.run_file)
        for name in [name for name in waiting if _is_ready(rows.get(name))]:
            waiting.remove(name)
            _say(f"{name:<10} ready  {time.monotonic() - begun:5.1f} s")
        if waiting and (_is_hopeless(waiting, rows, process) or time.monotonic() > deadline):
            _explain(layout, waiting, rows)
            return False
        time.sleep(0.05)
    return True


def _is_ready(row: Row | None) -> bool:
    return bool(row and row.state == READY and row.is_running)


def _is_hopeless(waiting: list[str], rows: Mapping[str, Row], process: "subprocess.Popen[bytes] | None") -> bool:
    if process is not None and process.poll() is not None:
        return True
    known = [rows[name] for name in waiting if name in rows]
    return any(row.restarts >= GIVE_UP_RESTARTS and not row.is_running for row in known)


def _explain(layout: Layout, waiting: list[str], rows: Mapping[str, Row]) -> None:
    if not is_running(layout):
        print(f"\nThe supervisor has ended:\n{tail(layout.log_file(daemon.SUPERVISOR))}")
        return
    for name in waiting:
        row = rows.get(name) or Row(name)
        print(f"\n{name} is not ready ({row.note or row.state}); the end of its log:\n{tail(layout.log_file(name))}")
    print("\nThe supervisor goes on trying. `make status` tells how it is, `make down` stops it.")


def _say(text: str) -> None:
    print(f"  {text}", flush=True)
