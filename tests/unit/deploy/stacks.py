"""Builders: a stack on paper, with nothing running."""

from pathlib import Path

from deploy.local.layout import SERVICES, Layout
from deploy.local.passwords import ensure_passwords
from deploy.local.ports import NAMES
from deploy.local.programs import Programs
from deploy.local.stack import Stack


def a_stack(base: Path, *, ports: dict[str, int] | None = None, outside: dict[str, str] | None = None) -> Stack:
    numbered = {name: 20000 + number for number, name in enumerate(NAMES)}
    return Stack(
        layout=Layout(base),
        ports=numbered | (ports or {}),
        passwords=ensure_passwords(base / "passwords.json"),
        programs=Programs("/bin/mongod", "/bin/rabbitmq-server", "/bin/epmd", "/usr/sbin/nginx"),
        outside=outside or {},
    )


__all__ = ["SERVICES", "a_stack"]
