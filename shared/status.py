"""A service's part of the staff's status page: what its metrics say now, in words. No person, no script, no secret.

The gateway puts the parts together (deploy/gateway/status.html): no service asks another.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric

from shared.clock import Clock
from shared.measures import Measure, measure_once

PATH = "/internal/status"
MEASURED_WITHIN_S = 3.0
KEPT_S = 2.0
TOLD = {
    "padlock_peer_up": "answers",
    "padlock_outbox_pending": "documents whose events wait",
    "padlock_outbox_age_seconds": "seconds that the oldest event has waited",
    "padlock_queue_messages": "messages in queue",
    "padlock_claims_open": "open claims",
    "padlock_notices_waiting": "receipts and notices that wait",
    "padlock_notices_age_seconds": "seconds that the oldest of them has waited",
    "padlock_newsletters_capped": "newsletters withheld by the cap",
    "padlock_smtp_relay_away": "mail relay away",
    "padlock_key_age_seconds": "days that the current key is old",
}
"""What is told, in this order, by the metric's name."""


class Status:
    """Measures when it is asked, at most every `KEPT_S` seconds."""

    def __init__(self, version: str, measures: Sequence[Measure], clock: Clock) -> None:
        self._version = version
        self._measures = measures
        self._clock = clock
        self._since = clock()
        self._part = ""
        self._measured_at = datetime.min.replace(tzinfo=UTC)
        self._measuring = asyncio.Lock()

    async def handle(self, _request: web.Request) -> web.Response:
        """The part, as HTML. Only the gateway comes here, once auth has told it that it is staff who ask."""
        async with self._measuring:
            if (self._clock() - self._measured_at).total_seconds() > KEPT_S:
                self._part = await self._measured()
                self._measured_at = self._clock()
        return web.Response(text=self._part, content_type="text/html", headers={"Cache-Control": "no-store"})

    def routes(self) -> list[web.RouteDef]:
        """For the gateway alone: it has no route that leads here."""
        return [web.get(PATH, self.handle)]

    async def _measured(self) -> str:
        note = ""
        try:
            async with asyncio.timeout(MEASURED_WITHIN_S):
                await measure_once(self._measures)
        except TimeoutError:
            note = '<p class="notice">Not all could be measured now: some figures are older.</p>'
        since = self._since.strftime("%Y-%m-%d %H:%M UTC")
        head = f"<p>Version {escape(self._version)}, this process up since {since}.</p>"
        return head + note + table(REGISTRY.collect())


def table(metrics: Iterable[Metric]) -> str:
    """What is told of these metrics, as a table. Dead letters and overdue claims are marked where there are any."""
    found = {metric.name: metric for metric in metrics if metric.name in TOLD}
    rows = [
        _row(TOLD[name], sample.labels, _value(name, sample.value))
        for name in TOLD
        if name in found
        for sample in sorted(found[name].samples, key=lambda each: sorted(each.labels.items()))
    ]
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _value(name: str, value: float) -> str:
    if name == "padlock_peer_up":
        return "yes" if value else "no"
    if name == "padlock_key_age_seconds":
        return f"{value / 86_400:.0f}"
    return f"{value:.0f}"


def _row(what: str, labels: dict[str, str], value: str) -> str:
    of = " ".join(labels[name] for name in sorted(labels))
    wrong = (of.endswith(".dead") or "overdue" in of or "away" in what) and value != "0"
    shown = f"<strong>{value}</strong>" if wrong or value == "no" else value
    return f'<tr><th scope="row">{escape(what)} {escape(of)}</th><td class="number">{shown}</td></tr>'
