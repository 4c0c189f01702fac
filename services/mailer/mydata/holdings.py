"""What mailer holds of a person: the subscription of the address, and service mails.

An erasure ends the subscription at once, as unsubscribing does, and forgets name and address. What stays says nothing
of the person: that this address, known by a keyed hash alone, wants no newsletters, and how many it had in which month.

Service mails that still wait are dropped: their links are those of an account that is gone. Receipts are not: a buyer
is owed one, it is sealed with a key of its own, and both go once it is delivered, after five days at the latest.
"""

from collections import Counter
from dataclasses import dataclass

from services.mailer.addresses import key_of
from services.mailer.deps import Deps
from services.mailer.notices.domain import Notice
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.domain import Subscription, SubscriptionState
from services.mailer.subscriptions.store import History
from services.mailer.subscriptions.usecases import forget
from shared.consumer import Handler
from shared.contracts.mailer import PersonErased, PersonExported
from shared.contracts.persons import Kept
from shared.personal import PersonErased as Erased
from shared.personal import Place
from shared.persons import PersonDesk, Row, Sections, Tally, Whom, counted

PERSONS = "mailer.persons"
PURPOSE = "export"


def person_handlers(deps: Deps) -> dict[str, Handler]:
    """For the queue of what auth asks."""
    desk = PersonDesk(
        PersonExported, PersonErased, MailHoldings(deps), deps.answers, deps.sealer, deps.unsealer, deps.clock
    )
    return dict(desk.handlers)


@dataclass(frozen=True, slots=True)
class MailHoldings:
    """Implements `shared.persons.Holdings`. Mailer knows nobody by an account: proven addresses say who it is."""

    deps: Deps

    async def collect(self, whom: Whom) -> Sections:
        """The subscription with its consent, what was counted and sent, and where service mails stand."""
        sections: Sections = {"subscription": [], "months": [], "newsletters": [], "service-mails": []}
        for email in whom.emails:
            for name, rows in (await self._known_by(key_of(self.deps.index, email))).items():
                sections[name] += rows
        return sections

    async def _known_by(self, key: str) -> Sections:
        mails = [_mail(notice) for notice in await self.deps.notices.of_address(key)]
        found = await self.deps.subscribers.find_by_address(key)
        if found is None:
            return {"service-mails": mails}
        history = await self.deps.subscribers.history(found.id)
        return {
            "subscription": [_subscription(found) | _due(history) | await self._person(found)],
            "months": [{"month": month, "newsletters": count} for month, count in sorted(history.months.items())],
            "newsletters": [
                {
                    "campaign": each.campaign,
                    "result": each.result,
                    "at": each.at.isoformat() if each.at else None,
                    "returned": each.returned or None,
                }
                for each in history.issues
            ],
            "service-mails": mails,
        }

    async def tally(self, whom: Whom) -> Tally:
        """See the module."""
        erased, kept = Counter[str](), Counter[tuple[str, str]]()
        for email in whom.emails:
            await self._count(whom, key_of(self.deps.index, email), erased, kept)
        left = tuple(Kept(what=what, why=why, count=count) for (what, why), count in kept.items() if count)
        return Tally(counted(**erased), left)

    async def _count(self, whom: Whom, key: str, erased: Counter[str], kept: Counter[tuple[str, str]]) -> None:
        waiting = [notice for notice in await self.deps.notices.of_address(key) if _waits(notice, whom)]
        receipts = sum(notice.is_owed for notice in waiting)
        kept["receipts-on-their-way", "owed-to-buyer"] += receipts
        erased["service_mails"] += len(waiting) - receipts
        found = await self._subscription(whom, key)
        if found is not None:
            kept["suppression", "never-write-again"] += 1
            kept["month-counts", "newsletter-cap"] += len((await self.deps.subscribers.history(found.id)).months)
            erased["subscription"] += found.state is not SubscriptionState.UNSUBSCRIBED
            erased["name_and_address"] += found.person is not None

    async def erase(self, whom: Whom) -> None:
        """By every address that the person is known by."""
        for email in whom.emails:
            await self._forget(whom, key_of(self.deps.index, email))

    async def _forget(self, whom: Whom, key: str) -> None:
        """First the moment is noted, so that a wish that comes late and does not see it yet is seen here."""
        await self.deps.forgotten.remember(key, whom.asked_at)
        found = await self._subscription(whom, key)
        if found is not None:
            await forget(self.deps, found.id)
        for notice in await self.deps.notices.of_address(key):
            if _waits(notice, whom) and not notice.is_owed:
                await self.deps.data_keys.remove(notice.person_id)  # whoever picks it up finds it forgotten
        await self.deps.notices.forget_address(key, until=whom.asked_at)

    async def _subscription(self, whom: Whom, key: str) -> Subscription | None:
        """That of the address, unless somebody has asked for it since: who comes back is subscribed anew."""
        found = await self.deps.subscribers.find_by_address(key)
        return None if found is None or found.consent.requested_at > whom.asked_at else found

    async def _person(self, found: Subscription) -> Row:
        if found.person is None:
            return {}
        try:
            person = await self.deps.people.known(found.person.person_id)
        except Erased:
            return {}
        opened = {
            field: person.open(box, Place(COLLECTION, field, found.id), purpose=PURPOSE).decode()
            for field, box in (("email", found.person.email), ("name", found.person.name))
        }
        return dict(opened)


def _waits(notice: Notice, whom: Whom) -> bool:
    return not notice.state.is_final and notice.created_at <= whom.asked_at


def _subscription(found: Subscription) -> Row:
    consent = found.consent
    return {
        "state": found.state.value,
        "topics": list(found.topics),
        "language": found.language,
        "changed_at": found.changed_at.isoformat(),
        "paused_until": found.paused_until.isoformat() if found.paused_until else None,
        "fewer": found.fewer,
        "consent": {
            "source": consent.source,
            "wording": consent.wording,
            "requested_at": consent.requested_at.isoformat(),
            "confirmed_at": consent.confirmed_at.isoformat() if consent.confirmed_at else None,
        },
    }


def _due(history: History) -> Row:
    """What follows purchases, where anything does."""
    rows = [{"campaign": campaign, "due_at": at.isoformat()} for campaign, at in history.due.items()]
    return {"follow_ups": rows} if rows else {}


def _mail(notice: Notice) -> Row:
    return {
        "about": notice.template,
        "state": notice.state.value,
        "language": notice.language,
        "created_at": notice.created_at.isoformat(),
    }
