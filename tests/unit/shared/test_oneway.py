import pytest
from prometheus_client import REGISTRY

from shared.oneway import OneWaySealer, open_one_way
from shared.personal import Place, Tampered
from shared.publickeys import CARD, PublicKey, public_key
from shared.testing.keys import MemoryKeys

AT = Place("orders", "card", "o-1")
VALUE = b"424242|4242"


class Published:
    """`PublicKeys` of what these keys hold."""

    def __init__(self, keys: MemoryKeys) -> None:
        self._keys = keys

    def current(self, reader: str) -> PublicKey:
        return public_key(self._keys.current(reader))


def a_box(keys: MemoryKeys, at: Place = AT) -> bytes:
    return OneWaySealer(Published(keys)).seal(CARD, VALUE, at)


def opened(purpose: str) -> float:
    return REGISTRY.get_sample_value("padlock_decryptions_total", {"purpose": purpose}) or 0.0


def test_the_holder_of_the_private_key_opens_it_and_it_counts() -> None:
    keys = MemoryKeys([CARD])
    before = opened(CARD)

    assert open_one_way(keys, CARD, a_box(keys), AT) == VALUE

    assert opened(CARD) == before + 1


def test_old_versions_stay_readable() -> None:
    keys = MemoryKeys([CARD])
    box = a_box(keys)

    keys.rotate(CARD)

    assert open_one_way(keys, CARD, box, AT) == VALUE
    assert a_box(keys)[4] == 2


def test_equal_values_give_different_boxes() -> None:
    keys = MemoryKeys([CARD])

    assert a_box(keys) != a_box(keys)


@pytest.mark.parametrize(
    "elsewhere", [Place("orders", "card", "o-2"), Place("orders", "contact", "o-1"), Place("profiles", "card", "o-1")]
)
def test_it_opens_in_no_other_place(elsewhere: Place) -> None:
    keys = MemoryKeys([CARD])

    with pytest.raises(Tampered):
        open_one_way(keys, CARD, a_box(keys), elsewhere)


def test_no_changed_byte_and_no_part_of_it_opens() -> None:
    keys = MemoryKeys([CARD])
    keys.rotate(CARD)
    box = a_box(keys)
    damaged = [box[:place] + bytes([box[place] ^ 1]) + box[place + 1 :] for place in range(len(box))]

    for other in [*damaged, *(box[:length] for length in range(len(box))), box + b"\0"]:
        with pytest.raises(Tampered):
            open_one_way(keys, CARD, other, AT)


def test_neither_another_key_nor_another_purpose_opens_it() -> None:
    keys = MemoryKeys([CARD, "seal"])
    box = a_box(keys)

    for others, purpose in ((MemoryKeys([CARD]), CARD), (keys, "seal"), (MemoryKeys([]), CARD)):
        with pytest.raises(Tampered) as refused:
            open_one_way(others, purpose, box, AT)
        assert "4242" not in str(refused.value)
