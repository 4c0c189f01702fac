"""What every `Answers` store must do."""
# ruff: noqa: D102 - the name of a test is its sentence

import asyncio
from abc import ABC, abstractmethod
from datetime import timedelta

import pytest

from shared.answers import Answers, Begun
from shared.events import Event
from shared.testing.clock import NOON

LATER = NOON + timedelta(days=30)


def an_answer(number: int = 1) -> Event:
    """Something to announce."""
    return Event(f"e-{number}", "orders.person.erased.v1", "orders", "a-1", NOON, {"erasure_id": "x"})


class AnswersSuite(ABC):
    """Inherit from it and say in a fixture `answers` how to make an empty store."""

    @pytest.fixture
    @abstractmethod
    def answers(self) -> Answers:
        """An empty store."""

    async def test_what_was_noted_first_counts(self, answers: Answers) -> None:
        first = Begun("q-1", LATER, {"count": 3})

        assert await answers.begin(first) == first
        assert await answers.begin(Begun("q-1", LATER, {"count": 0})) == first
        assert await answers.find("q-1") == first
        assert await answers.find("q-2") is None

    async def test_a_question_is_answered_once(self, answers: Answers) -> None:
        await answers.begin(Begun("q-1", LATER))

        outcomes = await asyncio.gather(*(answers.answer("q-1", [an_answer(n)]) for n in range(9)))

        assert sorted(outcomes) == [False] * 8 + [True]
        found = await answers.find("q-1")
        assert found is not None
        assert found.is_answered

    async def test_what_nobody_has_begun_is_not_answered(self, answers: Answers) -> None:
        assert not await answers.answer("q-1", [an_answer()])
