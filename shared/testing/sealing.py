"""Sealing on keys that are made up, for tests."""

from shared.publickeys import PURPOSE, NoPublicKey, PublicKey, public_key
from shared.sealing import Sealer, Unsealer
from shared.testing.keys import MemoryKeys

READERS = ("auth", "orders", "mailer", "warranty")


class MemorySealing:
    """A sealer, and an unsealer for each reader, that fit each other. Also the `PublicKeys` of those readers."""

    def __init__(self, *readers: str) -> None:
        self.keys = {reader: MemoryKeys([PURPOSE]) for reader in readers or READERS}
        self.sealer = Sealer(self)

    def unsealer(self, reader: str) -> Unsealer:
        """Opens what is sealed for `reader`."""
        return Unsealer(reader, self.keys[reader])

    def rotate(self, reader: str) -> None:
        """Give the reader a new key; boxes for the old one still open."""
        self.keys[reader].rotate(PURPOSE)

    def current(self, reader: str) -> PublicKey:
        """See `PublicKeys`."""
        if reader not in self.keys:
            raise NoPublicKey(f"no public key of {reader}")
        return public_key(self.keys[reader].current(PURPOSE))
