"""Passwords of the stack's own database and broker users, the cluster's secrets: made once, kept under `.local/`."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.layout import SERVICES, write_private

ADMIN = "admin"


@dataclass(frozen=True, slots=True, repr=False)
class Passwords:
    """By user name: `admin` and the services. Letters and digits only, so that they fit into any address."""

    mongo: dict[str, str]
    amqp: dict[str, str]
    mongo_keyfile: str
    erlang_cookie: str


def ensure_passwords(file: Path) -> Passwords:
    """Read them; make them on the first call."""
    if file.exists():
        return Passwords(**json.loads(file.read_text()))
    users = (ADMIN, *SERVICES)
    made = Passwords(
        mongo={user: secrets.token_hex(24) for user in users},
        amqp={user: secrets.token_hex(24) for user in users},
        mongo_keyfile=secrets.token_hex(128),
        erlang_cookie=secrets.token_hex(16).upper(),
    )
    write_private(file, json.dumps(asdict(made), indent=1) + "\n")
    return made
