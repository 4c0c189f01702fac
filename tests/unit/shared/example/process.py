"""A process around the example shop, without database and broker, for tests of the lifecycle.

Arguments: `slow` starts for ever, `crash` has other work that crashes.
"""

import asyncio
import sys
from contextlib import asynccontextmanager

from shared import lifecycle
from shared.logs import configure_logs
from tests.unit.shared.shop import FINISH, Shop, some_settings


async def crash():
    await asyncio.sleep(0)
    raise RuntimeError("anna@example.com")


@asynccontextmanager
async def work():
    async with asyncio.TaskGroup() as group:
        if "crash" in sys.argv:
            group.create_task(crash())
        yield
    print('{"event": "work ended"}', flush=True)


async def main(stop):
    if "slow" in sys.argv:
        print('{"event": "starting"}', flush=True)
        await asyncio.Event().wait()
    settings = some_settings(shutdown_grace_s=5)
    shop = Shop()
    app = shop.build(settings)
    app.on_shutdown.append(_end_of_shutdown)
    await lifecycle.serve_until_stopped(app, settings, stop=stop, beside=work())
    print('{"event": "closed"}', flush=True)
    return 0


async def _end_of_shutdown(app):
    print('{"event": "draining"}', flush=True)
    app[FINISH].set()


if __name__ == "__main__":
    configure_logs("info", service="orders")
    sys.exit(lifecycle.run(main))
