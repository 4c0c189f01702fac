"""MongoDB of the stack: a replica set of one node, with a key file, and a user and a database for each service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from deploy.local.layout import SERVICES, private_directory, write_private
from deploy.local.parts import NotReady, Part
from deploy.local.passwords import ADMIN
from deploy.local.ports import HOST
from deploy.local.stack import REPLICA_SET, Stack, base_environ

NAME = "mongod"
_ALREADY_INITIALIZED, _AUTHENTICATION_FAILED, _NOT_YET_INITIALIZED = 23, 18, 94
_USER_EXISTS = 51003
_PATIENCE_MS = 3000


def mongod_part(stack: Stack) -> Part:
    """The database with authorization on; `settle` makes it a primary and gives it its users."""
    folder = stack.layout.mongo
    key_file = folder / "keyfile"

    async def prepare() -> None:
        private_directory(folder / "data")
        write_private(key_file, stack.passwords.mongo_keyfile, mode=0o400)

    async def settle() -> None:
        await _settle(stack.ports["mongo"], stack.passwords.mongo)

    command = mongod_command(stack.programs.mongod, folder / "data", port=stack.ports["mongo"], replica_set=REPLICA_SET)
    return Part(
        name=NAME,
        command=(*command, "--keyFile", str(key_file), "--auth"),
        environ=base_environ(folder),
        folder=folder,
        prepare=prepare,
        settle=settle,
        stop_s=20,
    )


def mongod_command(program: str, data: Path, *, port: int, replica_set: str) -> tuple[str, ...]:
    """How mongod is started.

    Nothing is compressed, on disk or on the wire, so that a search for personal data in its files means something.
    No operation counts as slow: the slow-query log would hold values.
    """
    return (
        program,
        "--dbpath", str(data),
        "--port", str(port),
        "--bind_ip", HOST,
        "--nounixsocket",
        "--replSet", replica_set,
        "--oplogSize", "512",
        "--wiredTigerCacheSizeGB", "0.5",
        "--wiredTigerJournalCompressor", "none",
        "--wiredTigerCollectionBlockCompressor", "none",
        "--wiredTigerIndexPrefixCompression", "false",
        "--networkMessageCompressors", "disabled",
        "--noscripting",
        "--profile", "0",
        "--slowms", "2147483647",
        "--setParameter", "diagnosticDataCollectionEnabled=false",
    )  # fmt: skip


def roles_of(service: str) -> list[dict[str, str]]:
    """A service reads and writes its own database and that of its data keys; mailer rehearses months in a third."""
    roles = [{"role": "readWrite", "db": service}, {"role": "readWrite", "db": f"{service}_keys"}]
    if service == "mailer":
        roles.append({"role": "readWrite", "db": "mailer_rehearsal"})
    return roles


async def initiate(port: int, replica_set: str, client: AsyncMongoClient[Any]) -> None:
    """Make the node a replica set of its own, or move the set to the node's present port."""
    host = f"{HOST}:{port}"
    try:
        config = (await client.admin.command("replSetGetConfig"))["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        wanted = {"_id": replica_set, "members": [{"_id": 0, "host": host}]}
        await client.admin.command("replSetInitiate", wanted)
        return
    if config["members"][0]["host"] != host:
        moved = config | {"version": config["version"] + 1, "members": [config["members"][0] | {"host": host}]}
        await client.admin.command("replSetReconfig", moved, force=True)


async def check_primary(client: AsyncMongoClient[Any]) -> None:
    """Raise `NotReady` unless the node takes writes."""
    if not (await client.admin.command("hello")).get("isWritablePrimary"):
        raise NotReady("not primary yet")


async def _settle(port: int, passwords: Mapping[str, str]) -> None:
    try:
        if not await _known(port, passwords):
            await _first_start(port, passwords[ADMIN])
        async with _client(port, password=passwords[ADMIN]) as client:
            await initiate(port, REPLICA_SET, client)
            await check_primary(client)
            await _ensure_users(client, passwords)
    except PyMongoError as error:
        raise NotReady(_shown(error)) from None


async def _known(port: int, passwords: Mapping[str, str]) -> bool:
    try:
        async with _client(port, password=passwords[ADMIN]) as client:
            await client.admin.command("ping")
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            return False
        raise
    return True


async def _first_start(port: int, password: str) -> None:
    # The localhost exception: while there is no user, a connection from this machine may do exactly these two things.
    async with _client(port) as client:
        try:
            await client.admin.command(
                "replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": f"{HOST}:{port}"}]}
            )
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise
        await check_primary(client)
        await client.admin.command("createUser", ADMIN, pwd=password, roles=["root"])


async def _ensure_users(client: AsyncMongoClient[Any], passwords: Mapping[str, str]) -> None:
    for service in SERVICES:
        try:
            await client.admin.command("createUser", service, pwd=passwords[service], roles=roles_of(service))
        except OperationFailure as error:
            if error.code != _USER_EXISTS:
                raise
            await client.admin.command("updateUser", service, roles=roles_of(service))  # of an earlier release


def _client(port: int, *, password: str = "") -> AsyncMongoClient[Any]:
    login: dict[str, Any] = {"username": ADMIN, "password": password, "authSource": "admin"} if password else {}
    return AsyncMongoClient(
        HOST,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=_PATIENCE_MS,
        connectTimeoutMS=_PATIENCE_MS,
        timeoutMS=_PATIENCE_MS * 2,
        **login,
    )


def _shown(error: PyMongoError) -> str:
    if isinstance(error, AutoReconnect):
        return "does not answer yet"
    return f"{type(error).__name__} {getattr(error, 'code', '') or ''}".strip()
