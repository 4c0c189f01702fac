"""Identities for tests: real tokens under a key that only the test knows."""

from joserfc.jwk import KeySet

from shared.clock import Clock
from shared.identity import Identity, IdentityVerifier, public_keys, read_key_set, sign_identity, signing_key


def an_identity(
    subject: str = "a-1", *roles: str, session: str = "s-1", fresh: bool = True, email_verified: bool = True
) -> Identity:
    """A signed-in customer, unless told otherwise."""
    return Identity(subject, frozenset(roles or ("customer",)), session, fresh, email_verified)


class SigningAuth:
    """Stands in for auth: signs tokens for `audience`, and its `verifier` trusts them."""

    def __init__(self, audience: str, clock: Clock, *, kid: str = "k1", seed: bytes = b"\x01" * 32) -> None:
        self.audience = audience
        self.clock = clock
        self.key = signing_key(seed, kid)
        self.kid = kid
        self.fetches = 0
        self.verifier = IdentityVerifier(self.fetch, audience, clock)

    async def fetch(self) -> KeySet:
        """The published keys."""
        self.fetches += 1
        return read_key_set(public_keys([self.key]))

    def token(self, identity: Identity | None = None, *, lifetime_s: int = 60) -> str:
        """A fresh token for `identity`."""
        return sign_identity(
            identity or an_identity(), key=self.key, kid=self.kid, audience=self.audience, now=self.clock(),
            lifetime_s=lifetime_s,
        )  # fmt: skip

    def headers(self, identity: Identity | None = None) -> dict[str, str]:
        """What the gateway adds to a request of `identity`."""
        return {"X-Identity": self.token(identity)}
