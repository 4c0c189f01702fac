"""Make a fresh mongod the first member of a replica set, with a user and databases for each service.

`python -m tools.init_mongo --member HOST:PORT --passwords DIR`, in the network namespace of the database itself:
before the first user exists MongoDB only listens to its own machine (the localhost exception). Repeating it adds what
is missing and changes nothing else.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from shared.topology import SERVICES

ADMIN = "admin"
PATIENCE_S = 60.0
_PAUSE_S = 0.5
_AUTHENTICATION_FAILED, _ALREADY_INITIALIZED, _USER_EXISTS = 18, 23, 51003

Client = MongoClient[dict[str, Any]]


class NotYet(Exception):
    """The database is not so far; asked again a moment later."""


def main(words: list[str]) -> int:
    """0 when everything is there; 1 with a line on the error output."""
    arguments = _parser().parse_args(words)
    passwords = {user: (arguments.passwords / user).read_text().strip() for user in (ADMIN, *SERVICES)}
    deadline = time.monotonic() + arguments.patience
    while True:
        try:
            settle(arguments.port, arguments.member, arguments.replica_set, passwords)
        except (NotYet, PyMongoError) as error:
            if time.monotonic() > deadline:
                print(f"the database is not ready: {type(error).__name__}: {error}", file=sys.stderr)
                return 1
            time.sleep(_PAUSE_S)
        else:
            return 0


def settle(port: int, member: str, replica_set: str, passwords: dict[str, str]) -> None:
    """One try.

    Raises:
        NotYet: not primary yet.
        PyMongoError: no answer, or something is wrong.
    """
    if not _has_admin(port, passwords[ADMIN]):
        _first_start(port, member, replica_set, passwords[ADMIN])
    with _client(port, passwords[ADMIN]) as client:
        _check_primary(client)
        for service in SERVICES:
            _ensure_user(client, service, passwords[service], roles_of(service))


def roles_of(service: str) -> list[dict[str, str]]:
    """Its own database and that of its data keys; mailer rehearses months in a third."""
    databases = [service, f"{service}_keys"] + (["mailer_rehearsal"] if service == "mailer" else [])
    return [{"role": "readWrite", "db": database} for database in databases]


def _has_admin(port: int, password: str) -> bool:
    try:
        with _client(port, password) as client:
            client.admin.command("ping")
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            return False
        raise
    return True


def _first_start(port: int, member: str, replica_set: str, password: str) -> None:
    with _client(port) as client:
        try:
            wanted = {"_id": replica_set, "members": [{"_id": 0, "host": member}]}
            client.admin.command("replSetInitiate", wanted)
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise
        _check_primary(client)
        client.admin.command("createUser", ADMIN, pwd=password, roles=["root"])


def _check_primary(client: Client) -> None:
    if not client.admin.command("hello").get("isWritablePrimary"):
        raise NotYet("not primary yet")


def _ensure_user(client: Client, name: str, password: str, roles: list[dict[str, str]]) -> None:
    try:
        client.admin.command("createUser", name, pwd=password, roles=roles)
    except OperationFailure as error:
        if error.code != _USER_EXISTS:
            raise
        client.admin.command("updateUser", name, roles=roles)  # a release may need one database more


def _client(port: int, password: str = "") -> Client:
    login: dict[str, Any] = {"username": ADMIN, "password": password, "authSource": "admin"} if password else {}
    patience: dict[str, Any] = {"serverSelectionTimeoutMS": 3000, "connectTimeoutMS": 3000, "timeoutMS": 6000}
    return MongoClient("127.0.0.1", port, directConnection=True, **patience, **login)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="init_mongo", description=__doc__)
    parser.add_argument("--member", required=True, help="HOST:PORT by which services reach the database")
    parser.add_argument("--passwords", type=Path, required=True, help="folder with a file for admin and each service")
    parser.add_argument("--port", type=int, default=27017, help="port on this machine")
    parser.add_argument("--replica-set", default="padlock")
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds to wait for the database")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
