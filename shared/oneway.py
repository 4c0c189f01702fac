"""Values that their writer can never read again: sealed to the public half of a key that only another process holds.

HPKE (RFC 9180) in base mode, with the suite of `shared.sealing`. A box begins like those of `shared.boxes`:

    03 | key version, 4 bytes | encapsulated key, ciphertext and its tag

The purpose of the key, its version and the place are bound through `info`, so a box that was altered, or moved to
another field or document, does not open. Base mode proves nothing about the writer.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from shared.boxes import Place, Tampered, bind
from shared.keys import KeyProvider, UnknownKey
from shared.metrics import DECRYPTIONS
from shared.publickeys import PublicKey
from shared.sealing import SUITE

_ONE_WAY = b"\x03"
_HEAD_BYTES = len(_ONE_WAY) + 4


def seal_one_way(key: PublicKey, purpose: str, value: bytes, at: Place) -> bytes:
    """A box that only the holder of the private key of this purpose can open, and only in this place."""
    head = _ONE_WAY + key.version.to_bytes(_HEAD_BYTES - len(_ONE_WAY), "big")
    return head + SUITE.encrypt(value, key.key, _info(purpose, key.version, at))


def open_one_way(keys: KeyProvider, purpose: str, box: bytes, at: Place) -> bytes:
    """The value that `seal_one_way` put away; counted as a decryption for the purpose of its key.

    Raises:
        Tampered: altered, moved, or the private key is not here.
    """
    version = int.from_bytes(box[len(_ONE_WAY) : _HEAD_BYTES], "big") if box[:1] == _ONE_WAY else 0
    try:
        private = X25519PrivateKey.from_private_bytes(keys.get(purpose, version).secret.reveal())
        value = SUITE.decrypt(box[_HEAD_BYTES:], private, _info(purpose, version, at))
    except UnknownKey as error:
        raise Tampered(f"{at}: was sealed to version {version} of key {purpose!r}, which is not here") from error
    except (InvalidTag, ValueError):
        raise Tampered(f"{at}: altered or moved") from None
    DECRYPTIONS.labels(purpose=purpose).inc()
    return value


def _info(purpose: str, version: int, at: Place) -> bytes:
    return bind("padlock field sealed one way", purpose, str(version), at.collection, at.field, at.document_id)
