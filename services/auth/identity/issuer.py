"""Signed identities for the gateway, and the keys that prove them."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import OKPKey

from shared.clock import Clock
from shared.identity import Identity, public_keys, sign_identity, signing_key
from shared.keys import KeyProvider, UnknownKey

PURPOSE = "identity"
LIFETIME_S = 60
REUSED_FOR = timedelta(seconds=20)
PUBLISHED_FIRST = timedelta(seconds=120)
"""How long a new key is published before it signs: services fetch the key set every 60 s."""
CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class _Signed:
    identity: Identity
    token: str
    version: int
    until: datetime


class IdentityIssuer:
    """Signs identities, each once for up to 20 s of its 60.

    The caller looks the session up each time, so that a signature that is used again never outlives its session.
    """

    def __init__(self, keys: KeyProvider, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._signed: OrderedDict[tuple[str, str], _Signed] = OrderedDict()
        self._signing_keys: dict[int, OKPKey] = {}
        self._published_at: dict[int, datetime] = {}

    def issue(self, identity: Identity, audience: str) -> str:
        """A token that tells `audience` whom the gateway has let in."""
        now = self._clock()
        place = (identity.session, audience)
        versions = self._watch(now)
        known = self._signed.get(place)
        if known is not None and now < known.until and known.identity == identity and known.version in versions:
            return known.token
        version = self._signing_version(versions, now)
        token = sign_identity(
            identity, key=self._key(version), kid=_kid(version), audience=audience, now=now, lifetime_s=LIFETIME_S
        )
        self._signed[place] = _Signed(identity, token, version, now + REUSED_FOR)
        self._signed.move_to_end(place)
        while len(self._signed) > CACHE_SIZE:
            self._signed.popitem(last=False)
        return token

    def key_set(self) -> dict[str, Any]:
        """Every key that is still here, new ones first of all, as a JWK set (RFC 7517)."""
        self._watch(self._clock())
        return public_keys([self._key(version) for version in self._keys.versions(PURPOSE)])

    def _signing_version(self, versions: list[int], now: datetime) -> int:
        """The newest key that everybody had time to fetch; a lone one needs no predecessor."""
        if not versions:
            raise UnknownKey(f"no key for {PURPOSE!r}")
        ripe = [version for version in versions if now - self._published_at[version] >= PUBLISHED_FIRST]
        return ripe[-1] if ripe else versions[0]

    def _watch(self, now: datetime) -> list[int]:
        """Note since when each key is published: so long as it was there when it was first seen here.

        A provider that cannot tell its age gives 0: after a restart the oldest then signs until the others are ripe.
        """
        versions = self._keys.versions(PURPOSE)
        for version in versions:
            if version not in self._published_at:
                self._published_at[version] = now - timedelta(seconds=self._keys.age_s(PURPOSE, version))
        for gone in self._published_at.keys() - set(versions):
            del self._published_at[gone]
            self._signing_keys.pop(gone, None)
        return versions

    def _key(self, version: int) -> OKPKey:
        key = self._signing_keys.get(version)
        if key is None:
            seed = self._keys.get(PURPOSE, version).secret.reveal()
            key = self._signing_keys[version] = signing_key(seed, _kid(version))
        return key


def _kid(version: int) -> str:
    return str(version)
