"""`python -m deploy.images [--print] [NAME ...]`: build images with docker, each with its SBOM under build/sbom/."""

import argparse
import json
import shlex
import subprocess
import sys
import tomllib
from importlib import import_module

from deploy.images.sbom import make_sbom
from deploy.local.layout import ROOT, SERVICES
from deploy.local.services import allocator_of

NAMES = (*SERVICES, "gateway")
LOCKS = ("", "orders-stripe")
"""Beside those that are named after their image."""
SBOMS = ROOT / "build" / "sbom"


def main(words: list[str]) -> int:
    """Build; with `--print` only say how. Ends with docker's status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.images", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], help="all of them unless told")
    parser.add_argument("--print", action="store_true", help="print the commands and build nothing")
    parser.add_argument("--version", default="", help="each one's own unless told")
    parser.add_argument("--revision", default="", help="the commit; the checkout's unless told")
    parser.add_argument("--lock", default="", choices=LOCKS, help="of orders that charge by Stripe: orders-stripe")
    arguments = parser.parse_args(words)
    if arguments.lock and arguments.names != [arguments.lock.partition("-")[0]]:
        parser.error(f"--lock {arguments.lock} is of one image: {arguments.lock.partition('-')[0]}")
    revision = arguments.revision or _revision()
    for name in arguments.names or NAMES:
        version = arguments.version or released_version(name)
        command = build_command(name, version=version, revision=revision, lock=arguments.lock)
        if arguments.print:
            print(shlex.join(command))
            continue
        _write_sbom(name, version=version, revision=revision, lock=arguments.lock)
        status = subprocess.run(command, check=False, cwd=ROOT).returncode
        if status:
            return status
    return 0


def build_command(name: str, *, version: str, revision: str, lock: str = "") -> list[str]:
    """How docker builds one image, from the root of the checkout."""
    file = "gateway.Dockerfile" if name == "gateway" else "Dockerfile"
    arguments = {"VERSION": version, "REVISION": revision}
    if name != "gateway":
        arguments |= {"SERVICE": name, "ARENAS": allocator_of(name)["MALLOC_ARENA_MAX"]}
    if lock:
        arguments |= {"LOCK": lock}
    flags = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    return ["docker", "build", "--file", f"deploy/images/{file}", *flags, "--tag", f"padlock-{name}:{version}", "."]


def released_version(name: str) -> str:
    """The version of one image: the service's own, the gateway's is the project's."""
    if name in SERVICES:
        return str(import_module(f"services.{name}").VERSION)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return str(project["project"]["version"])


def _revision() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], check=False, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _write_sbom(name: str, *, version: str, revision: str, lock: str) -> None:
    SBOMS.mkdir(parents=True, exist_ok=True)
    document = make_sbom(name, version=version, revision=revision, lock=lock)
    (SBOMS / f"{name}.cdx.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
