"""What a run shows while it sends: a bar on a terminal, one line a minute elsewhere."""

import asyncio
import io

import pytest

from services.mailer.commands import send
from services.mailer.sending.domain import Result
from services.mailer.sending.progress import Progress
from services.mailer.testing.harness import open_shop


class Screen(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


async def shown(progress, screen, times):
    """What `show` has written after so many pauses, and how long they would have been."""
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)
        if len(pauses) > times:
            raise asyncio.CancelledError

    progress.pause = pause
    with pytest.raises(asyncio.CancelledError):
        await progress.show(screen)
    return screen.getvalue(), pauses


async def test_a_terminal_has_a_bar_over_itself_each_second():
    progress = Progress(expected=4)
    progress.results.update({Result.ACCEPTED: 2, Result.REFUSED: 1, Result.GIVEN_BACK: 5, Result.DEFERRED: 2})

    text, pauses = await shown(progress, Screen(is_terminal=True), 2)

    assert pauses == [1, 1, 1]
    assert text.count("\r\x1b[K[") == 2
    assert "\n" not in text
    assert text.count("#") == 2 * round(0.75 * 30)
    assert " 75% 2 accepted, 1 refused" in text


async def test_elsewhere_there_is_a_line_a_minute_without_signs_for_a_terminal():
    progress = Progress(expected=4)
    progress.results[Result.ACCEPTED] = 2

    text, pauses = await shown(progress, Screen(is_terminal=False), 2)

    assert pauses == [60, 60, 60]
    assert [line.partition(",")[0] for line in text.splitlines()] == ["2 accepted"] * 2
    assert "\x1b" not in text
    assert "#" not in text


@pytest.mark.parametrize("width", [0, 1, 20, 80, 400])
@pytest.mark.parametrize(("expected", "done"), [(0, 0), (0, 3), (3, 9), (1_000_000, 1)])
def test_a_bar_fits_its_line_whatever_was_expected(width, expected, done):
    progress = Progress(expected=expected)
    progress.results[Result.ACCEPTED] = done

    bar = progress.bar(width)

    assert 1 <= len(bar) <= max(width - 1, 1)
    assert "\n" not in bar


async def test_a_run_expects_those_who_would_get_it(shop):
    for number in range(3):
        await shop.subscriber(f"reader-{number}@example.org")
    await shop.campaign("c-1")

    progress = await shop.send()

    assert (progress.expected, progress.results[Result.ACCEPTED]) == (3, 3)
    assert " 100% " in progress.bar(200)


async def test_the_last_line_tells_what_waits_for_a_second_person(capsys):
    import argparse

    async with open_shop(approval_above=0) as shop:
        await shop.subscriber()
        await shop.campaign("c-1")

        await send(shop.deps(), argparse.Namespace())

    assert "1 campaigns wait for the approval of a second person" in capsys.readouterr().out
