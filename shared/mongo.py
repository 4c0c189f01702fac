"""MongoDB: the one module that imports the driver, so that its successor is a change of one module.

Stores receive a `Database` and use its collections' methods. Every call is bounded by the client's `timeoutMS`, and
`translated()` turns the driver's errors into ours.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson.codec_options import DatetimeConversion
from gridfs.errors import NoFile
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorGridFSBucket
from pymongo import IndexModel, InsertOne, ReadPreference, UpdateOne, WriteConcern
from pymongo import errors as driver
from pymongo import timeout as driver_timeout
from pymongo.read_concern import ReadConcern

from shared.errors import TransientError

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase

    Database = AsyncIOMotorDatabase[dict[str, Any]]
    Collection = AsyncIOMotorCollection[dict[str, Any]]
else:
    Database = Any
    Collection = Any

Document = dict[str, Any]

DURABLE = WriteConcern(w="majority", j=True)
"""A write that is answered only when a majority has it in the journal. The default of every collection here."""
QUICK = WriteConcern(w=1, j=False)
"""For marks that may be lost without harm, such as the removal of what was published."""

LATEST = ReadConcern("local")
"""For a read whose finding goes into a durable write behind it: what the primary has, perhaps not yet by a majority.

That write is durable only together with all that the primary had before it.
"""

_DUPLICATE = 11000
TIMEOUT_MS = 5_000
INDEXES_TAKE_S = 3600.0
"""The longest that the new indexes of one collection may take; its documents are read once for all of them."""


class DuplicateKey(Exception):
    """A unique index has the key already. `index` is its name, `_id_` for the document's own id."""

    def __init__(self, index: str) -> None:
        super().__init__(f"duplicate key in index {index}")
        self.index = index


@dataclass(frozen=True, slots=True)
class Index:
    """An index as deployment creates it. `keys` as (field, 1 | -1); `partial` is a filter expression."""

    name: str
    keys: Sequence[tuple[str, int]]
    unique: bool = False
    partial: Mapping[str, Any] | None = None
    expire_after_s: int | None = None


@asynccontextmanager
async def open_database(url: str, name: str) -> AsyncIterator[Database]:
    """Connect lazily and close at the end; nothing is asked of the server here.

    Majority reads and journaled majority writes are the default. A primary that is away for longer than the time
    limit is a `TransientError` of the call that wanted it.
    """
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        url,
        timeoutMS=TIMEOUT_MS,
        serverSelectionTimeoutMS=3_000,
        connectTimeoutMS=2_000,
        tz_aware=True,
        tzinfo=UTC,
        uuidRepresentation="standard",
        retryWrites=True,
        retryReads=True,
        maxPoolSize=32,
        appname=name,
    )
    try:
        yield _database(client, name)
    finally:
        client.close()


def beside(database: Database, name: str) -> Database:
    """Another database of the same deployment, on the same connections and with the same guarantees."""
    return _database(database.client, name)


def _database(client: "AsyncIOMotorClient[dict[str, Any]]", name: str) -> Database:
    return client.get_database(
        name, write_concern=DURABLE, read_concern=ReadConcern("majority"), read_preference=ReadPreference.PRIMARY
    )


@contextmanager
def patiently(seconds: float = 300) -> Iterator[None]:
    """Calls within may take so long together, instead of `TIMEOUT_MS` each: a look at every document of a collection.

    Whoever waits for such a look at a page has the gateway's patience, and the look goes on without them.
    """
    with driver_timeout(seconds):
        yield


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into `DuplicateKey` or `TransientError`; others, which are our mistakes, pass."""
    try:
        yield
    except driver.DuplicateKeyError as error:
        raise duplicate_of(error.details) from None
    except (driver.ConnectionFailure, driver.ExecutionTimeout, driver.WTimeoutError) as error:
        raise TransientError(f"database: {type(error).__name__}") from error
    except driver.BulkWriteError:
        raise
    except driver.PyMongoError as error:
        if error.timeout or is_transient(getattr(error, "code", None)):
            raise TransientError(f"database: {type(error).__name__}") from error
        raise


# "The server is going away" codes (server manual, "Error codes"): a primary that steps down, shuts down or restarts.
_GOING_AWAY = frozenset({6, 7, 50, 64, 89, 91, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436})


def is_transient(code: int | None) -> bool:
    """Whether a server error code says that the same command may succeed later."""
    return code in _GOING_AWAY


def duplicate_of(details: Mapping[str, Any] | None) -> DuplicateKey:
    """Name the index that a duplicate-key error is about; the key itself stays out of it."""
    message = str((details or {}).get("errmsg", ""))
    _, _, rest = message.partition("index: ")
    return DuplicateKey(rest.split(" ", 1)[0] or "_id_")


_LOOKING: ContextVar[list[str] | None] = ContextVar("looking", default=None)


async def missing_indexes(ensure: Callable[[Database], Awaitable[None]], database: Database) -> list[str]:
    """What `ensure` would create by `ensure_indexes`, as `collection.index`; nothing is written."""
    missing: list[str] = []
    token = _LOOKING.set(missing)
    try:
        await ensure(database)
    finally:
        _LOOKING.reset(token)
    return sorted(missing)


async def ensure_indexes(collection: Collection, indexes: Sequence[Index]) -> None:
    """Create what is missing. Deployment runs it before a service starts; running it again changes nothing."""
    missing = _LOOKING.get()
    if missing is not None:
        with translated():
            there = await collection.index_information()
        missing += [f"{collection.name}.{index.name}" for index in indexes if index.name not in there]
        return
    with patiently(INDEXES_TAKE_S), translated():
        await collection.create_indexes([_model(index) for index in indexes])


def _model(index: Index) -> IndexModel:
    options: dict[str, Any] = {"name": index.name, "unique": index.unique}
    if index.partial is not None:
        options["partialFilterExpression"] = dict(index.partial)
    if index.expire_after_s is not None:
        options["expireAfterSeconds"] = index.expire_after_s
    return IndexModel(list(index.keys), **options)


async def database_time(database: Database) -> datetime:
    """The database server's own clock, aware UTC."""
    with translated():
        answer = await database.command("hello")
    moment: datetime = answer["localTime"]
    return moment.replace(tzinfo=UTC)  # a command's answer is decoded without the client's `tz_aware`


async def ping(database: Database) -> bool:
    """Whether a primary answers."""
    try:
        with translated():
            answer = await database.command("hello")
    except TransientError:
        return False
    return bool(answer.get("isWritablePrimary"))


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of one unordered bulk write: errors by the operation's place, and how many updates matched."""

    duplicates: Mapping[int, DuplicateKey]
    failures: Mapping[int, TransientError]
    matched: int

    def at(self, place: int) -> DuplicateKey | TransientError | None:
        """What went wrong with one operation, if anything."""
        return self.duplicates.get(place) or self.failures.get(place)


async def bulk_write(collection: Collection, operations: Sequence["InsertOne[Any] | UpdateOne"]) -> BulkOutcome:
    """Write all operations in one unordered command, each succeeding or failing alone.

    Raises:
        TransientError: the outcome of the whole command is unknown, or it was not done.
    """
    try:
        with translated():
            done = await collection.bulk_write(list(operations), ordered=False)
    except driver.BulkWriteError as error:
        return _outcome_of(error.details or {})
    return BulkOutcome({}, {}, done.matched_count)


def _outcome_of(details: Mapping[str, Any]) -> BulkOutcome:
    if details.get("writeConcernErrors"):
        raise TransientError("database: write concern not reached")
    duplicates: dict[int, DuplicateKey] = {}
    failures: dict[int, TransientError] = {}
    for row in details.get("writeErrors", ()):
        if row.get("code") == _DUPLICATE:
            duplicates[row["index"]] = duplicate_of(row)
        else:
            failures[row["index"]] = TransientError(f"database: write error {row.get('code')}")
    return BulkOutcome(duplicates, failures, int(details.get("nMatched", 0)))


def insertion(document: Document) -> "InsertOne[Any]":
    """An insert for `bulk_write`."""
    return InsertOne(document)


def update(
    filter: Mapping[str, Any], change: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, upsert: bool = False
) -> UpdateOne:
    """An update of one document for `bulk_write`; as a pipeline, it may decide by what is there."""
    return UpdateOne(filter, change, upsert=upsert)


def any_moment(collection: Collection) -> Collection:
    """The same for reading what anybody may have planted: a time that Python has no word for is not refused."""
    anything = collection.codec_options.with_options(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    return collection.with_options(codec_options=anything)


class Files:
    """Files in GridFS (https://github.com/mongodb/specifications, "GridFS"): collections `<bucket>.files`, `.chunks`.

    Each chunk is a piece as it was given; all pieces of a file but the last are of one size.
    """

    def __init__(self, database: Database, bucket: str) -> None:
        self._files: Collection = database[f"{bucket}.files"]
        self._chunks: Collection = database[f"{bucket}.chunks"]
        self._bucket = AsyncIOMotorGridFSBucket(database, bucket_name=bucket)

    async def put(self, file_id: str, pieces: Sequence[bytes], metadata: Document) -> None:
        """Store a file. Durable on return; of a crash midway remain chunks without a file, or nothing."""
        with translated():
            stream = self._bucket.open_upload_stream_with_id(
                file_id, file_id, chunk_size_bytes=len(pieces[0]), metadata=metadata
            )
            try:
                for piece in pieces:
                    await stream.write(piece)
            except BaseException:
                await stream.abort()
                raise
            await stream.close()

    async def get(self, file_id: str) -> list[bytes] | None:
        """The pieces of a file, in their order."""
        with translated():
            try:
                stream = await self._bucket.open_download_stream(file_id)
                pieces: list[bytes] = []
                while piece := await stream.readchunk():
                    pieces.append(piece)
            except NoFile:
                return None
        return pieces

    async def mark(self, file_id: str, change: Document) -> None:
        """Change the metadata of a file: `change` by MongoDB's operators. Durable on return."""
        with translated():
            await self._files.update_one({"_id": file_id}, change)

    async def find(self, wanted: Document, *, limit: int = 0) -> list[Document]:
        """The documents of `<bucket>.files`, without their chunks."""
        with translated():
            return await self._files.find(wanted).limit(limit).to_list(None)

    async def remove(self, file_ids: Sequence[str]) -> None:
        """Remove files, with every chunk. Durable on return; safe to do again, also after a crash midway."""
        with translated():
            await self._chunks.delete_many({"files_id": {"$in": list(file_ids)}})
            await self._files.delete_many({"_id": {"$in": list(file_ids)}})

    async def ensure_indexes(self, indexes: Sequence[Index]) -> None:
        """The two that GridFS wants, and the caller's own of `<bucket>.files`."""
        await ensure_indexes(self._chunks, [Index("files_id_1_n_1", [("files_id", 1), ("n", 1)], unique=True)])
        await ensure_indexes(self._files, [Index("filename_1_uploadDate_1", [("filename", 1), ("uploadDate", 1)])])
        await ensure_indexes(self._files, indexes)
