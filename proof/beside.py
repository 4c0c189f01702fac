"""A second process of a service beside the stack's own, and the gateway with other lines, while a block runs."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / ".local"
PATIENCE_S = 30


@contextmanager
def process_beside(
    service: str, *words: str, program: Sequence[str] = (), environ: Mapping[str, str] = {}
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A command of the service on the stack's database, broker and keys, with a port of its own; it and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    whole = settings_of(service) | {
        "PADLOCK_HTTP_PORT": str(port), "PATH": os.environ["PATH"], "HOME": str(BASE), "TZ": "UTC", "LANG": "C.UTF-8",
    } | dict(environ)  # fmt: skip
    log = BASE / "audit" / f"beside-{service}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as file:
        command = [sys.executable, "-m", *(program or (f"services.{service}",)), *words]
        process = subprocess.Popen(command, cwd=ROOT, env=whole, stdout=file, stderr=file)
    try:
        until(lambda: listens(port), f"{service} does not start: see {log}")
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def settings_of(service: str) -> dict[str, str]:
    """The settings that the stack has written down for it."""
    text = (BASE / "env" / f"{service}.env").read_text("utf-8")
    return dict(word.split("=", 1) for word in shlex.split(text, comments=True))


@contextmanager
def gateway_with(data: Mapping[str, Any], changes: Mapping[str, str]) -> Iterator[None]:
    """The gateway reads a changed configuration, and its own again afterwards. `data` is stack.json.

    Both times the gateway closes the connections that are idle, so requests that may not fail must open new ones.

    Raises:
        ValueError: the configuration has not the text that is to be changed.
    """
    [master] = data["parts"]["gateway"]["pids"]
    file = BASE / "nginx" / "nginx.conf"
    own = file.read_text("utf-8")
    changed = own
    for old, new in changes.items():
        if old not in changed:
            raise ValueError(f"the gateway's configuration has no {old!r}")
        changed = changed.replace(old, new)
    try:
        _reload(master, file, changed)
        yield
    finally:
        _reload(master, file, own)


def _reload(master: int, file: Path, text: str) -> None:
    before = _workers(master)
    file.write_text(text, "utf-8")
    os.kill(master, signal.SIGHUP)

    def taken() -> bool:
        now = _workers(master)
        return bool(now - before) and not any(_takes_connections(worker) for worker in now & before)

    until(taken, "the gateway does not take the configuration: see its error.log")


def _workers(master: int) -> set[str]:
    return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())


def _takes_connections(worker: str) -> bool:
    """Whether it was not told to stop yet; nginx writes that into its title."""
    with suppress(FileNotFoundError):
        return b"shutting down" not in Path(f"/proc/{worker}/cmdline").read_bytes()
    return False


def listens(port: int) -> bool:
    """Whether something takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(is_so: Callable[[], bool], otherwise: str) -> None:
    """Look until it is so. Raises TimeoutError, which says `otherwise`."""
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > ends:
            raise TimeoutError(otherwise)
        time.sleep(0.1)
