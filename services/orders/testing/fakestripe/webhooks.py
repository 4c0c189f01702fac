"""Events as Stripe sends them, signed (https://docs.stripe.com/webhooks#verify-manually). Who sends them, and when, how
often and in which order, is for the test to say: Stripe promises none of it.
"""

import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SECRET = "whsec_of_the_fake"
HEADER = "Stripe-Signature"


@dataclass
class Webhooks:
    """All events, oldest first."""

    now: Callable[[], int]
    events: list[dict[str, Any]] = field(default_factory=list)

    def announce(self, kind: str, thing: dict[str, Any]) -> None:
        """Something has happened to a thing."""
        data = {"object": copy.deepcopy(thing)}
        event = {"id": f"evt_{len(self.events) + 1:06}", "object": "event", "type": kind, "created": self.now(),
                 "data": data}  # fmt: skip
        self.events.append(event)

    def of(self, kind: str) -> dict[str, Any]:
        """The last event of a type."""
        return [event for event in self.events if event["type"] == kind][-1]


def signed(event: object, *, at: int, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a delivery at a Unix time."""
    body = json.dumps(event).encode()
    signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return body, {HEADER: f"t={at},v1={signature}", "Content-Type": "application/json; charset=utf-8"}
