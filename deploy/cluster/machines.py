"""What runs on each machine: mongod and a RabbitMQ node; killed and started again as a test says."""

import asyncio
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.cluster.network import Host
from deploy.local.layout import private_directory, write_private
from deploy.local.mongo import mongod_command
from deploy.local.programs import Programs
from deploy.local.rabbitmq import node_files
from deploy.local.stack import base_environ

REPLICA_SET = "rehearsed"
MONGO, AMQP, EPMD, ERLANG = 27017, 5672, 4369, 25672
COOKIE = "REHEARSAL"
PATIENCE_S = 240


@dataclass
class Machine:
    """One machine and its processes by name."""

    host: Host
    folder: Path
    programs: Programs
    peers: list[Host]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def node(self) -> str:
        """The RabbitMQ node's name."""
        return f"rabbit@{self.host.address}"

    def start_mongod(self) -> None:
        """Start the member; the first time it is empty."""
        data = private_directory(self.folder / "mongo")
        words = list(mongod_command(self.programs.mongod, data, port=MONGO, replica_set=REPLICA_SET))
        words[words.index("--bind_ip") + 1] = "0.0.0.0"  # noqa: S104 - of its own namespace
        self._start("mongod", words, base_environ(self.folder))

    def start_rabbitmq(self) -> None:
        """Start the node; the first time it joins the others."""
        folder = private_directory(self.folder / "rabbitmq")
        if "epmd" not in self.running or self.running["epmd"].poll() is not None:
            self._start("epmd", [self.programs.epmd, "-port", str(EPMD)], base_environ(folder))
        write_private(folder / ".erlang.cookie", COOKIE, mode=0o400)
        write_private(folder / "rabbitmq.conf", self._configuration())
        write_private(folder / "enabled_plugins", "[].\n")
        self._start("rabbitmq", [self.programs.rabbitmq_server], self._environ())

    def kill(self, name: str) -> None:
        """As a power cut ends it."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def lose(self) -> None:
        """The machine and its disks are gone."""
        for name in list(self.running):
            self.kill(name)
        for name in ("mongo", "rabbitmq"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    async def rabbitmq(self, program: str, *words: str) -> str:
        """Run one of RabbitMQ's tools against this node; what it printed.

        Raises:
            RuntimeError: it failed.
        """
        tool = str(Path(self.programs.rabbitmq_server).with_name(program))
        process = await asyncio.create_subprocess_exec(
            *self.host.inside(tool, "--longnames", "-n", self.node, *words),
            env=self._environ(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        if process.returncode:
            raise RuntimeError(f"{program} {' '.join(words)}: {out.decode()[-500:]}")
        return out.decode()

    def _start(self, name: str, words: list[str], environ: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.host.inside(*words), cwd=self.folder, env=environ, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _configuration(self) -> str:
        nodes = [f"cluster_formation.classic_config.nodes.{each.number} = rabbit@{each.address}" for each in self.peers]
        return "\n".join([
            f"listeners.tcp.default = {AMQP}",
            "loopback_users = none",
            "log.console = true",
            "log.file = false",
            "cluster_partition_handling = pause_minority",
            "cluster_formation.peer_discovery_backend = classic_config",
            "net_ticktime = 10",
            "raft.wal_max_size_bytes = 64000000",
            "disk_free_limit.absolute = 200MB",
            *nodes,
        ]) + "\n"  # fmt: skip

    def _environ(self) -> dict[str, str]:
        folder = self.folder / "rabbitmq"
        return (
            base_environ(folder)
            | node_files(folder)
            | {
                "RUNNING_UNDER_SYSTEMD": "true",
                "ERL_EPMD_PORT": str(EPMD),
                "ERL_CRASH_DUMP_SECONDS": "0",
                "RABBITMQ_USE_LONGNAME": "true",
                "RABBITMQ_NODENAME": self.node,
                "RABBITMQ_DIST_PORT": str(ERLANG),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false",
            }
        )
