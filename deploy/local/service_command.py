"""`run SERVICE COMMAND...`: a service's own command, with the environment that the stack has written down for it."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from deploy.local.layout import ROOT, Layout


def run(layout: Layout, service: str, words: Sequence[str]) -> int:
    """Become `python -m services.<service> <words>`; returns only where that cannot be."""
    file = layout.env_file(service)
    if not file.exists():
        known = ", ".join(sorted(each.stem for each in file.parent.glob("*.env"))) or "none: `make up` comes first"
        print(f"no such service: {service}; there are {known}", file=sys.stderr)
        return 2
    pairs = (word.partition("=") for line in file.read_text().splitlines() for word in shlex.split(line))
    # What the caller has set wins: a second process of a service needs another port.
    environ = {name: value for name, _, value in pairs} | dict(os.environ)
    module = service.partition("-")[0]  # orders-screening is orders with another key
    command = [sys.executable, "-m", f"services.{module}", *words]
    return _become(command, environ)


def _become(command: list[str], environ: Mapping[str, str]) -> NoReturn:
    os.chdir(ROOT)
    os.execve(command[0], command, environ)  # noqa: S606 - no shell is wanted
