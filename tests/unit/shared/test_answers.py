import pytest

from shared.testing.answers import MemoryAnswers
from shared.testing.suites.answers import AnswersSuite


class TestMemoryAnswers(AnswersSuite):
    @pytest.fixture
    def answers(self) -> MemoryAnswers:
        return MemoryAnswers()
