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

    `after` names parts that must have been ready once before the first start. `first` runs once, as soon as the parts
    of `first_after` are ready; `prepare` before every start; `settle` after every start. `first` and `settle` are
    repeated until they no longer raise `NotReady`. `environ` is the whole environment. A part gets SIGTERM and
    `stop_s` seconds before it is forced.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    settle: Callable[[], Awaitable[None]]
    folder: Path
    after: tuple[str, ...] = ()
    prepare: Callable[[], Awaitable[None]] = field(default=_nothing)
    first: Callable[[], Awaitable[None]] = field(default=_nothing)
    first_after: tuple[str, ...] = ()
    stop_s: float = 15
