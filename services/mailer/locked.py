"""After a restore: newsletters are locked until suppression is rebuilt and no month is left that nobody can count.

Who unsubscribed after the backup was made, and how many newsletters somebody got since, the database does not know;
newcomers of then it does not even know of. So no copy may count in a month of the gap.
"""

from datetime import datetime

from services.mailer.months import Calendar
from shared.errors import TransientError
from shared.restored import Restored


class NewslettersLocked(TransientError):
    """The database comes from a backup, and nobody may be written to yet."""


async def check_unlocked(restored: Restored, calendar: Calendar, now: datetime) -> None:
    """Pass where newsletters may go out.

    Raises:
        NewslettersLocked: the backup's gap is not recovered, or a copy sent now would count in a month of the gap.
    """
    as_of = await restored.as_of()
    if as_of is None:
        return
    recovered_at = await restored.recovered_at()
    if recovered_at is None:
        raise NewslettersLocked(
            f"newsletters are locked: the database is as of {as_of:%Y-%m-%dT%H:%M:%SZ}, and who unsubscribed since is "
            "not known; `mailer recover` comes first"
        )
    uncounted = calendar.month_of(recovered_at)
    if min(calendar.place_at(now).caps) <= uncounted:
        raise NewslettersLocked(f"newsletters are locked for {uncounted}: nobody knows who has got how many")
