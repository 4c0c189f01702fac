"""When a purchase was written and when its record was: both from the oplog, which has the server's times."""

from datetime import datetime
from typing import Any


class Oplog:
    """The writes of two collections since `begin`."""

    def __init__(self, client: Any, since: Any, *, written: str, recorded: str) -> None:
        self._oplog = client["local"]["oplog.rs"]
        self._since = since
        self._written = written
        self._recorded = recorded
        self.delays_s: list[float] = []
        self.events_per_second = 0.0

    @classmethod
    async def begin(cls, client: Any, *, written: str, recorded: str) -> "Oplog":
        """From now on."""
        newest = await client["local"]["oplog.rs"].find_one(sort=[("$natural", -1)], projection={"ts": 1})
        return cls(client, newest["ts"], written=written, recorded=recorded)

    async def read(self, events: int) -> bool:
        """Whether all `events` have their record; then the figures are there."""
        written: dict[str, datetime] = {}
        recorded: dict[str, datetime] = {}
        entries = self._oplog.find(
            {"ts": {"$gt": self._since}}, {"wall": 1, "op": 1, "ns": 1, "o": 1}, batch_size=5000
        )  # fmt: skip
        async for entry in entries:
            for row in [entry, *entry["o"].get("applyOps", ())]:
                self._note(row, entry["wall"], written, recorded)
        recorded = {order: at for order, at in recorded.items() if order in written}
        if len(recorded) < events:
            return False
        self.delays_s = [(at - written[order]).total_seconds() for order, at in recorded.items()]
        seconds = (max(recorded.values()) - min(written.values())).total_seconds()
        self.events_per_second = len(recorded) / seconds
        return True

    def _note(self, row: Any, wall: datetime, written: dict[str, datetime], recorded: dict[str, datetime]) -> None:
        if row.get("op") != "i":
            return
        if row["ns"] == self._written:
            written[row["o"]["_id"]] = wall
        elif row["ns"] == self._recorded:
            recorded[row["o"]["order_id"]] = wall
