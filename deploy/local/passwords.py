"""Passwords of the stack's own database and broker users, the cluster's secrets: made once, kept under `.local/`."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.local.layout import SERVICES, write_private

ADMIN = "admin"


@dataclass(frozen=True, slots=True, repr=False)
class Passwords:
    """By user name: `admin` and the services. Letters and digits only, so that they fit into any address."""

    mongo: dict[str, str]
    amqp: dict[str, str]
    mongo_keyfile: str
    erlang_cookie: str
    webhook: str
    """What a webhook of the payment provider is signed with."""


def ensure_passwords(file: Path) -> Passwords:
    """Read them; make them on the first call."""
    kept = json.loads(file.read_text()) if file.exists() else {}
    passwords = Passwords(**(_made() | kept))  # what a stack from before does not have is made now
    if asdict(passwords) != kept:
        write_private(file, json.dumps(asdict(passwords), indent=1) + "\n")
    return passwords


def _made() -> dict[str, Any]:
    users = (ADMIN, *SERVICES)
    return {
        "mongo": {user: secrets.token_hex(24) for user in users},
        "amqp": {user: secrets.token_hex(24) for user in users},
        "mongo_keyfile": secrets.token_hex(128),
        "erlang_cookie": secrets.token_hex(16).upper(),
        "webhook": f"whsec_{secrets.token_hex(24)}",
    }
