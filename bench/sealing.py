"""What encryption costs: `python -m bench.sealing` prints microseconds per call, each beside the bare primitive.

Both take turns, and the best round of each counts, so that a busy machine distorts neither much.
"""

import base64
import hmac
import os
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from pydantic import BaseModel

from shared.events import Event
from shared.oneway import OneWaySealer, open_one_way
from shared.personal import BlindIndex, PersonalFields, Place
from shared.publickeys import CARD, PublicKey, public_key
from shared.testing.datakeys import MemoryDataKeys
from shared.testing.keys import MemoryKeys
from shared.testing.sealing import MemorySealing

ROUNDS = 40
VALUE = b"Ada Lovelace, 1 Main Street, London"
AT = Place("orders", "contact", "0192f0c1-2b7e-7c55-9d0e-4f6b1a2c3d4e")
TYPE = "orders.purchase.completed.v1"
WIDTH = 34


class Contact(BaseModel):
    name: str = "Ada Lovelace"
    email: str = "ada@shop.example"


def main() -> None:
    """Measure and print."""
    print(f"{'':{WIDTH}}{'µs':>9}{'bare µs':>10}{'beyond':>9}")
    primitives = bare_calls()
    for name, basis, call, calls in ours():
        cost, bare = best(call, primitives[basis], calls=calls)
        print(f"{name:{WIDTH}}{cost:9.2f}{bare:10.2f}{cost - bare:9.2f}")


def best(*rivals: Callable[[], object], calls: int) -> list[float]:
    """Microseconds per call of each, in its quickest round."""
    rounds = [[timeit.timeit(rival, number=calls) for rival in rivals] for _ in range(ROUNDS)]
    return [min(times) / calls * 1e6 for times in zip(*rounds, strict=True)]


def bare_calls() -> dict[str, Callable[[], object]]:
    """The primitives alone, with a fresh nonce each as any caller needs."""
    cipher, private = AESGCM(os.urandom(32)), X25519PrivateKey.generate()
    public, suite = private.public_key(), Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    nonce = os.urandom(12)
    box, sealed = cipher.encrypt(nonce, VALUE, VALUE), suite.encrypt(VALUE, public, VALUE)
    return {
        "seal": lambda: cipher.encrypt(os.urandom(12), VALUE, VALUE),
        "open": lambda: cipher.decrypt(nonce, box, VALUE),
        "hpke seal": lambda: suite.encrypt(VALUE, public, VALUE),
        "hpke open": lambda: suite.decrypt(sealed, private, VALUE),
        "hmac": lambda: hmac.digest(VALUE, VALUE, "sha256"),
    }


@dataclass(frozen=True)
class _Published:
    """`PublicKeys` of one key, as read from a file, once."""

    key: PublicKey

    def current(self, reader: str) -> PublicKey:
        return self.key


def ours() -> list[tuple[str, str, Callable[[], object], int]]:
    """Name, the primitive to compare with, the call, and how many of it make a round."""
    keys = MemoryKeys()
    people = PersonalFields(keys, MemoryDataKeys(), purposes=["bench"])
    person, wrapped = people.new_person("p-1")
    one_way, index = OneWaySealer(_Published(public_key(keys.current(CARD)))), BlindIndex(keys.get("index", 1))
    box, own = person.seal(VALUE, AT), one_way.seal(CARD, VALUE, AT)
    model = person.seal_model(Contact(), AT)
    return [
        ("a person's value: seal", "seal", lambda: person.seal(VALUE, AT), 5_000),
        ("a person's value: open", "open", lambda: person.open(box, AT, purpose="bench"), 5_000),
        ("a person's model: seal", "seal", lambda: person.seal_model(Contact(), AT), 5_000),
        ("a person's model: open", "open", lambda: person.open_model(Contact, model, AT, purpose="bench"), 5_000),
        ("a value that nobody here opens: seal", "hpke seal", lambda: one_way.seal(CARD, VALUE, AT), 5_000),
        ("the same: open", "hpke open", lambda: open_one_way(keys, CARD, own, AT), 500),
        ("a new person's data key, wrapped", "seal", lambda: people.new_person("p-1"), 5_000),
        ("a data key wrapped anew", "open", lambda: people.rewrap(wrapped), 5_000),
        ("a blind index", "hmac", lambda: index.of("email", "ada@shop.example"), 5_000),
        *events(),
    ]


def events() -> list[tuple[str, str, Callable[[], object], int]]:
    """The same for a field of an event."""
    sealing = MemorySealing("mailer")
    public = sealing.current("mailer")
    sealing.current = lambda reader: public  # type: ignore[method-assign]  # as read from a file, once
    unsealer = sealing.unsealer("mailer")

    def seal() -> dict[str, object]:
        return dict(sealing.sealer.seal_for({"mailer": Contact()}, event_type=TYPE, event_id="e-1", field="buyer"))

    sealed = sealing.sealer.seal_for({"mailer": Contact()}, event_type=TYPE, event_id="e-1", field="buyer")
    event = Event(id="e-1", type=TYPE, source="orders", subject="o-1", time=datetime.now(UTC), data={})
    size = len(base64.urlsafe_b64decode(sealed["mailer"].box + "=="))
    return [
        (f"an event's field ({size} bytes): seal", "hpke seal", seal, 5_000),
        ("an event's field: open", "hpke open",
         lambda: unsealer.open(Contact, sealed, event=event, field="buyer"), 5_000),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
