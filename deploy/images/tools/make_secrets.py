"""Passwords, addresses and keys of a first deployment: `python -m tools.make_secrets FOLDER`.

Makes what is missing and leaves what is there, so that it can be run again after a key was rotated or a service came
to need one more. `--rotate SERVICE/PURPOSE` makes the next version of a key first. With `--kubernetes` it prints the
folder as Secrets and ConfigMaps for `kubectl apply -f -`.
"""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.identity import public_keys, signing_key
from shared.keys import FileKeys
from shared.sealing import write_public_key
from shared.topology import SERVICES

ADMIN = "admin"
SCREENING = "orders-screening"
PURPOSES = {
    "auth": ("fields", "index", "seal", "cookie", "identity", "trail"),
    "orders": ("fields", "index", "seal"),
    SCREENING: ("card",),  # no lasting process opens what is kept of cards
    "mailer": ("fields", "index", "seal", "link", "trail"),
    "warranty": ("fields", "index", "seal"),
}
OURS, THEIRS = 10001, 999
"""User ids of our images, and of the official ones of MongoDB and RabbitMQ."""
JWKS = "jwks.json"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where services find their peers; `{user}` and `{password}` are filled in."""

    mongo: str
    amqp: str
    smtp: str


def main(words: list[str]) -> int:
    """0 when everything is there."""
    arguments = _parser().parse_args(words)
    arguments.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if arguments.rotate:
        service, purpose = arguments.rotate
        FileKeys(arguments.folder / "keys" / service).rotate(purpose)
    make_all(arguments.folder, Addresses(arguments.mongo, arguments.amqp, arguments.smtp))
    if os.geteuid() == 0 and not arguments.kubernetes:
        hand_over(arguments.folder)
    if arguments.kubernetes:
        print(json.dumps(kubernetes_list(arguments.folder, only=arguments.only), indent=1))
    return 0


def make_all(folder: Path, addresses: Addresses) -> None:
    """Fill the folder; its files can be read by their owner alone."""
    for user in (ADMIN, *SERVICES):
        _once(folder / "mongo" / user, secrets.token_hex(24))
        _once(folder / "amqp" / user, secrets.token_hex(24))
    _once(folder / "database" / "keyfile", secrets.token_hex(128))
    login = f"default_user = {ADMIN}\ndefault_pass = {_read(folder / 'amqp' / ADMIN)}\n"
    _once(folder / "broker" / "20-admin.conf", login)
    for service in SERVICES:
        _make_service(folder, service, addresses)
    _make_keys(folder, SCREENING)
    _publish_identities(folder)


def _make_service(folder: Path, service: str, addresses: Addresses) -> None:
    own = folder / "services" / service
    for kind, address in (("mongo", addresses.mongo), ("amqp", addresses.amqp)):
        password = _read(folder / kind / service)
        _once(own / f"{kind}-url", address.format(user=service, password=password))
    if service == "mailer":
        _once(own / "smtp-url", addresses.smtp)
    _make_keys(folder, service)


def _make_keys(folder: Path, service: str) -> None:
    keys = FileKeys(folder / "keys" / service)
    keys.ensure(PURPOSES[service])
    write_public_key(keys, folder / "public" / "seal", service)


def _publish_identities(folder: Path) -> None:
    """The key set that auth publishes, as a file for a reader that may not reach auth: mailer."""
    keys = FileKeys(folder / "keys" / "auth")
    versions = keys.versions("identity")
    rows = [signing_key(keys.get("identity", version).secret.reveal(), str(version)) for version in versions]
    _write(folder / "public" / "jwks" / JWKS, json.dumps(public_keys(rows)))


def hand_over(folder: Path) -> None:
    """Give each file to the user that reads it."""
    for path in (folder, *folder.rglob("*")):
        top = path.relative_to(folder).parts[:1]
        owner = THEIRS if top in (("database",), ("broker",)) else OURS
        os.chown(path, owner, owner)


def kubernetes_list(folder: Path, *, only: str = "") -> dict[str, Any]:
    """Every Secret and ConfigMap that the manifests name, or one of the two; certificates come from cert-manager."""
    items: list[dict[str, Any]] = []
    for service in SERVICES:
        items.append(_secret(f"{service}-addresses", _files(folder / "services" / service)))
        login = {"username": service, "password": _read(folder / "amqp" / service)}
        items.append(_secret(f"{service}-rabbitmq", login | {"tls": "enable"}))  # `tls` is what KEDA asks for
        items.append(_secret(f"{service}-mongo", {"password": _read(folder / "mongo" / service)}))
        items.append(_config(f"seal-{service}", _files(folder / "public" / "seal" / service)))
    items.append(_config("seal-card", _files(folder / "public" / "seal" / "card")))
    for owner, purposes in PURPOSES.items():
        keys = folder / "keys" / owner
        items += [_secret(f"{owner}-keys-{purpose}", _files(keys / purpose)) for purpose in purposes]
    items.append(_secret("mongo-admin", {"password": _read(folder / "mongo" / ADMIN)}))
    items.append(_config("identity-keys", _files(folder / "public" / "jwks")))
    return {"apiVersion": "v1", "kind": "List", "items": [each for each in items if only in ("", each["kind"])]}


def _secret(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque", "stringData": values}


def _config(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": values}


def _files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in _sorted(folder.iterdir())}


def _sorted(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if not path.name.startswith("."))


def _read(path: Path) -> str:
    return path.read_text().strip()


def _once(path: Path, content: str) -> None:
    if not path.exists():
        _write(path, content)


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(content)
    draft.chmod(0o400)
    draft.replace(path)


def _key(text: str) -> tuple[str, str]:
    service, _, purpose = text.partition("/")
    if purpose not in PURPOSES.get(service, ()):
        raise argparse.ArgumentTypeError(f"no such key: {text}")
    if purpose == "index":  # look-ups would find nothing of what was written before
        raise argparse.ArgumentTypeError("the key of look-ups is never rotated in place")
    return service, purpose


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make_secrets", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--rotate", type=_key, metavar="SERVICE/PURPOSE", help="make the next version of this key first"
    )
    parser.add_argument("--only", choices=["Secret", "ConfigMap"], default="", help="with --kubernetes, one of both")
    parser.add_argument("--kubernetes", action="store_true", help="print Secrets and ConfigMaps")
    parser.add_argument(
        "--mongo", default="mongodb://{user}:{password}@mongo:27017/?replicaSet=padlock&authSource=admin"
    )
    parser.add_argument("--amqp", default="amqp://{user}:{password}@rabbitmq:5672/")
    parser.add_argument("--smtp", default="smtp://mailbox:1025", help="the mail relay")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
