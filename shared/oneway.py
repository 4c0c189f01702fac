"""Values that their writer can never read again: sealed to the public half of a key that only another process holds.

HPKE (RFC 9180) carries a key, and AES-256-GCM under it seals the values of a minute (`shared.carriers`): what was
written before that is closed to its writer, too. A box begins like those of `shared.boxes`:

    03 | key version, 4 bytes | carrier | nonce | ciphertext and its tag

The purpose of the key, its version and the place are bound to it, so a box that was altered, or moved to another field
or document, does not open. HPKE's base mode proves nothing about the writer.
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from shared.boxes import Place, Tampered, bind
from shared.carriers import Carried, Carriers
from shared.keys import KeyProvider, UnknownKey
from shared.metrics import DECRYPTIONS
from shared.publickeys import PublicKeys

_ONE_WAY = b"\x03"
_HEAD_BYTES = len(_ONE_WAY) + 4


class OneWaySealer:
    """Seals values for the holders of private keys; one for each process.

    Args:
        keys: where the public keys are, by the name of their purpose.
    """

    def __init__(self, keys: PublicKeys) -> None:
        self._keys = keys
        self._carriers = Carriers()

    def seal(self, purpose: str, value: bytes, at: Place) -> bytes:
        """A box that only the holder of the private key of this purpose can open, and only in this place.

        Raises:
            NoPublicKey: the key of this purpose is not published.
        """
        to = self._keys.current(purpose)
        head = _ONE_WAY + to.version.to_bytes(_HEAD_BYTES - len(_ONE_WAY), "big")
        name, bound = _name(purpose, to.version), _bound(purpose, to.version, at)
        return head + self._carriers.seal(value, to.key, name=name, bound=bound)


def open_one_way(keys: KeyProvider, purpose: str, box: bytes, at: Place) -> bytes:
    """The value that `OneWaySealer.seal` put away; counted as a decryption for the purpose of its key.

    Raises:
        Tampered: altered, moved, or the private key is not here.
    """
    version = int.from_bytes(box[len(_ONE_WAY) : _HEAD_BYTES], "big") if box[:1] == _ONE_WAY else 0
    try:
        private = X25519PrivateKey.from_private_bytes(keys.get(purpose, version).secret.reveal())
    except UnknownKey as error:
        raise Tampered(f"{at}: was sealed to version {version} of key {purpose!r}, which is not here") from error
    name, bound = _name(purpose, version), _bound(purpose, version, at)
    value = Carried().open(box[_HEAD_BYTES:], private, name=name, bound=bound)
    if value is None:
        raise Tampered(f"{at}: altered or moved")
    DECRYPTIONS.labels(purpose=purpose).inc()
    return value


def _name(purpose: str, version: int) -> bytes:
    return bind("padlock carrier of fields sealed one way", purpose, str(version))


def _bound(purpose: str, version: int, at: Place) -> bytes:
    return bind("padlock field sealed one way", purpose, str(version), at.collection, at.field, at.document_id)
