"""The gateway as a container: renders deploy/gateway from the environment and becomes nginx.

`GATEWAY_PUBLIC_URL`, `GATEWAY_SITE_NAME`, `GATEWAY_UPSTREAM_<SERVICE>` (host:port of each), and, where a balancer in
front speaks the PROXY protocol, `GATEWAY_PROXY_FROM`: its networks, from which alone a client's address is believed.
`GATEWAY_TLS` holds server.pem and server.key. `GATEWAY_RATES` limits what one address may ask for in a second: of all,
in writes, in tries of passwords, such as `50,10,1`; only where clients' own addresses arrive here.
`GATEWAY_SECURITY_CONTACT` is that of security.txt. `--check` renders and lets nginx check, and starts nothing;
`--close` and `--reopen` begin and end maintenance.
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import NoReturn, cast

from deploy.local import gateway
from deploy.local.layout import SERVICES
from deploy.local.ports import HOST
from deploy.local.programs import find
from deploy.local.stack import Stack

HTTP_PORT, HTTPS_PORT = 8080, 8443
_UPSTREAM = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}", re.ASCII)
_PUBLIC_URL = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?", re.ASCII)
_RATES = re.compile(r"[1-9][0-9]{0,4}(,[1-9][0-9]{0,4}){2}", re.ASCII)
_CONTACT = re.compile(r"(mailto:|https://|tel:)[A-Za-z0-9@./_+:%-]{3,200}", re.ASCII)
_SITE_NAME = re.compile(r"[A-Za-z0-9.-]{1,80}", re.ASCII)


class Misconfigured(Exception):
    """The environment does not describe a gateway. `mistakes` has a line for each fault."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. `proxies` are networks in CIDR form."""

    public_url: str
    site_name: str
    upstreams: Mapping[str, str]
    proxies: tuple[str, ...]
    tls: Path
    folder: Path
    rates: gateway.Rates | None = None
    security_contact: str = gateway.SECURITY_CONTACT

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            Misconfigured: names everything that is missing or malformed.
        """
        wanted = {"GATEWAY_PUBLIC_URL": _PUBLIC_URL} | {
            f"GATEWAY_UPSTREAM_{name.upper()}": _UPSTREAM for name in SERVICES
        }
        mistakes = [f"{name}: {_fault(environ.get(name))}" for name, form in wanted.items()
                    if not form.fullmatch(environ.get(name, ""))]  # fmt: skip
        if not _SITE_NAME.fullmatch(site_name := environ.get("GATEWAY_SITE_NAME", gateway.SITE_NAME)):
            mistakes.append("GATEWAY_SITE_NAME: is malformed")
        proxies = tuple(environ.get("GATEWAY_PROXY_FROM", "").split())
        mistakes += [f"GATEWAY_PROXY_FROM: {each} is no network" for each in proxies if not _is_network(each)]
        rates = environ.get("GATEWAY_RATES", "")
        if rates and not _RATES.fullmatch(rates):
            mistakes.append("GATEWAY_RATES: must be like 50,10,1")
        contact = environ.get("GATEWAY_SECURITY_CONTACT", gateway.SECURITY_CONTACT)
        if not _CONTACT.fullmatch(contact):
            mistakes.append("GATEWAY_SECURITY_CONTACT: must be an address such as mailto:security@shop.example")
        if mistakes:
            raise Misconfigured(mistakes)
        return cls(
            rates=gateway.Rates(*map(int, rates.split(","))) if rates else None,
            security_contact=contact,
            public_url=environ["GATEWAY_PUBLIC_URL"],
            site_name=site_name,
            upstreams={name: environ[f"GATEWAY_UPSTREAM_{name.upper()}"] for name in SERVICES},
            proxies=proxies,
            tls=Path(environ.get("GATEWAY_TLS", "/run/tls")),
            folder=Path(environ.get("GATEWAY_FOLDER", "/tmp/gateway")),  # noqa: S108 - a tmpfs of the container
        )


@dataclass(frozen=True, slots=True)
class _Paths:
    """As much of `Layout` as the template needs."""

    nginx: Path
    logs: Path
    tls: Path


@dataclass(frozen=True, slots=True)
class _Place:
    """As much of `Stack` as the template needs."""

    layout: _Paths
    public_url: str
    ports: Mapping[str, int]


def main(words: list[str], environ: Mapping[str, str]) -> int:
    """Become nginx; returns only when something is wrong."""
    try:
        settings = Settings.from_env(environ)
    except Misconfigured as error:
        print(*error.mistakes, sep="\n", file=sys.stderr)
        return 2
    if "--close" in words or "--reopen" in words:
        (gateway.close if "--close" in words else gateway.reopen)(settings.folder)
        return 0
    return become_nginx(settings, check="--check" in words)


def become_nginx(settings: Settings, *, check: bool = False) -> NoReturn:
    """Write the configuration and replace this process by nginx."""
    configuration = settings.folder / "nginx.conf"
    (settings.folder / "tmp").mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration.write_text(render(settings))
    command = [find("nginx"), *gateway.arguments(settings.folder)]
    if check:
        command.append("-t")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def render(settings: Settings) -> str:
    """nginx.conf for a container: the local stack's, listening on every address, with services elsewhere."""
    # Ports that nothing else in the text looks like: each is found again and replaced by the real place.
    marks = {name: 61001 + number for number, name in enumerate((*SERVICES, "http", "gateway"))}
    layout = _Paths(settings.folder, settings.folder / "log", settings.tls)
    place = _Place(layout, settings.public_url, marks)
    text = gateway.render(
        cast("Stack", place),
        site_name=settings.site_name,
        rates=settings.rates,
        security_contact=settings.security_contact,
    )
    for name in SERVICES:
        text = _replaced(text, f"server {HOST}:{marks[name]} ", f"server {settings.upstreams[name]} ")
    text = _replaced(text, f"listen {HOST}:{marks['http']} ", f"listen {HTTP_PORT} {_proxied(settings)}")
    text = _replaced(text, f"listen {HOST}:{marks['gateway']} ", f"listen {HTTPS_PORT} {_proxied(settings)}")
    text = _replaced(text, "http {\n", "http {\n" + _believed(settings))
    return text.replace(f"{layout.logs}/gateway.log", "/dev/stdout")


def _proxied(settings: Settings) -> str:
    return "proxy_protocol " if settings.proxies else ""


def _believed(settings: Settings) -> str:
    if not settings.proxies:
        return ""
    networks = "".join(f"    set_real_ip_from {network};\n" for network in settings.proxies)
    return f"{networks}    real_ip_header proxy_protocol;\n"


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise Misconfigured([f"the template no longer has {old!r} once"])
    return text.replace(old, new)


def _fault(value: str | None) -> str:
    return "is malformed" if value else "is required"


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
