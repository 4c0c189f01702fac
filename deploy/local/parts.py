"""What a part of the stack is: how it starts, when it is ready. Pure description; `supervisor` runs it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


class NotReady(Exception):
    """The part does not answer yet; asked again a moment later. The message says what was missing."""


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Part:
    """One process (and its children) that the supervisor keeps running.

    `after` names parts that must have been ready once before the first start. `prepare` runs before every start,
    `settle` after every start until it no longer raises `NotReady`; both must bear being repeated. `environ` is the
    whole environment. A part gets SIGTERM and `stop_s` seconds before it is forced.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    settle: Callable[[], Awaitable[None]]
    folder: Path
    after: tuple[str, ...] = ()
    prepare: Callable[[], Awaitable[None]] = field(default=_nothing)
    first: Callable[[], Awaitable[None]] = field(default=_nothing)
    stop_s: float = 15
