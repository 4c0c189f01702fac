"""Two versions of one service side by side under load: no request fails, nothing is dead, nothing is lost.

The next release is made here, as one would make it: a newer version, a field more in an event, which its reader keeps,
an index more, and a migration for the documents of the older form.
"""

import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from deploy.commands import run_command
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from shared.topology import SERVICES
from tests.fleet import ROOT, fleet
from tests.journey.conftest import PASSWORD
from tests.journey.steady import Steady, going_on

MIGRATIONS = """MIGRATIONS = (
    Migration("purchase-channel", "purchases", {"channel": {"$exists": False}}, {"$set": {"channel": "unknown"}}),
)
"""
PATCHES: dict[str, tuple[tuple[str, str], ...]] = {
    "services/orders/__init__.py": ((r'VERSION = "[^"]+"', 'VERSION = "99.1.0"'),),
    "services/warranty/__init__.py": ((r'VERSION = "[^"]+"', 'VERSION = "99.2.0"'),),
    "shared/contracts/orders.py": (
        (r"(    order_id: str\n    number: str = [^\n]+\n    purchased_at: )", r'    channel: str = ""\n\1'),
    ),
    "services/orders/life/domain.py": ((r"(return PurchaseCompleted\(\n)", r'\1        channel="web",\n'),),
    "services/warranty/records/domain.py": (
        (r"(    transferred_at: datetime \| None = None\n)", r'\1    channel: str = ""\n'),
        (r"(    return PurchaseRecord\(\n)", r"\1        channel=purchase.channel,\n"),
    ),
    "services/warranty/records/mongo.py": (
        (r'(        "order_number": record\.order_number,\n)', r'\1        "channel": record.channel,\n'),
        (r'(            Index\("order", )', r'            Index("channel", [("channel", 1), ("_id", 1)]),\n\1'),
    ),
    "services/warranty/service.py": (
        (r"(from shared\.mongo import )", r"from shared.migrations import Migration\n\1"),
        (r"(    version=VERSION,\n)", r"\1    migrations=MIGRATIONS,\n"),
        (r"(SERVICE: Service)", MIGRATIONS + r"\1"),
    ),
}


@pytest.fixture(scope="module")
def following(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next release of orders and of warranty."""
    root = tmp_path_factory.mktemp("next")
    for folder in ("services", "shared"):
        shutil.copytree(ROOT / folder, root / folder)  # with what is compiled: each process would do it anew
    for name, changes in PATCHES.items():
        text = (root / name).read_text()
        for pattern, replacement in changes:
            text, count = re.subn(pattern, replacement, text)
            assert count == 1, (name, pattern, count)
        (root / name).write_text(text)
    return root


@pytest.fixture(autouse=True)
def as_before(shop: Shop) -> Iterator[None]:
    """What the next release has left in the stack's database goes again: other tests and runs come after."""
    yield
    with MongoClient[dict[str, Any]](shop.stack.read()["mongo"]) as client:
        client["warranty"]["purchases"].update_many({}, {"$unset": {"channel": 1}})
        if "channel" in client["warranty"]["purchases"].index_information():
            client["warranty"]["purchases"].drop_index("channel")
        client["warranty"]["migrations"].delete_one({"_id": "purchase-channel"})


@asynccontextmanager
async def under_load(shop: Shop, email: str) -> AsyncIterator[Steady]:
    async with shop.browser() as browser:
        await shop.register(browser, email, "Rolling Buyer", PASSWORD)
        await shop.log_in(browser, email, PASSWORD)
        sku = str((await browser.all("/api/orders/products"))[0]["sku"])
        load = Steady(
            lambda: [
                ("POST", "/api/orders", order(sku, "JPY", name="Rolling Buyer", email=email), 201),
                ("GET", f"/api/orders/products/{sku}", None, 200),
                ("GET", "/api/warranty/purchases", None, 200),
            ]
        )
        async with going_on(browser, load):
            await load.more()
            yield load


async def test_an_upgrade_under_load_and_its_rollback(
    shop: Shop, following: Path, address: Callable[[str], str]
) -> None:
    async with fleet(shop, {"orders": 2, "warranty": 2}) as processes, under_load(shop, address("roll")) as load:
        old = {name: await processes.start(name, "serve", port=processes.slots[name][0]) for name in processes.slots}
        await load.more()

        new = {}
        for name in ("warranty", "orders"):  # readers first
            assert (await processes.run(name, "indexes", root=following))[0] == 0
            new[name] = await processes.start(name, "serve", port=processes.slots[name][1], root=following)
            await processes.start(name, "work", root=following)
            await load.more()
            assert await old[name].stop() == 0
            await load.more()
        migrate = partial(processes.run, "warranty", "migrate", "--batch", "20", root=following)
        await eventually(migrate, lambda done: done[0] == 0 and "purchase-channel" in done[1])  # goes on where it was
        await load.more()

        for name in ("orders", "warranty"):  # and back
            again = await processes.start(name, "serve", port=processes.slots[name][0])
            assert await new[name].stop() == 0
            await load.more()
            assert await again.stop() == 0
        await load.more()

    assert load.failed == []
    placed = {answer["id"]: answer["number"] for answer in load.answered}
    async with shop.browser() as ann:
        await shop.log_in(ann, address("roll"), PASSWORD)
        await everything_is_there_once(shop, ann, placed, address("roll"))
    both_have_spoken(shop, placed)


async def everything_is_there_once(shop: Shop, ann: Browser, placed: dict[str, str], email: str) -> None:
    wanted = set(placed.values())

    async def records() -> Counter[str]:
        return Counter(record["order_number"] for record in await ann.all("/api/warranty/purchases"))

    found = await eventually(records, lambda found: found.keys() >= wanted)
    assert set(found.values()) == {1}

    async def receipts() -> set[str]:
        subjects = " ".join(mail.subject for mail in shop.mailbox.to(email))
        return {number for number in wanted if number in subjects}

    await eventually(receipts, lambda found: found == wanted)
    for service in SERVICES:
        assert await run_command(service, "dead", "list") == "", service


def both_have_spoken(shop: Shop, placed: dict[str, str]) -> None:
    """Records of events of the new form and of the old one, and of both forms as the old reader keeps them."""
    with MongoClient[dict[str, Any]](shop.stack.read()["mongo"]) as client:
        found = client["warranty"]["purchases"].find({"order_id": {"$in": list(placed)}}, {"channel": 1})
        channels = Counter(row.get("channel", "none") for row in found)
    assert channels["web"] > 0
    assert channels["unknown"] > 0
    assert channels["none"] > 0
