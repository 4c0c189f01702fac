"""What the identity check costs a request: ours against the same gateway and services with a constant for an answer."""

import aiohttp

from bench.load import Target
from bench.report import Metric, Results, shown
from bench.sections import Http, Sessions
from bench.world import World


class GatewayChecks(Http):
    """A customer's page through two gateways of one make that differ in `auth_request` alone.

    One asks auth, the other (`raw`) a constant: an identity that auth has signed a moment before, so that the service
    behind has the same to check. Once with the page of a product, and once with a page that is a constant as well:
    that second figure has next to nothing in it but the gateway and the check.
    """

    PAGE = Metric("product page, auth_request constant / ours", "/s", least_ratio=0.6)
    CONSTANT = shown("constant page, auth_request constant / ours", "/s")

    def __init__(self, seconds: float, sessions: Sessions) -> None:
        super().__init__(seconds, sessions)
        self._identity = 0
        self._fronts: dict[tuple[str, Metric], int] = {}

    async def prepare(self, world: World) -> None:
        await self._sessions.store(world)
        for service in ("auth", "orders"):
            await world.start("ours", service)
        ours = world.sides["ours"].ports
        self._identity = await world.start_constant("identity")
        pages = {self.PAGE: ours["orders"], self.CONSTANT: await world.start_constant("page")}
        for side, auth in (("ours", ours["auth"]), ("raw", self._identity)):
            for number, (metric, orders) in enumerate(pages.items()):
                self._fronts[side, metric] = await world.start_front(f"{side}-{number}", auth=auth, orders=orders)

    async def run(self, world: World, side: str, results: Results) -> None:
        await self._sign(world)
        for metric in (self.PAGE, self.CONSTANT):
            target = Target(self._fronts[side, metric], world.tls)
            # The constant page tells whom it saw: nobody may be a guest here.
            proof = b"x-seen-identity: ey" if metric is self.CONSTANT else b""
            answers = await self.load(target, self._sessions.page, results, f"{side} {metric.name}", proof=proof)
            results.add(side, metric, answers.per_second)

    async def _sign(self, world: World) -> None:
        """Give the constant an identity that is good for the next minute."""
        headers = {"Cookie": self._sessions.cookie(), "X-Audience": "orders"}
        async with aiohttp.ClientSession() as client:
            async with client.get(
                f"http://127.0.0.1:{world.sides['ours'].ports['auth']}/internal/identity", headers=headers
            ) as answer:
                signed = answer.headers["X-Identity"]
            async with client.put(f"http://127.0.0.1:{self._identity}/internal/identity", data=signed) as answer:
                answer.raise_for_status()
