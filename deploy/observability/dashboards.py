"""Grafana's dashboards: `python -m deploy.observability.dashboards` writes the files anew; a test compares.

A dashboard is a title and rows of panels; each panel a title, a unit of Grafana's, and expressions with their legends.
"""

import json
import sys
from dataclasses import dataclass
from typing import Any

from deploy.local.layout import ROOT

FOLDER = ROOT / "deploy" / "observability" / "dashboards"
WIDTH, HEIGHT = 24, 8
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_HTTP = 'service=~"$service",route!~"/livez|/readyz|/metrics"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph. `queries` are pairs of a PromQL expression and its legend."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


def _quantile(q: float, rate: str, *by: str) -> str:
    return f"histogram_quantile({q}, sum by ({', '.join((*by, 'le'))}) ({rate}))"


_RATE = f"rate(http_request_duration_seconds_count{{{_HTTP}}}[5m])"
_TIMES = f"rate(http_request_duration_seconds_bucket{{{_HTTP}}}[5m])"
_ERRORS = f'rate(http_request_duration_seconds_count{{{_HTTP},status=~"5.."}}[5m])'
_LAG = 'rate(padlock_event_loop_lag_seconds_bucket{service=~"$service"}[5m])'
_LEAVING = 'route="/newsletter/unsubscribe",method="POST"'
SIGNALS = (
    Panel("Traffic: requests", "reqps", ((f"sum by (service) ({_RATE})", "{{service}}"),)),
    Panel("Errors: share of answers 5xx", "percentunit",
          ((f"sum by (service) ({_ERRORS}) / sum by (service) ({_RATE})", "{{service}}"),)),
    Panel("Latency: 99 in 100 are quicker", "s", ((_quantile(0.99, _TIMES, "service"), "{{service}}"),)),
    Panel("Latency by route: 95 in 100 are quicker", "s", ((_quantile(0.95, _TIMES, "route"), "{{route}}"),)),
    Panel("Saturation: event loop wakes late", "s", ((_quantile(0.9, _LAG, "service"), "{{service}}"),)),
    Panel("Saturation: CPU", "percentunit",
          (('sum by (service) (rate(process_cpu_seconds_total{service=~"$service"}[5m]))', "{{service}}"),)),
    Panel("Memory of the largest process", "bytes",
          (('max by (service) (process_resident_memory_bytes{service=~"$service"})', "{{service}}"),)),
    Panel("Peers that answer", "none",
          (('min by (service, peer) (padlock_peer_up{service=~"$service"})', "{{service}} {{peer}}"),)),
)  # fmt: skip
EVENTS = (
    Panel("Oldest event that waits to be published", "s",
          (("max by (service) (padlock_outbox_age_seconds)", "{{service}}"),)),
    Panel("Documents with such events", "none", (("max by (service) (padlock_outbox_pending)", "{{service}}"),)),
    Panel("Queues", "none",
          (('max by (queue) (padlock_queue_messages{queue!~".+[.](dead|retry[.].+)"})', "{{queue}}"),)),
    Panel("Waiting for another try", "none",
          (('max by (queue) (padlock_queue_messages{queue=~".+[.]retry[.].+"}) > 0', "{{queue}}"),)),
    Panel("Dead letters", "none", (('max by (queue) (padlock_queue_messages{queue=~".+[.]dead"})', "{{queue}}"),)),
    Panel("Deliveries settled", "ops",
          (("sum by (service, outcome) (rate(padlock_events_handled_total[5m]))", "{{service}} {{outcome}}"),)),
    Panel("Events published", "ops",
          (("sum by (service) (rate(padlock_events_published_total[5m]))", "{{service}}"),)),
)  # fmt: skip
PROMISES = (
    Panel("Newsletters withheld by the cap, so far", "none", (("max(padlock_newsletters_capped)", "withheld"),)),
    Panel("Time to unsubscribe", "s", tuple(
        (_quantile(q, f"rate(http_request_duration_seconds_bucket{{{_LEAVING}}}[1h])"), f"{q:.0%}")
        for q in (0.5, 0.99))),
    Panel("Receipts and notices that wait", "none", (("max(padlock_notices_waiting)", "waiting"),)),
    Panel("The oldest of them", "s", (("max(padlock_notices_age_seconds)", "age"),)),
    Panel("Receipts and notices that came to an end", "ops",
          (("sum by (template, state) (rate(padlock_notices_total[5m]))", "{{template}} {{state}}"),)),
    Panel("Open claims by deadline", "none",
          (("max by (deadline, due) (padlock_claims_open)", "{{deadline}} {{due}}"),)),
    Panel("Deadlines missed", "none",
          (("sum by (deadline) (increase(padlock_claims_overdue_total[1d]))", "{{deadline}}"),)),
    Panel("Age of keys", "s",
          (("max by (service, purpose) (padlock_key_age_seconds)", "{{service}} {{purpose}}"),)),
    Panel("Versions of keys", "none",
          (("max by (service, purpose) (padlock_key_versions)", "{{service}} {{purpose}}"),)),
    Panel("Personal values opened, by purpose", "ops",
          (("sum by (service, purpose) (rate(padlock_decryptions_total[5m]))", "{{service}} {{purpose}}"),)),
    Panel("Checkouts screened", "ops", (("sum by (decision) (rate(padlock_screened_total[5m]))", "{{decision}}"),)),
    Panel("Refunds refused by the provider", "none",
          (("sum(increase(padlock_refunds_refused_total[1d]))", "refused"),)),
    Panel("The oldest refund or void that waits", "s", (("max(padlock_refunds_age_seconds)", "age"),)),
)  # fmt: skip
DASHBOARDS = {
    "signals": ("Padlock: golden signals", SIGNALS),
    "events": ("Padlock: events", EVENTS),
    "promises": ("Padlock: promises", PROMISES),
}


def render(name: str) -> str:
    """One dashboard as Grafana imports it."""
    title, panels = DASHBOARDS[name]
    document = {
        "uid": f"padlock-{name}",
        "title": title,
        "tags": ["padlock"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source_variable(), _service_variable()]},
        "panels": [_panel(place, panel) for place, panel in enumerate(panels)],
    }
    return json.dumps(document, indent=1) + "\n"


def _source_variable() -> dict[str, Any]:
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _service_variable() -> dict[str, Any]:
    return {"name": "service", "type": "query", "datasource": _SOURCE, "query": "label_values(up, service)",
            "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*",
            "current": {"text": "All", "value": "$__all"}}  # fmt: skip


def _panel(place: int, panel: Panel) -> dict[str, Any]:
    half = WIDTH // 2
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": place % 2 * half, "y": place // 2 * HEIGHT, "w": half, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + number), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for number, (expression, legend) in enumerate(panel.queries)
        ],
    }


if __name__ == "__main__":
    for each in DASHBOARDS:
        (FOLDER / f"{each}.json").write_text(render(each))
    sys.exit(0)
