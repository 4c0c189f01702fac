"""The gateway of the stack: nginx with a rendered configuration, as the user that runs the stack."""

import grp
import json
import os
import pwd
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jinja2

from deploy.local.layout import ROOT, SERVICES, private_directory, write_private
from deploy.local.parts import Part
from deploy.local.ports import HOST
from deploy.local.probes import listens
from deploy.local.stack import Stack, base_environ

NAME = "gateway"
SOURCE = ROOT / "deploy" / "gateway"
SITE_NAME = "www.tokyoflash.com"
MAINTENANCE = "maintenance"
SLOW_S = 10
SECURITY_CONTACT = "mailto:watches@example.com"
SECURITY_LASTS = timedelta(days=300)
"""RFC 9116 section 2.5.5 wants less than a year."""
PAGES = {
    "auth": "register|login|logout|verify|account|privacy|password|email|confirm|erased|desk/auth",
    "orders": "products|cart|checkout|orders|desk/orders",
    "mailer": "newsletter|desk/newsletter|desk/mailer",
    "warranty": "warranty|desk/warranty",
}
"""First segments of the pages of each service, as alternatives of a regular expression."""


def gateway_part(stack: Stack) -> Part:
    """The gateway: nginx in the foreground, its files under `.local/nginx`."""
    folder = stack.layout.nginx

    async def prepare() -> None:
        private_directory(folder / "tmp")
        write_private(folder / "nginx.conf", render(stack))

    async def settle() -> None:
        await listens(HOST, stack.ports["gateway"])

    return Part(
        name=NAME,
        command=(stack.programs.nginx, *arguments(folder)),
        environ=base_environ(folder),
        folder=private_directory(folder),
        prepare=prepare,
        settle=settle,
        stop_s=5,
    )


def arguments(folder: Path) -> tuple[str, ...]:
    """Arguments of nginx: prefix, configuration, and where it complains before it has read that."""
    return ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"))


@dataclass(frozen=True, slots=True)
class Rates:
    """What one address may ask for in a second: of all, in writes, in tries of passwords; and connections at once."""

    all: int
    writes: int
    guesses: int
    connections: int = 100


def render(
    stack: Stack,
    *,
    site_name: str = SITE_NAME,
    rates: Rates | None = None,
    slow_s: int = SLOW_S,
    security_contact: str = SECURITY_CONTACT,
) -> str:
    """nginx.conf for this stack. Without `rates` nothing is limited: on one machine all clients have one address.

    `security.txt` expires after `SECURITY_LASTS`; a gateway that starts anew renews it.
    """
    environment = jinja2.Environment(  # noqa: S701 - the result is no HTML
        loader=jinja2.FileSystemLoader(SOURCE), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template("nginx.conf.j2")
    return template.render(
        user=_user(),
        folder=stack.layout.nginx,
        log=stack.layout.logs,
        tls=stack.layout.tls,
        source=SOURCE,
        address=HOST,
        host=stack.public_url.removeprefix("https://"),
        public_url=stack.public_url,
        ports=stack.ports,
        services=SERVICES,
        pages=PAGES,
        cookie_name=re.escape(f"__Host-{site_name}"),
        problem=_problem,
        rates=rates,
        slow_s=slow_s,
        security_contact=security_contact,
        expires=(datetime.now(UTC) + SECURITY_LASTS).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def close(folder: Path) -> None:
    """Show the page that says to come back, from the next request on."""
    (folder / MAINTENANCE).touch(mode=0o644)


def reopen(folder: Path) -> None:
    """Let everybody in again."""
    (folder / MAINTENANCE).unlink(missing_ok=True)


def _user() -> str:
    # nginx drops from root to "nobody", who cannot read this checkout; anybody else keeps their own user anyway.
    if os.geteuid() != 0:
        return ""
    return f"{pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name}"


def _problem(status: int, code: str, title: str) -> str:
    return json.dumps({"type": f"/problems/{code}", "title": title, "status": status})
