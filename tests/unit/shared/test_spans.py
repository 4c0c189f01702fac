"""Spans: whose child each is, what it may carry, and how they reach a collector."""

import asyncio

import orjson
import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from shared import otlp, spans
from shared.settings import BaseSettings
from shared.spans import Kind, Span
from shared.trace import continue_trace, current_traceparent, span_id, trace_id

CLIENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_span_is_the_child_of_what_it_was_begun_with() -> None:
    with (
        spans.recording(1) as recorded,
        spans.span("outer", Kind.CONSUMER, CLIENT, {"padlock.template": "receipt"}),
        spans.span("inner", Kind.CLIENT, current_traceparent(), {}) as told,
    ):
        told["padlock.outcome"] = "accepted"

    inner, outer = recorded
    assert (outer.name, outer.trace, outer.parent) == ("outer", trace_id(CLIENT), span_id(CLIENT))
    assert (inner.trace, inner.parent) == (outer.trace, outer.id)
    assert outer.began <= inner.began <= inner.ended <= outer.ended
    assert (outer.attributes, inner.attributes) == ({"padlock.template": "receipt"}, {"padlock.outcome": "accepted"})
    assert current_traceparent() == ""


def test_what_fails_is_told_by_its_class_alone() -> None:
    with spans.recording(1) as recorded, pytest.raises(ValueError), spans.span("work", Kind.INTERNAL, "", {}):
        raise ValueError("ann@example.org")

    [span] = recorded
    assert (span.failed, span.parent, span.attributes) == (True, "", {"error.type": "ValueError"})


def test_an_attribute_that_is_not_on_the_list_is_left_out() -> None:
    with spans.recording(1) as recorded, spans.span("work", Kind.INTERNAL, "", {"user.email": "ann@example.org"}):
        pass

    assert recorded[0].attributes == {}


def test_nothing_is_recorded_of_traces_that_nobody_samples_or_while_it_is_off() -> None:
    with spans.recording(0) as recorded:
        with spans.span("new", Kind.INTERNAL, "", {}):
            pass
        with spans.span("theirs, unsampled", Kind.INTERNAL, CLIENT.removesuffix("1") + "0", {}):
            pass
        with spans.span("theirs", Kind.INTERNAL, CLIENT, {}):
            pass
    with spans.span("off", Kind.INTERNAL, CLIENT, {}):
        pass

    assert [span.name for span in recorded] == ["theirs"]


def test_there_is_room_for_so_many_and_the_rest_is_counted() -> None:
    before = REGISTRY.get_sample_value("padlock_spans_lost_total") or 0
    with spans.recording(1) as recorded:
        for _ in range(spans.ROOM + 3):
            spans.record("x", Kind.INTERNAL, CLIENT, received=None, began=1, attributes={})

    assert len(recorded) == spans.ROOM
    assert REGISTRY.get_sample_value("padlock_spans_lost_total") == before + 3


def test_spans_are_written_as_otlp_says() -> None:
    span = Span(
        "GET /", Kind.SERVER, "ab" * 16, "cd" * 8, "", 5, 9, failed=True, attributes={"http.route": "/", "n": 2}
    )

    [resource] = orjson.loads(otlp.encoded([span], service="orders"))["resourceSpans"]

    assert {"key": "service.name", "value": {"stringValue": "orders"}} in resource["resource"]["attributes"]
    assert resource["scopeSpans"][0]["spans"] == [{
        "traceId": "ab" * 16, "spanId": "cd" * 8, "name": "GET /", "kind": 2,
        "startTimeUnixNano": "5", "endTimeUnixNano": "9", "status": {"code": 2},
        "attributes": [{"key": "http.route", "value": {"stringValue": "/"}}, {"key": "n", "value": {"intValue": "2"}}],
    }]  # fmt: skip


class _Collector:
    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.status = 200

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(await request.read())
        return web.Response(status=self.status)


async def _settings(collector: _Collector, aiohttp_runner: list[web.AppRunner]) -> BaseSettings:
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    aiohttp_runner.append(runner)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    return BaseSettings.model_construct(traces_url=f"http://127.0.0.1:{port}", traces_share=1)


@pytest.fixture
async def collector():
    runners: list[web.AppRunner] = []
    taken = _Collector()
    settings = await _settings(taken, runners)
    yield taken, settings
    await runners[0].cleanup()


async def test_the_last_spans_are_sent_at_the_end(collector) -> None:
    taken, settings = collector

    async with otlp.tracing(settings):
        with spans.span("work", Kind.INTERNAL, CLIENT, {}):
            await asyncio.sleep(0)

    sent = [span for body in taken.got for span in orjson.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    assert [span["name"] for span in sent] == ["work"]


async def test_a_collector_that_refuses_costs_the_spans_and_nothing_else(collector) -> None:
    taken, settings = collector
    taken.status = 503
    before = REGISTRY.get_sample_value("padlock_spans_lost_total") or 0

    async with otlp.tracing(settings):
        with spans.span("work", Kind.INTERNAL, CLIENT, {}):
            pass

    assert len(taken.got) == 1
    assert REGISTRY.get_sample_value("padlock_spans_lost_total") == before + 1


async def test_without_an_address_nothing_is_recorded() -> None:
    async with otlp.tracing(BaseSettings.model_construct(traces_url="")):
        assert spans.now() == 0


def test_no_trace_looks_like_a_card_number() -> None:
    card = "55555555555544440000000000000000"

    ours = continue_trace(f"00-{card}-00f067aa0ba902b7-01", sampled=True)

    assert trace_id(ours) != card
    assert ours.endswith("-01")
