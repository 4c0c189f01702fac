"""What alerts and dashboards ask for is exposed by the services that really run."""

import asyncio
import time

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.services import PURPOSES
from deploy.outside.shop import Shop
from shared.topology import queues_of
from tests.expressions import SCRAPED, expressions, family, selectors

WAIT_S = 30
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(shop: Shop, service: str) -> tuple[set[str], Samples]:
    """Names of all metrics of a service, and its samples."""
    url = f"{shop.stack.read()['services'][service]['url']}/metrics"
    patience = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=patience) as session, session.get(url) as answer:
        assert answer.status == 200
        families = list(text_string_to_metric_families(await answer.text()))
    names = {each.name for each in families}
    return names, {(s.name, frozenset(s.labels.items())): s.value for each in families for s in each.samples}


async def test_every_metric_that_is_asked_for_is_exposed(shop: Shop) -> None:
    found = await asyncio.gather(*(scraped(shop, service) for service in shop.stack.read()["services"]))
    exposed = set[str]().union(*(names for names, _ in found))

    asked = {selector.name for expression in expressions().values() for selector in selectors(expression)} - SCRAPED

    assert len(asked) >= 20
    assert {name for name in asked if family(name, exposed) not in exposed} == set()


@pytest.mark.parametrize("service", ["auth", "orders", "mailer", "warranty"])
async def test_a_service_tells_its_queues_keys_and_peers(shop: Shop, service: str) -> None:
    wanted = {("padlock_queue_messages", frozenset({("queue", queue)})) for queue in queues_of(service)}
    wanted |= {("padlock_key_age_seconds", frozenset({("purpose", purpose)})) for purpose in PURPOSES[service]}
    peers = [("padlock_peer_up", frozenset({("peer", peer)})) for peer in ("database", "broker")]
    deadline = time.monotonic() + WAIT_S

    while True:
        _, samples = await scraped(shop, service)
        missing = wanted - samples.keys()
        if not missing and all(samples.get(peer) == 1 for peer in peers):
            break
        assert time.monotonic() < deadline, (missing, [samples.get(peer) for peer in peers])
        await asyncio.sleep(0.2)

    assert ("padlock_outbox_age_seconds", frozenset()) in samples


async def test_claims_are_told_by_deadline(shop: Shop) -> None:
    deadline = time.monotonic() + WAIT_S
    wanted = {
        (name, due) for name in ("first_answer", "resolution") for due in ("overdue", "within-a-day", "later")
    }  # fmt: skip

    while True:
        _, samples = await scraped(shop, "warranty")
        told = {(dict(labels)["deadline"], dict(labels)["due"]) for name, labels in samples if name.endswith("s_open")}
        if told == wanted:
            break
        assert time.monotonic() < deadline, told
        await asyncio.sleep(0.2)
