"""Who is asking: the gateway's signed identity, made by auth and checked by every service itself.

A JWT (RFC 7519) with EdDSA over Ed25519 (RFC 8037), good for one audience and about a minute. Nothing else that a
request carries is believed.
"""

import asyncio
import warnings
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization, OKPKey
from joserfc.jwt import JWTClaimsRegistry

from shared import base64url
from shared.clock import Clock
from shared.errors import DomainError, ErrorKind, TransientError

ISSUER = "auth"
TOKEN_LIMIT = 4096
LEEWAY_S = 5
LIFETIME_LIMIT_S = 120
_ALGORITHMS = ["EdDSA"]

log = structlog.get_logger()


class InvalidIdentity(DomainError):
    """The identity that came with the request cannot be trusted."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "invalid-identity"


class _UnknownKey(InvalidIdentity):
    """Signed with a key that is not among those at hand; perhaps a new one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who is signed in.

    `subject` is the account's id, `session` the public id of the session. `fresh`: the password was given in this
    session, it was not remembered. `email_verified`: the owner of the address has proven it.
    """

    subject: str
    roles: frozenset[str]
    session: str
    fresh: bool
    email_verified: bool


def signing_key(seed: bytes, kid: str) -> OKPKey:
    """The Ed25519 private key that follows from 32 secret bytes (RFC 8032 section 5.1.5), named `kid`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "d": base64url.encode(seed), "x": base64url.encode(public), "kid": kid}
    )


def public_keys(keys: Iterable[OKPKey]) -> dict[str, Any]:
    """The JWK set (RFC 7517) to publish: public halves only, each marked for signatures."""
    rows = [{**key.as_dict(private=False), "alg": "EdDSA", "use": "sig"} for key in keys]
    return {"keys": rows}


def read_key_set(document: Any) -> KeySet:
    """A published JWK set as keys.

    Raises:
        ValueError: not a JWK set with at least one key.
    """
    try:
        return KeySet.import_key_set(cast("KeySetSerialization", document))
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("not a JWK set") from None


def sign_identity(
    identity: Identity, *, key: OKPKey, kid: str, audience: str, now: datetime, lifetime_s: int = 60
) -> str:
    """A token that tells `audience` (a service's name) who is asking, for `lifetime_s` seconds from `now`."""
    issued = int(now.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "iat": issued,
        "exp": issued + lifetime_s,
        "sub": identity.subject,
        "roles": sorted(identity.roles),
        "sid": identity.session,
        "fresh": identity.fresh,
        "email_verified": identity.email_verified,
    }
    with _without_rfc9864_warning():
        return jwt.encode({"alg": "EdDSA", "kid": kid}, claims, key, algorithms=_ALGORITHMS)


def verify_identity(token: str, *, keys: KeySet, audience: str, now: datetime) -> Identity:
    """Check the gateway's signed identity and return whom it names.

    The algorithm is fixed, the key follows from `kid`, and neither from anything else in the token's header
    (RFC 8725 section 3.1).

    Args:
        token: three base64url parts joined by dots, at most 4 KiB.
        keys: auth's public keys.
        audience: the service that is asked.
        now: aware UTC; 5 s of clock skew are forgiven.

    Raises:
        InvalidIdentity: malformed, unsigned, expired, valid for longer than 120 s or meant for another service; one
            error for all, so that a caller cannot tell which check failed.
    """
    try:
        return _verify(token, keys=keys, audience=audience, now=now)[0]
    except _UnknownKey:
        raise InvalidIdentity from None


def _verify(token: str, *, keys: KeySet, audience: str, now: datetime) -> tuple[Identity, int]:
    if len(token) > TOKEN_LIMIT:
        raise InvalidIdentity
    try:
        with _without_rfc9864_warning():
            claims = jwt.decode(token, _finder(keys), algorithms=_ALGORITHMS).claims
        _rules(audience, now).validate(claims)
        # RecursionError: 4 KiB of "[" in the header. KeyError: a claim that no rule asks for is missing.
    except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise InvalidIdentity from None
    return _identity(claims), int(claims["exp"])


def _finder(keys: KeySet) -> Callable[[Any], OKPKey]:
    def find(signed: Any) -> OKPKey:
        kid = signed.headers().get("kid")
        for key in keys:
            if isinstance(key, OKPKey) and key.kid == kid and key.get("crv") == "Ed25519":
                return key
        raise _UnknownKey

    return find


def _rules(audience: str, now: datetime) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        sid={"essential": True},
    )


def _identity(claims: dict[str, Any]) -> Identity:
    roles, sid = claims.get("roles"), claims["sid"]
    flags = (claims.get("fresh"), claims.get("email_verified"))
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles) or not isinstance(sid, str):
        raise InvalidIdentity
    if not all(isinstance(flag, bool) for flag in flags) or not isinstance(claims["aud"], str):
        raise InvalidIdentity
    if not 0 < claims["exp"] - claims["iat"] <= LIFETIME_LIMIT_S:
        raise InvalidIdentity
    return Identity(claims["sub"], frozenset(roles), sid, bool(flags[0]), bool(flags[1]))


class IdentityVerifier:
    """Checks tokens against auth's published keys, which it fetches when it first needs them.

    Fetches again every 60 s, and on an unknown `kid` at most once in 5 s. While auth is away, the last good keys
    stay in use. A token that was verified is remembered until it expires: Ed25519 costs too much for every request.
    """

    REFRESH_S = 60
    RETRY_S = 5
    CACHE_SIZE = 4096

    def __init__(self, fetch: Callable[[], Awaitable[KeySet]], audience: str, clock: Clock) -> None:
        self._fetch = fetch
        self._audience = audience
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._verified: OrderedDict[str, tuple[Identity, int]] = OrderedDict()

    async def verify(self, token: str) -> Identity:
        """Whom the token names.

        Raises:
            InvalidIdentity: see `verify_identity`.
            TransientError: no keys could be had yet.
        """
        now = self._clock()
        remembered = self._verified.get(token)
        if remembered is not None and now.timestamp() < remembered[1]:
            self._verified.move_to_end(token)
            return remembered[0]
        identity, expires = await self._check(token, now)
        self._remember(token, identity, expires)
        return identity

    async def _check(self, token: str, now: datetime) -> tuple[Identity, int]:
        keys = await self._current_keys()
        try:
            return _verify(token, keys=keys, audience=self._audience, now=now)
        except _UnknownKey:
            keys = await self._keys_newer_than(keys)
        try:
            return _verify(token, keys=keys, audience=self._audience, now=now)
        except _UnknownKey:
            raise InvalidIdentity from None

    def _remember(self, token: str, identity: Identity, expires: int) -> None:
        self._verified[token] = (identity, expires)
        self._verified.move_to_end(token)
        while len(self._verified) > self.CACHE_SIZE:
            self._verified.popitem(last=False)

    async def _current_keys(self) -> KeySet:
        if self._keys is None or self._now() - self._fetched_at >= self.REFRESH_S:
            await self._refresh(self._keys)
        if self._keys is None:
            raise TransientError("auth's keys are not known yet")
        return self._keys

    async def _keys_newer_than(self, old: KeySet) -> KeySet:
        await self._refresh(old)
        return self._keys or old

    async def _refresh(self, seen: KeySet | None) -> None:
        """Fetch, unless another caller has just done so or the last attempt is younger than 5 s."""
        async with self._fetching:
            if self._keys is not seen or self._now() - self._tried_at < self.RETRY_S:
                return
            self._tried_at = self._now()
            try:
                keys = await self._fetch()
            except (TransientError, ValueError):
                log.warning("identity keys not refreshed", reason="auth away")
                return
            if keys != self._keys:
                self._verified.clear()  # a key may have been withdrawn
            self._keys, self._fetched_at = keys, self._now()

    def _now(self) -> float:
        return self._clock().timestamp()


def jwks_fetcher(url: str, *, timeout_s: float = 3) -> Callable[[], Awaitable[KeySet]]:
    """A function that fetches the key set at `url`; TransientError where that fails. It opens a connection each time,
    for it is asked about once a minute.
    """

    async def fetch() -> KeySet:
        import aiohttp

        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                response.raise_for_status()
                document = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise TransientError("auth's keys cannot be fetched") from error
        return read_key_set(document)

    return fetch


@contextmanager
def _without_rfc9864_warning() -> Iterator[None]:
    # joserfc recommends RFC 9864's name "Ed25519"; other libraries only know "EdDSA" yet, the same signature.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="EdDSA is deprecated via RFC 9864")
        yield
