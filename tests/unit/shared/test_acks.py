"""Acknowledgements leave in as few frames as can be, and never for what is not settled."""

from shared.acks import Acks


class Frames:
    def __init__(self) -> None:
        self.sent: list[tuple[int, bool]] = []

    async def send(self, tag: int, multiple: bool) -> None:
        self.sent.append((tag, multiple))


async def acks_with_open(count: int) -> tuple[Acks, Frames]:
    frames = Frames()
    acks = Acks(frames.send)
    for tag in range(1, count + 1):
        acks.opened(tag)
    return acks, frames


async def test_what_settles_together_leaves_in_one_frame() -> None:
    acks, frames = await acks_with_open(5)

    for tag in (2, 1, 3, 5, 4):
        acks.settle(tag)
    await acks.flush()

    assert frames.sent == [(5, True)]


async def test_an_open_delivery_is_never_covered_and_never_holds_back_the_others() -> None:
    acks, frames = await acks_with_open(5)

    for tag in (1, 2, 4, 5):
        acks.settle(tag)
    await acks.flush()
    assert frames.sent == [(2, True), (4, False), (5, False)]

    acks.settle(3)
    await acks.flush()
    assert frames.sent[3:] == [(3, False)]


async def test_a_delivery_settled_in_another_way_is_not_acknowledged() -> None:
    acks, frames = await acks_with_open(2)

    acks.forget(1)
    acks.settle(2)
    await acks.flush()

    assert frames.sent == [(2, False)]
