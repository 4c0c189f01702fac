import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.load import UNPROVEN, Answers, Target, percentile, request, run


@asynccontextmanager
async def serving(status: int, *, chunked: bool = False) -> AsyncIterator[int]:
    async def answer(_: web.Request) -> web.StreamResponse:
        response = web.Response(status=status, body=b"x" * 70_000, headers={"X-Proof": "here"})
        if chunked:
            response.enable_chunked_encoding()
        return response

    app = web.Application()
    app.router.add_post("/", answer)
    async with TestServer(app) as server:
        assert server.port is not None
        yield server.port


async def ask(port: int, *, proof: bytes = b"") -> Answers:
    made = request("POST", "/", host="localhost", body=b"{}")
    async with asyncio.timeout(10):
        return await run(Target(port), lambda: made, connections=3, seconds=0.2, proof=proof)


@pytest.mark.parametrize("chunked", [False, True])
async def test_every_whole_answer_is_counted_with_its_time(chunked: bool) -> None:
    async with serving(201, chunked=chunked) as port:
        answers = await ask(port)

    assert answers.good == answers.statuses[201] == len(answers.latencies_s) > 3


async def test_a_refusal_is_no_success_and_leaves_a_sample() -> None:
    async with serving(422) as port:
        answers = await ask(port)

    assert answers.good == 0
    assert answers.sample.startswith(b"HTTP/1.1 422")


async def test_an_answer_without_its_proof_is_no_success() -> None:
    async with serving(200) as port:
        proven, unproven = await ask(port, proof=b"x-proof: here"), await ask(port, proof=b"x-proof: there")

    assert proven.good > 0
    assert unproven.good == 0
    assert unproven.statuses[UNPROVEN] > 0


async def test_a_pace_is_kept_by_all_connections_together() -> None:
    made = request("POST", "/", host="localhost", body=b"{}")

    async with serving(200) as port, asyncio.timeout(10):
        answers = await run(Target(port), lambda: made, connections=3, seconds=0.5, per_second=20)

    assert answers.good == len(answers.latencies_s) == 9  # the tenth would be due at the end


async def test_an_answer_that_keeps_others_from_their_turn_is_charged_for_that() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.2)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", slow)
    made = request("GET", "/", host="localhost")
    async with TestServer(app) as server, asyncio.timeout(10):
        assert server.port is not None
        answers = await run(Target(server.port), lambda: made, connections=1, seconds=2, per_second=10)

    assert answers.latencies_s[0] >= 0.2
    assert answers.latencies_s[1] >= 0.3  # due at 0.2 s, sent at 0.3 s


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(100, 0, -1)]

    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)) == (51.0, 100.0, 0.0)
