"""A relay that only remembers what it was told."""

from collections.abc import Sequence

from shared.events import Event


class MemoryRelay:
    """Stands in for `shared.outbox.Relay` where a use case announces what it has stored."""

    def __init__(self) -> None:
        self.announced: list[tuple[str, str, Event]] = []

    def announce(self, collection: str, document_id: str, events: Sequence[Event]) -> None:
        """See `shared.outbox.Announcer`."""
        self.announced += [(collection, document_id, event) for event in events]

    @property
    def events(self) -> list[Event]:
        """What was announced, in order."""
        return [event for _, _, event in self.announced]
