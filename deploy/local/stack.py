"""Everything that the parts must know of each other: paths, ports, passwords, addresses."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.layout import SERVICES, Layout
from deploy.local.passwords import ADMIN, Passwords
from deploy.local.ports import HOST
from deploy.local.programs import PLACES, Programs

REPLICA_SET = "padlock"
OUTSIDE = ("MONGO_URL", "AMQP_URL", "SMTP_URL")


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack of one checkout. `outside` holds the addresses that replace its own parts."""

    layout: Layout
    ports: Mapping[str, int]
    passwords: Passwords
    programs: Programs
    outside: Mapping[str, str] = field(default_factory=dict)

    @property
    def public_url(self) -> str:
        """Where browsers go."""
        return f"https://localhost:{self.ports['gateway']}"

    @property
    def http_url(self) -> str:
        """Plain HTTP: redirects only."""
        return f"http://localhost:{self.ports['http']}"

    @property
    def mailbox_url(self) -> str:
        """The page with the mails."""
        return f"http://{HOST}:{self.ports['mailbox']}"

    @property
    def smtp_url(self) -> str:
        """Where mails go."""
        return self.outside.get("SMTP_URL") or f"smtp://{HOST}:{self.ports['smtp']}"

    @property
    def smtp_address(self) -> tuple[str, int]:
        """Host and port of `smtp_url`."""
        parts = urlsplit(self.smtp_url)
        return parts.hostname or HOST, parts.port or 25

    def mongo_url(self, user: str = ADMIN) -> str:
        """MongoDB as one of its users."""
        own = (
            f"mongodb://{user}:{self.passwords.mongo[user]}@{HOST}:{self.ports['mongo']}/"
            f"?replicaSet={REPLICA_SET}&authSource=admin"
        )
        return self.outside.get("MONGO_URL") or own

    def amqp_url(self, user: str = ADMIN) -> str:
        """RabbitMQ as one of its users."""
        own = f"amqp://{user}:{self.passwords.amqp[user]}@{HOST}:{self.ports['amqp']}/"
        return self.outside.get("AMQP_URL") or own

    @property
    def staff_file(self) -> Path:
        """Staff logins by role; those of a database from outside are kept apart."""
        place = self.outside.get("MONGO_URL", "")
        return self.layout.base / (f"staff-{sha256(place.encode()).hexdigest()[:8]}.json" if place else "staff.json")

    def service_url(self, service: str) -> str:
        """A service itself, past the gateway."""
        return f"http://{HOST}:{self.ports[service]}"

    def api_urls(self) -> dict[str, str]:
        """The page about each service's API."""
        return {service: f"{self.public_url}/api/{service}/docs" for service in SERVICES}


def outside_addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """The addresses given in the environment that replace own parts."""
    return {name: environ[name] for name in OUTSIDE if environ.get(name)}


def base_environ(home: Path) -> dict[str, str]:
    """What every part gets of the environment: nothing personal, nothing of the caller's shell."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}
