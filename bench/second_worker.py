"""What a second `mailer work` process adds where the relay's answers take the time: `python -m bench.second_worker`.

Wants a test bed: `eval "$(python -m deploy.local testbed | tail -1)"`. Each reply of the sink comes after 50 ms, so
that the processes hardly need a core; what they need otherwise is told by `bench --only mailing`.
"""

import asyncio
import itertools
import os
import secrets
import sys
import time

from deploy.local.rabbitmq import declare_topology
from services.mailer.deps import ensure_all_indexes
from services.mailer.sending.ranges import QUEUE
from services.mailer.testing.press import Press
from services.mailer.testing.sink import Sink, _Connection
from shared.broker import open_bus
from shared.bus import Bus, Outgoing
from shared.contracts.mailer import RangePlanned
from shared.events import Event, encode
from shared.mongo import open_database
from shared.topology import EXCHANGE

DELAY_S = 0.05
COPIES, IN_A_RANGE = 1200, 50


class _Slow(_Connection):
    """Thinks before it replies."""

    def _say(self, reply: bytes) -> None:
        asyncio.get_running_loop().call_later(DELAY_S, super()._say, reply)


async def measure(workers: int) -> float:
    """Copies a second, from the hundredth to the thousandth."""
    mongo, amqp = os.environ["PADLOCK_TEST_MONGO"], os.environ["PADLOCK_TEST_AMQP"].rstrip("/") + "/"
    await declare_topology(amqp)
    sink = Sink(keep=False)
    server = await asyncio.get_running_loop().create_server(lambda: _Slow(sink), "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    async with open_database(mongo, f"test-{secrets.token_hex(6)}") as database, open_bus(amqp, name="bench") as bus:
        await ensure_all_indexes(database)
        press = Press(database, sink.port)
        await _planned(press, bus)
        command = press.command(mongo, works_for=amqp)
        processes = [await asyncio.create_subprocess_exec(*command) for _ in range(workers)]
        try:
            async with asyncio.timeout(240):
                await sink.wait_for(100)
                began = time.perf_counter()
                await sink.wait_for(COPIES - 200)
                seconds = time.perf_counter() - began
                while (await bus.depths([QUEUE]))[QUEUE]:
                    await asyncio.sleep(0.1)
        finally:
            for process in processes:
                process.kill()
                await process.wait()
            for name in (database.name, f"{database.name}_keys"):
                await database.client.drop_database(name)
            server.close()
    return (COPIES - 300) / seconds


async def _planned(press: Press, bus: Bus) -> None:
    keys = sorted(await press.subscribe(COPIES))
    await press.campaign("c-1")
    await press.campaigns.begin(await press.campaigns.get("c-1"), at=press.clock())
    edges = ["", *keys[IN_A_RANGE - 1 :: IN_A_RANGE]]
    for number, (after, upto) in enumerate(itertools.pairwise(edges)):
        planned = RangePlanned(campaign_id="c-1", after=after, upto=upto)
        event = Event.of(planned, id=f"range-{number}", subject="c-1", at=press.clock())
        await bus.publish([Outgoing(EXCHANGE, event.type, encode(event), event.id, event.type)])


async def main() -> None:
    one, two = await measure(1), await measure(2)
    sys.stdout.write(f"one worker {one:.0f}/s, two {two:.0f}/s: the second adds {100 * (two / one - 1):.0f} %\n")


if __name__ == "__main__":
    asyncio.run(main())
