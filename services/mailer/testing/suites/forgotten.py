"""What every `Forgotten` does. Subclass it and give a fixture `forgotten`, empty."""

from datetime import timedelta

from services.mailer.mydata.forgotten import Forgotten
from shared.testing.clock import NOON


class ForgottenSuite:
    """The contract."""

    async def test_the_latest_moment_counts(self, forgotten: Forgotten) -> None:
        for seconds in (5, 9, 1):
            await forgotten.remember("k-1", NOON + timedelta(seconds=seconds))

        assert await forgotten.until("k-1") == NOON + timedelta(seconds=9)
        assert await forgotten.until("k-2") is None
