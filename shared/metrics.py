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
OUTBOX_PENDING = Gauge("padlock_outbox_pending", "Documents whose events still wait to be published; at most 10,000.")
OUTBOX_AGE = Gauge("padlock_outbox_age_seconds", "How long the oldest event has waited to be published.")
QUEUE_MESSAGES = Gauge("padlock_queue_messages", "Messages that lie ready in a queue of this service.", ["queue"])
VERSION = Gauge("padlock_version_info", "1; the labels say which release this process is.", ["service", "version"])
PEER_UP = Gauge("padlock_peer_up", "1 where the peer answered when it was last asked, else 0.", ["peer"])
KEY_AGE = Gauge("padlock_key_age_seconds", "How old the current version of a key is.", ["purpose"])
KEY_VERSIONS = Gauge("padlock_key_versions", "Versions of a key that this process could use.", ["purpose"])
SPANS_LOST = Counter(
    "padlock_spans_lost_total", "Spans that the collector did not take, or for which there was no room."
)
LOOP_LAG = Histogram(
    "padlock_event_loop_lag_seconds",
    "How much later than asked for the event loop wakes its sleepers: saturation.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


@lru_cache(maxsize=2048)
def http_duration(route: str, method: str, status: int) -> Histogram:
    """`HTTP_DURATION` of one route, method and status."""
    return HTTP_DURATION.labels(route, method, str(status))


def exposition() -> bytes:
    """All metrics of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)
