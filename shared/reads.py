"""Look-ups that arrive together share one query, as writes do in `shared.gather`.

A look-up by `_id` costs the database little, and its way there and back a lot: at a hundred look-ups at once, one
query for all of them is several times cheaper. An idle reader asks at once. Each look-up is answered by a query that
began after it was made, so it sees whatever was acknowledged before.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from shared.errors import TransientError
from shared.mongo import Collection, Document, translated

MAX_BATCH = 500


class GatheredReader:
    """One reader of one collection, shared by all coroutines of a process.

    Callers that ask for the same id at once get the same document: do not change it.

    Args:
        fields: projection of what is read; None reads whole documents.
    """

    def __init__(self, collection: Collection, fields: Mapping[str, Any] | None = None) -> None:
        self._collection = collection
        self._fields = fields
        self._waiting: dict[Any, list[asyncio.Future[Document | None]]] = {}
        self._asker: asyncio.Task[None] | None = None

    async def find(self, id: Any) -> Document | None:
        """The document with this `_id`, if there is one.

        Raises:
            TransientError: the database is away.
        """
        answer: asyncio.Future[Document | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(id, []).append(answer)
        if self._asker is None or self._asker.done():
            # Not a stray task: every caller awaits its own answer, which this task alone gives.
            self._asker = asyncio.create_task(self._ask_all())
        return await answer

    async def _ask_all(self) -> None:
        await asyncio.sleep(0)  # callers that are ready in this turn of the loop come along
        while self._waiting:
            batch = {id: self._waiting.pop(id) for id in list(self._waiting)[:MAX_BATCH]}  # noqa: A001
            try:
                found = await self._ask(list(batch))
            except asyncio.CancelledError:
                _fail(batch | self._waiting, TransientError("shutting down"))
                raise
            except Exception as error:  # noqa: BLE001 - it is raised again, in each caller who asked
                _fail(batch, error)
            else:
                _answer(batch, found)

    async def _ask(self, ids: list[Any]) -> dict[Any, Document]:
        wanted = {"_id": ids[0] if len(ids) == 1 else {"$in": ids}}
        with translated():
            if len(ids) == 1:
                found = await self._collection.find_one(wanted, self._fields)
                return {} if found is None else {ids[0]: found}
            documents = await self._collection.find(wanted, self._fields, batch_size=len(ids)).to_list(None)
        return {document["_id"]: document for document in documents}


def _answer(batch: Mapping[Any, list["asyncio.Future[Document | None]"]], found: Mapping[Any, Document]) -> None:
    for id, callers in batch.items():  # noqa: A001
        for caller in callers:
            if not caller.done():
                caller.set_result(found.get(id))


def _fail(batch: Mapping[Any, list["asyncio.Future[Document | None]"]], error: Exception) -> None:
    for callers in batch.values():
        for caller in callers:
            if not caller.done():
                caller.set_exception(error)
