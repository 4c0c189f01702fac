"""A service's part of the staff's status page."""

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge

from shared import metrics
from shared.errors import TransientError
from shared.status import KEPT_S, Status, table
from shared.testing.clock import NOON, FixedClock


def registry() -> CollectorRegistry:
    found = CollectorRegistry()
    queues = Gauge("padlock_queue_messages", "", ["queue"], registry=found)
    queues.labels(queue="orders.dead").set(2)
    queues.labels(queue="orders.claims").set(3)
    Gauge("padlock_peer_up", "", ["peer"], registry=found).labels(peer="broker").set(0)
    claims = Gauge("padlock_claims_open", "", ["deadline", "due"], registry=found)
    claims.labels(deadline="resolution", due="overdue").set(0)
    Gauge("somebody_elses", "", registry=found).set(7)
    return found


def test_the_table_marks_what_is_wrong_and_leaves_out_what_nobody_asked_for() -> None:
    shown = table(registry().collect())

    assert '<tr><th scope="row">messages in queue orders.dead</th><td class="number"><strong>2</strong></td>' in shown
    assert '<tr><th scope="row">messages in queue orders.claims</th><td class="number">3</td>' in shown
    assert '<tr><th scope="row">answers broker</th><td class="number"><strong>no</strong></td>' in shown
    assert '<tr><th scope="row">open claims resolution overdue</th><td class="number">0</td>' in shown
    assert "somebody" not in shown


async def test_it_is_measured_when_asked_and_kept_for_a_moment() -> None:
    clock, measured = FixedClock(NOON), []

    async def measure() -> None:
        measured.append(clock())
        metrics.OUTBOX_PENDING.set(len(measured) * 100)

    async def cannot() -> None:
        raise TransientError("away")

    status = Status("1.2.3", [cannot, measure], clock)
    first = await said(status)
    clock.advance(seconds=KEPT_S / 2)
    assert await said(status) == first
    clock.advance(seconds=KEPT_S)
    second = await said(status)

    assert "Version 1.2.3, this process up since 2" in first
    assert 'documents whose events wait </th><td class="number">100<' in first
    assert 'documents whose events wait </th><td class="number">200<' in second


async def said(status: Status) -> str:
    [route] = status.routes()
    assert isinstance(route, web.RouteDef)
    assert route.path == "/internal/status"
    answer = await status.handle(None)  # type: ignore[arg-type]
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.text)
