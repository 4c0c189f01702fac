"""Counters of all that an operation takes: processor time, bytes between service and database, the journal."""

import json
from dataclasses import dataclass

from bench.processes import Process, cpu_s, family
from bench.world import World


@dataclass(frozen=True, slots=True)
class Counters:
    """How much there was of each so far."""

    done: float
    service_s: float
    database_s: float
    broker_s: float
    sent_bytes: float
    journal_bytes: float
    syncs: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one operation: milliseconds of processor time, bytes between service and database, bytes of the journal."""

    name: str
    count: int
    service_ms: float
    database_ms: float
    broker_ms: float
    database_bytes: float
    journal_bytes: float
    syncs: float

    @classmethod
    def between(cls, name: str, before: Counters, after: Counters) -> "Cost":
        """What was done from one moment to another, by one of it.

        Raises:
            ValueError: nothing was done.
        """
        count = after.done - before.done
        if count <= 0:
            raise ValueError(f"{name}: nothing was done")
        return cls(
            name,
            int(count),
            (after.service_s - before.service_s) * 1000 / count,
            (after.database_s - before.database_s) * 1000 / count,
            (after.broker_s - before.broker_s) * 1000 / count,
            (after.sent_bytes - before.sent_bytes) / count,
            (after.journal_bytes - before.journal_bytes) / count,
            (after.syncs - before.syncs) / count,
        )


class Meter:
    """Reads all counters at once."""

    def __init__(self, world: World) -> None:
        self._world = world
        parts = json.loads(world.stack.layout.stack_file.read_text())["parts"]
        self._broker = [each for pid in parts.get("rabbitmq", {}).get("pids", ()) for each in family(pid)]

    async def read(self, process: Process, done: float) -> Counters:
        """Now; `done` is how many there have been."""
        status = await self._world.client.admin.command("serverStatus")
        log = status["wiredTiger"]["log"]
        return Counters(
            done,
            process.cpu_s,
            self._world.cpu_of_database_s(),
            sum(cpu_s(pid) for pid in self._broker),
            status["network"]["bytesIn"] + status["network"]["bytesOut"],
            log["log bytes written"],
            log["log sync operations"],
        )
