"""A supervisor in the background: start it, end it, and clear what a killed one left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from deploy.local.board import read_rows, read_supervisor
from deploy.local.layout import ROOT, Layout, private_directory
from deploy.local.processes import Process, end_strays, send
from deploy.local.supervise import is_running

SUPERVISOR = "supervisor"
STOP_S = 60.0


def start(layout: Layout, command: str, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start `python -m deploy.local <command>`, detached from this terminal and its signals."""
    private_directory(layout.logs)
    with layout.log_file(SUPERVISOR).open("ab") as log:
        os.fchmod(log.fileno(), 0o600)
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.local", command],
            cwd=ROOT, env=dict(environ), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip


def stop(layout: Layout) -> bool:
    """End the running supervisor with its parts, by force where it does not listen. False where none was running."""
    if not is_running(layout):
        return False
    supervisor = _recorded(layout)
    for sign, patience_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, 5.0)):
        send(supervisor, sign)
        deadline = time.monotonic() + patience_s
        while supervisor.is_alive and time.monotonic() < deadline:
            time.sleep(0.05)
    return True


def _recorded(layout: Layout) -> Process:
    # The lock's holder writes its pid at once, `run.json` a moment later.
    return read_supervisor(layout.run_file) or Process.of(int(layout.lock_file.read_text() or 0))


def clear_strays(layout: Layout) -> int:
    """End what a supervisor that was killed has left running, by recorded pid and start time. How many there were."""
    leaders = [row.process for row in read_rows(layout.run_file).values() if row.process]
    count = end_strays(leaders)
    for file in (layout.run_file, layout.stack_file):
        file.unlink(missing_ok=True)
    return count
