"""`python -m bench.scaling --sizes 10000 100000 1000000 --only costs orders records subscribers keys accounts`.

On the running stack (`make up`), in databases of its own. Prints the tables of docs/scaling.md; all figures are in
`.local/scaling.json`.
"""

import argparse
import asyncio
import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from bench.load import Target, run
from bench.newsletters import plant, sealed
from bench.scaling.costs import as_dict, cost_table, measure
from bench.scaling.growth import Figures, Models, grow
from bench.scaling.kinds import KINDS
from bench.scaling.tables import growth_table
from bench.sections import CONNECTIONS, Checkouts, Sessions
from bench.world import World, open_world

RESULT = Path(".local") / "scaling.json"
MODELS = 200
STACKS_CACHE_MB = 512


async def main(arguments: argparse.Namespace) -> None:
    measuring = asyncio.current_task()
    assert measuring is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)  # what was started ends with it
    wanted = arguments.only or ["costs", *KINDS]
    told: dict[str, Any] = {"sizes": arguments.sizes}
    async with open_world() as world:
        if "costs" in wanted:
            costs = []
            async for cost in measure(world, seconds=arguments.seconds):
                costs.append(cost)
                print(f"\r  {cost.name}: {cost.count:,}      ", flush=True)
            print(f"\n{cost_table(costs)}\n")
            _keep(told, "costs", [as_dict(each) for each in costs])
        kinds = [KINDS[name] for name in KINDS if name in wanted]
        models = await _models(world, [kind.name for kind in kinds])
        await _rest(world)
        await _give_cache(world, arguments.cache_mb)
        try:
            for kind in kinds:
                keep = partial(_keep, told, kind.name)
                sizes = sorted(arguments.sizes)
                figures = await grow(world.client["bench_scaling"], kind, models[kind.name], sizes, keep)
                print(f"\n{kind.name}\n\n{growth_table(figures, sizes)}\n", flush=True)
        finally:
            await world.client.drop_database("bench_scaling")
            await _give_cache(world, STACKS_CACHE_MB)


async def _models(world: World, names: list[str]) -> dict[str, Models]:
    """Real documents of each kind, made by the services themselves."""
    models = {}
    if {"orders", "records", "keys"} & set(names):
        await _buy(world, with_records="records" in names)
    if "accounts" in names:
        await world.start("ours", "auth")
    if "accounts" in names and not await world.collection("ours", "auth", "accounts").count_documents({}):
        maker = await world.spawn("ours", "auth", "-m", "bench.customers", "--count", str(MODELS), name="customers")
        await maker.wait_for_end()
    if "subscribers" in names:
        await world.run_ours("mailer", "indexes", PADLOCK_SMTP_URL="smtp://127.0.0.1:25")
        people = [(f"{n:032x}", f"Reader {n}", f"reader.{n}@example.com") for n in range(MODELS)]
        await plant(world, "ours", *sealed(world, people))
    for name in names:
        kind = KINDS[name]
        collection = (
            world.keys_collection("ours", kind.service)
            if kind.is_keys
            else world.collection("ours", kind.service, kind.collection)
        )
        settled = {"status": "paid", "outbox.0": {"$exists": False}, "account_id": {"$gt": ""}}
        models[name] = await Models.of(collection, wanted=settled if name == "orders" else {})
    return models


async def _buy(world: World, *, with_records: bool) -> None:
    """Orders of customers with accounts, through the gateway, until enough are settled; and their records."""
    checkouts = Checkouts(1, Sessions())
    await checkouts.prepare(world)
    if with_records:
        await world.start("ours", "warranty")
    orders, records = (world.collection("ours", *where) for where in (("orders", "orders"), ("warranty", "purchases")))
    async with asyncio.timeout(60):
        target = Target(world.sides["ours"].ports["gateway"], world.tls)
        while await orders.count_documents({"status": "paid", "account_id": {"$gt": ""}}) < MODELS:
            await run(target, checkouts._signed_in, connections=CONNECTIONS, seconds=1)
        while await orders.count_documents({"outbox.0": {"$exists": True}}):
            await asyncio.sleep(0.1)
        while with_records and await records.count_documents({"owner_key": {"$exists": True}}) < MODELS:
            await asyncio.sleep(0.1)


async def _rest(world: World) -> None:
    """Nobody else is at work while collections grow."""
    for process in world.sides["ours"].processes.values():
        await process.stop()


async def _give_cache(world: World, size_mb: int) -> None:
    """Memory of WiredTiger's for pages: with the half gigabyte of a stack for trying out, filling slows down early."""
    changed = {"wiredTigerEngineRuntimeConfig": f"cache_size={size_mb}M"}
    await world.client.admin.command({"setParameter": 1, **changed})


def _keep(told: dict[str, Any], name: str, what: Figures | list[Any]) -> None:
    """In the file as soon as it is known: a long run may be ended."""
    told[name] = what if isinstance(what, list) else _plain(what)
    RESULT.write_text(json.dumps(told, indent=1) + "\n")


def _plain(figures: Figures) -> dict[str, dict[str, float]]:
    return {
        f"{figure.name} [{figure.unit}]": {str(size): value for size, value in values.items()}
        for figure, values in figures.values.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.scaling")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--only", nargs="*", choices=["costs", *KINDS])
    parser.add_argument("--cache-mb", type=int, default=4096, help="of the database, while collections grow")
    parser.add_argument("--seconds", type=float, default=4)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(parser.parse_args()))
