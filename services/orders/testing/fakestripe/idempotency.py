"""Idempotency keys as Stripe's API has them: https://docs.stripe.com/api/idempotent_requests."""

import copy
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from services.orders.testing.fakestripe.forms import ApiError

IN_FLIGHT = None
Answered = tuple[int, dict[str, Any]]


@dataclass
class Keys:
    """The first answer to each key. Of what was asked only a hash is kept, for a card may be in it."""

    answers: dict[str, tuple[str, Answered | None]] = field(default_factory=dict)

    def begin(self, key: str, path: str, params: dict[str, Any]) -> Answered | None:
        """The answer that this key got before; None where it is new, and now in flight."""
        asked = hashlib.sha256(json.dumps([path, params], sort_keys=True).encode()).hexdigest()
        if key not in self.answers:
            self.answers[key] = (asked, IN_FLIGHT)
            return None
        earlier, answer = self.answers[key]
        if earlier != asked:
            raise ApiError(400, "idempotency_error")
        if answer is IN_FLIGHT:
            raise ApiError(409, "idempotency_error", "idempotency_key_in_use")
        return answer

    def end(self, key: str, answer: Answered) -> None:
        """Keep the answer, a refusal too."""
        asked, _ = self.answers[key]
        self.answers[key] = (asked, copy.deepcopy(answer))

    def forget(self) -> None:
        """A day later: Stripe removes keys, but for those in flight."""
        self.answers = {key: kept for key, kept in self.answers.items() if kept[1] is IN_FLIGHT}
