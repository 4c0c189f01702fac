"""The process's Prometheus metrics. No label ever carries a person's value; routes are templates, never paths."""

from functools import lru_cache

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

HTTP_DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from a request's head to its answer, by route template.",
    ["route", "method", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
DECRYPTIONS = Counter("padlock_decryptions_total", "Personal values opened, by declared purpose.", ["purpose"])
EVENTS_PUBLISHED = Counter("padlock_events_published_total", "Events that the broker has confirmed.")
EVENTS_HANDLED = Counter("padlock_events_handled_total", "Deliveries settled, by outcome.", ["type", "outcome"])
OUTBOX_PENDING = Gauge("padlock_outbox_pending", "Documents whose events still wait to be published.")


@lru_cache(maxsize=2048)
def http_duration(route: str, method: str, status: int) -> Histogram:
    """`HTTP_DURATION` of one route, method and status."""
    return HTTP_DURATION.labels(route, method, str(status))


def exposition() -> bytes:
    """All metrics of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)
