"""Look-ups that arrive together share one query, as writes do in `shared.gather`.

A look-up by `_id` costs the database little, and its way there and back a lot: at a hundred look-ups at once, one
query for all of them is several times cheaper. An idle reader asks at once. Each look-up is answered by a query that
began after it was made, so it sees whatever was acknowledged before.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.gatherer import Gatherer
from shared.mongo import Collection, Document, translated


class GatheredReader:
    """One reader of one collection, shared by all coroutines of a process.

    Callers that ask for the same id at once get the same document: do not change it.

    Args:
        fields: projection of what is read; None reads whole documents.
        pace_s: see `Gatherer`.
    """

    def __init__(self, collection: Collection, fields: Mapping[str, Any] | None = None, *, pace_s: float = 0.0) -> None:
        self._collection = collection
        self._fields = fields
        self._questions: Gatherer[Any, Document | None] = Gatherer(self._ask, pace_s=pace_s)

    async def find(self, id: Any) -> Document | None:
        """The document with this `_id`, if there is one.

        Raises:
            TransientError: the database is away.
        """
        return await self._questions.submit(id)

    async def _ask(self, ids: Sequence[Any]) -> list[Document | Exception | None]:
        with translated():
            if len(ids) == 1:
                return [await self._collection.find_one({"_id": ids[0]}, self._fields)]
            wanted = list(set(ids))
            # One more than there can be: a batch that is not full closes the cursor, and nothing is asked again.
            matching = self._collection.find({"_id": {"$in": wanted}}, self._fields, batch_size=len(wanted) + 1)
            documents = await matching.to_list(None)
        found = {document["_id"]: document for document in documents}
        return [found.get(id) for id in ids]  # noqa: A001 - as the driver calls it
