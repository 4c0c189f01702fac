"""Where the programs are that the stack runs, and how the missing ones are installed. Standard library only."""

import contextlib
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PLACES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
RABBITMQ_SCRIPTS = ("/usr/lib/rabbitmq/bin", "/usr/local/lib/rabbitmq/bin", "/opt/rabbitmq/sbin")
POLICY = Path("/usr/sbin/policy-rc.d")
_OURS = "# Written by the stack of Padlock for the length of one installation.\n"


class MissingProgram(Exception):
    """A program that the stack needs is not on this machine. The message names the packages."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Absolute paths of what the stack runs; empty where an address from outside replaces the part."""

    mongod: str = ""
    rabbitmq_server: str = ""
    epmd: str = ""
    nginx: str = ""


def find_programs(*, mongod: bool = True, rabbitmq: bool = True, nginx: bool = True) -> Programs:
    """Look for what is wanted.

    Raises:
        MissingProgram: with one line for everything that is not there.
    """
    found = Programs(
        mongod=find_mongod() if mongod else "",
        rabbitmq_server=find_rabbitmq() if rabbitmq else "",
        epmd=find_epmd() if rabbitmq else "",
        nginx=find("nginx") if nginx else "",
    )
    lacking = []
    if mongod and not found.mongod:
        lacking.append("mongod: install MongoDB 6.0 or newer, or set MONGO_URL")
    if rabbitmq and not (found.rabbitmq_server and found.epmd):
        lacking.append("rabbitmq-server: install the package rabbitmq-server, or set AMQP_URL")
    if nginx and not found.nginx:
        lacking.append("nginx: install the package nginx-light (or nginx)")
    if lacking:
        raise MissingProgram("\n".join(lacking))
    return found


def find(name: str) -> str:
    """The program's path on PATH or where system programs lie; "" where there is none."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    return shutil.which(name, path=places) or ""


def find_mongod() -> str:
    """The mongod that came with the locked packages, else one on PATH."""
    packaged = Path(sysconfig.get_path("purelib"), "fiftyone", "db", "bin", "mongod")
    return str(packaged) if os.access(packaged, os.X_OK) else find("mongod")


def find_rabbitmq() -> str:
    """The server's own script: what /usr/sbin has is a wrapper of Debian's that changes the user."""
    for folder in RABBITMQ_SCRIPTS:
        script = Path(folder, "rabbitmq-server")
        if script.exists():
            return str(script)
    on_path = find("rabbitmq-server")
    return "" if on_path.startswith("/usr/sbin/") else on_path


def find_epmd() -> str:
    """Erlang's port mapper, beside the other programs or inside the Erlang installation."""
    inside = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    return find("epmd") or (str(inside[-1]) if inside else "")


def find_chromium() -> str:
    """The browser that tests look at pages with; nothing that runs needs it."""
    return find("chromium") or find("chromium-browser") or find("google-chrome")


def missing_packages(environ: Mapping[str, str]) -> list[str]:
    """Debian packages of the system programs that are not there and that no address replaces."""
    packages = []
    if not environ.get("AMQP_URL") and not (find_rabbitmq() and find_epmd()):
        packages.append("rabbitmq-server")
    if not find("nginx"):
        packages.append("nginx-light")
    return packages


def install(packages: list[str]) -> None:
    """Install system packages with apt, without letting it start their services.

    Raises:
        MissingProgram: there is no apt, no right to use it, or it failed.
    """
    names = " ".join(packages)
    ask = f"Please install these packages and run the command again: {names}"
    apt, root = find("apt-get"), _root_prefix()
    if not apt or root is None:
        raise MissingProgram(ask)
    with _no_service_starts(root):
        command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", apt, "-q", "-y"]
        install_command = [*command, "install", "--no-install-recommends", *packages]
        if _run(install_command) or _run([*command, "update"]) or _run(install_command):
            raise MissingProgram(f"apt-get could not install them. {ask}")


def _run(command: list[str]) -> int:
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        print("  " + (done.stderr.strip().splitlines() or ["(no message)"])[-1], flush=True)
    return done.returncode


def _root_prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = find("sudo")
    if not sudo or subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode:
        return None
    return [sudo, "-n"]


@contextlib.contextmanager
def _no_service_starts(root: list[str]) -> Iterator[None]:
    # Debian's own hook for this (invoke-rc.d and deb-systemd-invoke both ask it): 101 means "not allowed".
    if POLICY.exists() and _OURS not in POLICY.read_text(errors="replace"):
        yield
        return
    script = f"#!/bin/sh\n{_OURS}exit 101\n"
    subprocess.run([*root, "tee", str(POLICY)], input=script, text=True, stdout=subprocess.DEVNULL, check=True)
    try:
        subprocess.run([*root, "chmod", "755", str(POLICY)], check=True)
        yield
    finally:
        subprocess.run([*root, "rm", "-f", str(POLICY)], check=True)
