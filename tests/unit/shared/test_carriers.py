import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from shared import carriers
from shared.carriers import CARRIED_S, CARRIER_BYTES, Carried, Carriers

READER, OTHER = X25519PrivateKey.generate(), X25519PrivateKey.generate()
VALUE, NAME, BOUND = b"Ada Lovelace", b"mailer-1", b"buyer of e-1"


class Seconds:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_box(sender: Carriers, *, name: bytes = NAME, bound: bytes = BOUND, to: X25519PrivateKey = READER) -> bytes:
    return sender.seal(VALUE, to.public_key(), name=name, bound=bound)


def carrier_of(box: bytes) -> bytes:
    return box[:CARRIER_BYTES]


def test_the_reader_opens_each_value_of_a_carrier_in_any_order_and_after_a_restart() -> None:
    sender, reader = Carriers(), Carried()
    boxes = {bound: a_box(sender, bound=bound) for bound in (b"1", b"2", b"3")}

    assert len({carrier_of(box) for box in boxes.values()}) == 1
    for bound, box in reversed(boxes.items()):
        assert reader.open(box, READER, name=NAME, bound=bound) == VALUE
    assert Carried().open(boxes[b"2"], READER, name=NAME, bound=b"2") == VALUE


def test_equal_values_give_different_boxes() -> None:
    sender = Carriers()

    assert len({a_box(sender) for _ in range(50)}) == 50


@pytest.mark.parametrize("is_warm", [False, True])
def test_no_other_key_name_or_place_opens_it_even_where_the_carrier_is_known(is_warm: bool) -> None:
    box, reader = a_box(Carriers()), Carried()
    if is_warm:
        assert reader.open(box, READER, name=NAME, bound=BOUND) == VALUE

    assert reader.open(box, OTHER, name=NAME, bound=BOUND) is None
    assert reader.open(box, READER, name=b"mailer-2", bound=BOUND) is None
    assert reader.open(box, READER, name=NAME, bound=b"buyer of e-2") is None


@pytest.mark.parametrize("is_warm", [False, True])
def test_no_changed_bit_and_no_part_of_it_opens(is_warm: bool) -> None:
    box, reader = a_box(Carriers()), Carried()
    if is_warm:
        assert reader.open(box, READER, name=NAME, bound=BOUND) == VALUE
    damaged = [box[:at] + bytes([box[at] ^ 1]) + box[at + 1 :] for at in range(len(box))]

    for other in [*damaged, *(box[:length] for length in range(len(box))), box + b"\0"]:
        assert reader.open(other, READER, name=NAME, bound=BOUND) is None


def test_a_carrier_of_one_box_under_the_value_of_another_opens_nothing() -> None:
    one, two = a_box(Carriers()), a_box(Carriers())

    assert Carried().open(carrier_of(one) + two[CARRIER_BYTES:], READER, name=NAME, bound=BOUND) is None


def test_each_reader_and_each_version_of_its_key_has_a_carrier_of_its_own() -> None:
    sender = Carriers()

    assert len({carrier_of(a_box(sender, name=name, to=to)) for name in (NAME, b"2") for to in (READER, OTHER)}) == 4


def test_a_carrier_is_given_up_after_a_minute() -> None:
    clock = Seconds()
    sender = Carriers(monotonic=clock)
    first = carrier_of(a_box(sender))

    clock.now += CARRIED_S - 0.1
    assert carrier_of(a_box(sender)) == first
    clock.now += 0.1
    assert carrier_of(a_box(sender)) != first


def test_a_carrier_is_given_up_after_so_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "CARRIED_VALUES", 3)
    sender = Carriers()

    boxes = [carrier_of(a_box(sender)) for _ in range(7)]

    assert [boxes.index(box) for box in boxes] == [0, 0, 0, 3, 3, 3, 6]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "_REMEMBERED", 2)
    reader, boxes = Carried(), [a_box(Carriers()) for _ in range(5)]

    for box in [*boxes, *boxes]:
        assert reader.open(box, READER, name=NAME, bound=BOUND) == VALUE
    assert len(reader._ciphers) == 2
