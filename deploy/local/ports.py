"""Ports of the stack: remembered, on loopback, and never one that somebody else listens on."""

import json
import random
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.local.layout import SERVICES, write_private

HOST = "127.0.0.1"
PREFERRED = {"gateway": 8443, "http": 8080}
NAMES = ("gateway", "http", "mongo", "amqp", "epmd", "erlang", "smtp", "mailbox", *SERVICES)
_LOWEST, _HIGHEST = 20000, 29999  # below the range from which Linux takes ports for outgoing connections


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def choose_ports(
    file: Path, *, names: tuple[str, ...] = NAMES, preferred: Mapping[str, int] = PREFERRED
) -> dict[str, int]:
    """A free port for each name: the one of last time, else the preferred one, else any; written back to `file`."""
    remembered = read_ports(file)
    chosen: dict[str, int] = {}
    for name in names:
        wanted = [port for port in (remembered.get(name), preferred.get(name)) if port]
        candidates = _and_then_any(wanted)
        chosen[name] = next(port for port in candidates if port not in chosen.values() and is_free(port))
    write_private(file, json.dumps(chosen, indent=1) + "\n")
    return chosen


def read_ports(file: Path) -> dict[str, int]:
    """What was chosen last; nothing where the file is missing or damaged."""
    try:
        ports = json.loads(file.read_text())
        return {str(name): int(port) for name, port in ports.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _and_then_any(wanted: list[int]) -> Iterator[int]:
    yield from wanted
    yield from random.SystemRandom().sample(range(_LOWEST, _HIGHEST + 1), 2000)
