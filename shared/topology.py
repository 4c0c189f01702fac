"""What the broker must have before any service starts: a pure description, and the names that services use.

Deployment turns it into RabbitMQ definitions (`definitions`); a service declares nothing.

Each consumer and stream has one quorum queue. A failed delivery waits in a queue with a fixed time to live and comes
back through the default exchange to the queue that it came from; past the last delay, or where a retry would say the
same, it goes to the service's dead letters. Both moves are confirmed publishes, so nothing is lost on the way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXCHANGE = "shop.events"
UNROUTED = "shop.unrouted"
DELAYS_S: tuple[int, ...] = (1, 10, 60, 600)
DELIVERY_LIMIT = 20
LISTING_LIMIT = 1_000_000
"""Delivery limit of queues that are only looked at: each look counts as a delivery, and no look may lose a letter."""
UNROUTED_KEPT = 100_000
SERVICES = ("auth", "orders", "mailer", "warranty")


@dataclass(frozen=True, slots=True)
class Stream:
    """A queue of one consuming service and the event types (routing keys) that are bound to it."""

    queue: str
    types: tuple[str, ...]

    @property
    def service(self) -> str:
        """The service that alone may read the queue."""
        return self.queue.partition(".")[0]


PERSONS = ("auth.account.erased.v1", "auth.export.requested.v1")
"""What auth asks of everybody who may know a person."""
ASKED = ("orders", "mailer", "warranty")
"""Who answers, each with `<service>.person.exported.v1` and `<service>.person.erased.v1`."""
STREAMS: tuple[Stream, ...] = (
    Stream("warranty.purchases", ("orders.purchase.completed.v1",)),
    Stream("mailer.purchases", ("orders.purchase.completed.v1",)),
    Stream("warranty.orders", (
        "orders.order.shipped.v1", "orders.order.delivered.v1", "orders.order.claimed.v1",
        "orders.order.cancelled.v1", "orders.refund.completed.v1", "orders.refund.refused.v1",
        "orders.replacement.created.v1", "orders.replacement.refused.v1",
    )),
    Stream("mailer.claims", (
        "warranty.claim.opened.v1", "warranty.claim.updated.v1", "warranty.claim.resolved.v1",
        "warranty.claim.overdue.v1", "warranty.claim.reminded.v1",
    )),
    Stream("mailer.orders", (
        "orders.order.shipped.v1", "orders.order.cancelled.v1", "orders.refund.completed.v1",
        "orders.link.requested.v1", "orders.withdrawal.received.v1",
    )),
    Stream("mailer.messages", ("auth.message.requested.v1",)),
    Stream("mailer.ranges", ("mailer.range.planned.v1",)),
    Stream("orders.claims", ("warranty.refund.requested.v1", "warranty.replacement.requested.v1")),
    Stream("orders.persons", PERSONS),
    Stream("mailer.persons", PERSONS),
    Stream("warranty.persons", PERSONS),
    Stream("auth.persons", tuple(f"{each}.person.{done}.v1" for each in ASKED for done in ("exported", "erased"))),
    Stream("auth.accesses", tuple(f"{each}.access.recorded.v1" for each in ("orders", "warranty"))),
)  # fmt: skip


def retry_exchange(service: str, delay_s: int) -> str:
    """Where `service` publishes what shall come back in `delay_s` seconds, with the queue's name as routing key."""
    return f"{service}.retry.{delay_s}s"


def dead_queue(service: str) -> str:
    """Where the dead letters of `service` lie; the exchange in front of it has the same name."""
    return f"{service}.dead"


def streams_of(service: str) -> tuple[Stream, ...]:
    """The queues that `service` reads."""
    return tuple(stream for stream in STREAMS if stream.service == service)


def queues_of(service: str) -> tuple[str, ...]:
    """All queues that only `service` reads: its streams, what waits for another try, its dead letters."""
    waiting = tuple(retry_exchange(service, delay) for delay in DELAYS_S)
    return (*(stream.queue for stream in streams_of(service)), *waiting, dead_queue(service))


def exchanges() -> list[dict[str, Any]]:
    """Every exchange, as RabbitMQ's definitions file spells it."""
    rows = [
        _exchange(EXCHANGE, "topic", {"alternate-exchange": UNROUTED}),
        _exchange(UNROUTED, "fanout"),
    ]
    for service in SERVICES:
        rows.append(_exchange(dead_queue(service), "fanout"))
        rows += [_exchange(retry_exchange(service, delay), "fanout") for delay in DELAYS_S]
    return rows


def queues() -> list[dict[str, Any]]:
    """Every queue. At-least-once dead-lettering wants `reject-publish` (RabbitMQ, quorum queues)."""
    safe = {"x-queue-type": "quorum", "x-overflow": "reject-publish"}
    looked_at = {"x-queue-type": "quorum", "x-delivery-limit": LISTING_LIMIT}
    # What nobody reads is kept to look at, the newest of it; it must never fill the disk or stop a publisher.
    rows = [_queue(UNROUTED, looked_at | {"x-max-length": UNROUTED_KEPT, "x-overflow": "drop-head"})]
    for stream in STREAMS:
        arguments = safe | {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": dead_queue(stream.service),
            "x-dead-letter-strategy": "at-least-once",
        }
        rows.append(_queue(stream.queue, arguments))
    for service in SERVICES:
        rows.append(_queue(dead_queue(service), safe | looked_at))
        rows += [_queue(retry_exchange(service, delay), safe | _comes_back(delay)) for delay in DELAYS_S]
    return rows


def _comes_back(delay_s: int) -> dict[str, Any]:
    # The default exchange routes by queue name, and the routing key is kept: the delivery returns where it failed.
    return {
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-message-ttl": delay_s * 1000,
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
    }


def bindings() -> list[dict[str, Any]]:
    """Every binding."""
    rows = [_binding(EXCHANGE, stream.queue, type_) for stream in STREAMS for type_ in stream.types]
    rows.append(_binding(UNROUTED, UNROUTED, ""))
    for service in SERVICES:
        names = [dead_queue(service)] + [retry_exchange(service, delay) for delay in DELAYS_S]
        rows += [_binding(name, name, "") for name in names]
    return rows


def permissions(service: str) -> dict[str, str]:
    """What the broker user of a service may do: declare nothing, write to its own exchanges, read its own queues."""
    return {
        "configure": "^$",
        "write": rf"^({EXCHANGE.replace('.', '[.]')}|{service}[.](dead|retry[.][0-9]+s))$",
        "read": rf"^{service}[.].+$",
    }


def topic_permission(service: str) -> dict[str, str]:
    """A service may announce only what begins with its own name."""
    return {"exchange": EXCHANGE, "write": rf"^{service}[.].+$", "read": "^$"}


def definitions(users: Mapping[str, str], *, vhost: str = "/") -> dict[str, Any]:
    """RabbitMQ's definitions file.

    Args:
        users: password by user name; the names of services get that service's permissions, `admin` gets all.
        vhost: the virtual host that all of it lives in.
    """
    place = {"vhost": vhost}
    return {
        "vhosts": [{"name": vhost}],
        "users": [
            {"name": name, "password": password, "tags": "administrator" if name == "admin" else ""}
            for name, password in users.items()
        ],
        "permissions": [
            {"user": name} | place | (permissions(name) if name in SERVICES else _everything()) for name in users
        ],
        "topic_permissions": [{"user": name} | place | topic_permission(name) for name in users if name in SERVICES],
        "exchanges": [row | place for row in exchanges()],
        "queues": [row | place for row in queues()],
        "bindings": [row | place for row in bindings()],
    }


def _everything() -> dict[str, str]:
    return {"configure": ".*", "write": ".*", "read": ".*"}


def _exchange(name: str, kind: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "durable": True, "auto_delete": False, "internal": False,
            "arguments": arguments or {}}  # fmt: skip


def _queue(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "durable": True, "auto_delete": False, "arguments": arguments}


def _binding(source: str, queue: str, key: str) -> dict[str, Any]:
    return {"source": source, "destination": queue, "destination_type": "queue", "routing_key": key, "arguments": {}}
