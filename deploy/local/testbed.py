"""A database and a broker for component tests: open to this machine, empty, apart from any running stack."""

import os
import secrets
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from deploy.local import daemon
from deploy.local.board import READY, read_rows
from deploy.local.layout import Layout, private_directory
from deploy.local.mongo import check_primary, initiate, mongod_command
from deploy.local.parts import NotReady, Part
from deploy.local.plan import supervise_environ
from deploy.local.ports import HOST, choose_ports, read_ports
from deploy.local.programs import Programs, find_programs
from deploy.local.rabbitmq import Node, mapper_part, rabbitmq_part
from deploy.local.stack import base_environ
from deploy.local.supervise import is_running, run_parts
from deploy.local.table import tail

NAMES = ("mongo", "amqp", "epmd", "erlang")
REPLICA_SET = "t"
WORKERS = 8
READY_WITHIN_S = 60.0


def testbed_up(checkout: Layout) -> int:
    """Start both and print what to export; on the error output what is being done."""
    layout = _layout(checkout)
    process = None
    if not is_running(layout):
        daemon.clear_strays(layout)
        private_directory(layout.base)
        choose_ports(_ports_file(layout), names=NAMES, preferred={})
        process = daemon.start(layout, "supervise-testbed", supervise_environ(os.environ))
    deadline = time.monotonic() + READY_WITHIN_S
    while not _all_ready(layout):
        if (process and process.poll() is not None) or time.monotonic() > deadline:
            for name in (daemon.SUPERVISOR, "mongod", "rabbitmq"):
                print(f"{name}:\n{tail(layout.log_file(name))}", file=sys.stderr)
            return 1
        time.sleep(0.05)
    print("export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in _exports(layout).items()))
    return 0


def testbed_down(checkout: Layout) -> int:
    """Stop both; their data goes, too."""
    import shutil

    layout = _layout(checkout)
    daemon.stop(layout)
    daemon.clear_strays(layout)
    shutil.rmtree(layout.base, ignore_errors=True)
    return 0


def supervise_testbed(checkout: Layout) -> int:
    """The process that `testbed_up` starts."""
    layout = _layout(checkout)
    ports = read_ports(_ports_file(layout))
    programs = find_programs(nginx=False)
    node = _node(layout, programs, ports)
    parts = [_mongod(layout, programs, ports["mongo"]), mapper_part(node), rabbitmq_part(node)]
    return run_parts(layout, parts)


def definitions(user: str = "guest") -> dict[str, Any]:
    """One virtual host for each worker of a parallel test run, and the default one."""
    vhosts = ["/", *(f"gw{number}" for number in range(WORKERS))]
    everything = {"user": user, "configure": ".*", "write": ".*", "read": ".*"}
    return {
        "vhosts": [{"name": name} for name in vhosts],
        "users": [{"name": user, "password": user, "tags": "administrator"}],
        "permissions": [everything | {"vhost": name} for name in vhosts],
    }


def _layout(checkout: Layout) -> Layout:
    return Layout(checkout.base / "testbed")


def _ports_file(layout: Layout) -> Path:
    return layout.base / "ports.json"


def _exports(layout: Layout) -> dict[str, str]:
    ports = read_ports(_ports_file(layout))
    return {
        "PADLOCK_TEST_MONGO": f"mongodb://{HOST}:{ports['mongo']}/?replicaSet={REPLICA_SET}&directConnection=true",
        "PADLOCK_TEST_AMQP": f"amqp://guest:guest@{HOST}:{ports['amqp']}/",
    }


def _all_ready(layout: Layout) -> bool:
    rows = read_rows(layout.run_file)
    return bool(rows) and all(row.state == READY and row.is_running for row in rows.values())


def _mongod(layout: Layout, programs: Programs, port: int) -> Part:
    data = private_directory(layout.mongo / "data")

    async def settle() -> None:
        client: AsyncMongoClient[Any] = AsyncMongoClient(
            HOST, port, directConnection=True, serverSelectionTimeoutMS=3000
        )
        try:
            async with client:
                await initiate(port, REPLICA_SET, client)
                await check_primary(client)
        except PyMongoError as error:
            raise NotReady(type(error).__name__) from None

    command = mongod_command(programs.mongod, data, port=port, replica_set=REPLICA_SET)
    return Part(
        name="mongod",
        # Tests keep their own time: what is long over by the database's clock must not leave in the middle of one.
        command=(*command, "--setParameter", "ttlMonitorEnabled=false", "--journalCommitInterval", "10"),
        environ=base_environ(layout.mongo),
        folder=layout.mongo,
        settle=settle,
    )


def _node(layout: Layout, programs: Programs, ports: Mapping[str, int]) -> Node:
    return Node(
        folder=layout.rabbitmq,
        programs=programs,
        ports=ports,
        cookie=secrets.token_hex(16).upper(),
        admin_url=f"amqp://guest:guest@{HOST}:{ports['amqp']}/",
        definitions=definitions(),
    )
