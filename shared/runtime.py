"""What every service opens: its database, the bus, its keys, its clock. Opened lazily: no peer is asked here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.broker import open_bus
from shared.bus import Bus
from shared.clock import Clock, shifted_clock, system_clock
from shared.datakeys import MongoDataKeys
from shared.identity import IdentityVerifier, jwks_fetcher
from shared.keys import FileKeys, KeyProvider
from shared.leases import Leases
from shared.mongo import Database, beside, open_database, ping
from shared.outbox import Relay
from shared.personal import BlindIndex, PersonalFields
from shared.sealing import Sealer, Unsealer
from shared.settings import BaseSettings


@dataclass(frozen=True, slots=True)
class Runtime:
    """The kit, opened for one service. Services build their `Deps` from it."""

    settings: BaseSettings
    clock: Clock
    database: Database
    bus: Bus
    relay: Relay
    keys: KeyProvider
    data_keys: MongoDataKeys
    people: PersonalFields
    index: BlindIndex
    sealer: Sealer
    unsealer: Unsealer
    leases: Leases
    identities: IdentityVerifier

    async def ready(self) -> dict[str, bool]:
        """For /readyz: each peer without which this process can do nothing, and whether it answers.

        The broker is none: without it orders are still taken, and events wait in their documents.
        """
        return {"database": await ping(self.database)}


@asynccontextmanager
async def open_runtime(settings: BaseSettings) -> AsyncIterator[Runtime]:
    """Open everything, and close it in reverse order."""
    name = settings.service
    clock = shifted_clock(settings.clock_offset_s) if settings.clock_offset_s else system_clock
    keys = FileKeys(settings.key_dir, strict=settings.key_dir_is_private)
    async with (
        open_database(settings.mongo_url.get_secret_value(), settings.mongo_database) as database,
        open_bus(settings.amqp_url.get_secret_value(), name=name) as bus,
    ):
        leases = Leases(database)
        data_keys = MongoDataKeys(beside(database, settings.mongo_keys_database))
        yield Runtime(
            settings=settings,
            clock=clock,
            database=database,
            bus=bus,
            relay=Relay(database, bus, leases, clock=clock, service=name),
            keys=keys,
            data_keys=data_keys,
            people=PersonalFields(keys, data_keys, purposes=settings.purposes),
            index=BlindIndex(keys.get("index", 1)),
            sealer=Sealer(settings.seal_keys_dir),
            unsealer=Unsealer(name, keys),
            leases=leases,
            identities=IdentityVerifier(jwks_fetcher(settings.jwks_url), name, clock),
        )
