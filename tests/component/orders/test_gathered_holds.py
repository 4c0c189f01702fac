"""Holds of orders that arrive together: how many commands they cost, and that each is still judged alone."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from services.orders.catalogue.mongo import MongoProducts
from services.orders.stock.holds import GatheredHolds, HoldRequest
from shared.mongo import Database
from shared.testing.clock import NOON
from tests.unit.orders.doubles import a_product
from tests.unit.orders.suites import OTHER, SKU


class Counted:
    """A collection that counts the commands that write."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self.writes = 0

    async def bulk_write(self, *arguments: Any, **options: Any) -> Any:
        self.writes += 1
        return await self._collection.bulk_write(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)


@pytest.fixture
async def stock(database: Database) -> Counted:
    products = MongoProducts(database)
    await products.put(a_product(SKU), stock=5)
    await products.put(a_product(OTHER), stock=3)
    return Counted(database["stock"])


async def _take(holds: GatheredHolds, wanted: Iterable[tuple[str, str, int]]) -> list[bool]:
    return await asyncio.gather(
        *(holds.take(HoldRequest(sku, order_id, units, NOON)) for order_id, sku, units in wanted)
    )


async def _holds(stock: Any, sku: str) -> tuple[int, set[str]]:
    document = await stock.find_one({"_id": sku})
    return document["count"], set(document["holds"])


async def test_orders_of_several_products_share_one_command(stock: Counted) -> None:
    wanted = [("o-1", SKU, 2), ("o-2", OTHER, 1), ("o-3", SKU, 3), ("o-4", OTHER, 2)]

    held = await _take(GatheredHolds(stock), wanted)  # type: ignore[arg-type]

    assert held == [True] * 4
    assert stock.writes == 1
    assert await _holds(stock, SKU) == (0, {"o-1", "o-3"})
    assert await _holds(stock, OTHER) == (0, {"o-2", "o-4"})


async def test_what_cannot_be_had_whole_is_tried_one_by_one_and_keeps_nothing_else_back(stock: Counted) -> None:
    wanted = [("o-1", SKU, 3), ("o-2", SKU, 3), ("o-3", SKU, 2), ("o-4", OTHER, 2), ("o-5", "unknown", 1)]

    held = await _take(GatheredHolds(stock), wanted)  # type: ignore[arg-type]

    assert held == [True, False, True, True, False]
    assert stock.writes == 2
    assert await _holds(stock, SKU) == (0, {"o-1", "o-3"})
    assert await _holds(stock, OTHER) == (1, {"o-4"})


async def test_two_hundred_buyers_and_five_units_in_any_number_of_processes(stock: Counted) -> None:
    processes = [GatheredHolds(stock) for _ in range(4)]  # type: ignore[arg-type]

    held = await asyncio.gather(
        *(_take(holds, [(f"o-{place}-{n}", SKU, 1) for n in range(50)]) for place, holds in enumerate(processes))
    )

    assert sum(sum(each) for each in held) == 5
    count, orders = await _holds(stock, SKU)
    assert count == 0
    assert orders == {f"o-{p}-{n}" for p, each in enumerate(held) for n, has in enumerate(each) if has}


async def test_a_sold_hold_outlives_a_write_that_was_in_vain(stock: Counted) -> None:
    holds = GatheredHolds(stock)  # type: ignore[arg-type]
    await _take(holds, [("o-1", SKU, 4)])
    holds.forget_later(SKU, "o-1")

    assert await _take(holds, [("o-2", SKU, 2), ("o-3", OTHER, 1)]) == [False, True]
    assert await _take(holds, [("o-4", SKU, 1)]) == [True]

    assert await _holds(stock, SKU) == (0, {"o-4"})
