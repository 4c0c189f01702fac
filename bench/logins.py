"""Logging in: how much of what bare Argon2id could do, and how long a session check takes meanwhile.

One login is one hash, so the raw form is that hash alone, on as many threads, in a process of its own.
"""

import asyncio
import itertools
import json

from bench.customers import PASSWORD, email_of
from bench.load import Answers, percentile, request, run
from bench.report import Metric, Results, shown
from bench.sections import Http, Sessions, judge
from bench.world import World

CUSTOMERS = 3000
BROWSERS = 32  # log in at the same time: more than there are threads, no more than the queue takes
CHECKS_PER_S = 100
CHECKING = 8
UNTIL_SATURATED_S = 0.5


class Logins(Http):
    """`POST /api/auth/session` straight at the service, each time for another account, against the bare hash.

    Then session checks at a fixed rate while that goes on: of ours beside logins, of the raw form beside bare hashing.
    """

    most_rounds = 6
    RATE = Metric("logins, of bare Argon2id", "/s", least_ratio=0.9)
    CPU = shown("logins: CPU of auth, or of the bare loop, for each", "ms")
    P99 = Metric("session check while logins saturate, p99", "ms", most=25.0)
    P50 = shown("session check while logins saturate, p50", "ms")
    LOGIN_P99 = shown("login with 32 at once, p99", "ms")

    def __init__(self, seconds: float, sessions: Sessions) -> None:
        super().__init__(seconds, sessions)
        self._customers = itertools.cycle(range(CUSTOMERS))
        self._hashing: dict[str, int] = {}

    async def prepare(self, world: World) -> None:
        await self._sessions.store(world)
        for side in ("ours", "raw"):
            await world.start(side, "auth")
        maker = await world.spawn("ours", "auth", "-m", "bench.customers", "--count", str(CUSTOMERS), name="customers")
        self._hashing = json.loads((await maker.wait_for_end()).splitlines()[-1])

    async def run(self, world: World, side: str, results: Results) -> None:
        saturate = self._log_in if side == "ours" else self._hash
        per_second, cpu_ms = await saturate(world, results)
        results.add(side, self.RATE, per_second)
        results.add(side, self.CPU, cpu_ms)
        async with asyncio.TaskGroup() as group:
            group.create_task(saturate(world, results, is_counted=False))
            await asyncio.sleep(UNTIL_SATURATED_S)
            checks = await self._check(world, side, results)
        results.add(side, self.P99, percentile(checks.latencies_s, 0.99) * 1000)
        results.add(side, self.P50, percentile(checks.latencies_s, 0.5) * 1000)

    async def _log_in(self, world: World, results: Results, *, is_counted: bool = True) -> tuple[float, float]:
        target, auth = self.direct(world, "ours", "auth"), world.sides["ours"].processes["auth"]
        cpu_s = auth.cpu_s
        answers = await run(target, self._login, connections=BROWSERS, seconds=self._seconds, proof=b"-session=")
        judge(answers, results, "logins")
        if is_counted:
            results.add("ours", self.LOGIN_P99, percentile(answers.latencies_s, 0.99) * 1000)
            results.add("raw", self.LOGIN_P99, 0.0)  # nobody waits in a bare loop
        return answers.per_second, (auth.cpu_s - cpu_s) * 1000 / max(answers.good, 1)

    async def _hash(self, world: World, _results: Results, *, is_counted: bool = True) -> tuple[float, float]:
        hashing = [f"--{name.replace('_', '-')}={value}" for name, value in self._hashing.items()]
        process = await world.spawn(
            "raw", "auth", "-m", "bench.raw_hashes", *hashing, f"--seconds={self._seconds}", name="hashes"
        )
        done = json.loads((await process.wait_for_end()).splitlines()[-1])
        return float(done["per_second"]), float(done["cpu_ms"])

    async def _check(self, world: World, side: str, results: Results) -> Answers:
        answers = await run(
            self.direct(world, side, "auth"),
            self._sessions.check,
            connections=CHECKING,
            seconds=self._seconds - 2 * UNTIL_SATURATED_S,  # over before the logins are
            proof=b"x-identity: ey",
            per_second=CHECKS_PER_S,
        )
        judge(answers, results, f"{side} session checks beside logins")
        return answers

    def _login(self) -> bytes:
        number = next(self._customers)
        body = json.dumps({"email": email_of(number), "password": PASSWORD}).encode()
        network = f"10.{number // 250}.{number % 250}.1"
        return request("POST", "/api/auth/session", host="localhost", headers={"X-Forwarded-For": network}, body=body)
