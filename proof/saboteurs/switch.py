"""What a switch is: one rule to break, how, and the checks that must fail."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

NOTHING = "nothing"
"""The name of a switch that breaks nothing."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One rule to break. `service` runs with the patch `name`; `gateway` replaces text of its configuration; `mails`
    are delivered as a broken mailer would; what `around` does to the stack (given stack.json) it undoes.
    """

    name: str
    checks: tuple[str, ...]
    service: str = ""
    gateway: Mapping[str, str] = field(default_factory=dict)
    mails: Callable[[], list[tuple[list[str], EmailMessage]]] | None = None
    around: Callable[[Mapping[str, Any]], AbstractContextManager[None]] | None = None

    @property
    def is_broken(self) -> bool:
        """Whether there is anything to see; what is sought in vain need not be sought for long."""
        return self.name != NOTHING


def by_gateway(name: str, old: str, new: str, *checks: str) -> Switch:
    """The gateway has other words in its configuration."""
    return Switch(name, checks, gateway={old: new})


def by_service(service: str, name: str, *checks: str) -> Switch:
    """The service runs with the patch of that name."""
    return Switch(name, checks, service=service)
