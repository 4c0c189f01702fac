"""Subscriptions in MongoDB; the shape of the document is described in `services.mailer.subscribers`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.mailer.subscribers import COLLECTION, UNCOUNTED
from services.mailer.subscriptions.domain import (
    Asks,
    Consent,
    NoSuchSubscriber,
    Person,
    Subscription,
    SubscriptionState,
)
from services.mailer.subscriptions.store import Changed, History, Issue
from shared.events import Event
from shared.mongo import Database, Document, DuplicateKey, translated
from shared.outbox import FIELD, pending


class MongoSubscribers:
    """`Subscribers` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]

    async def find_by_address(self, address_key: str) -> Subscription | None:
        """See `Subscribers.find_by_address`."""
        with translated():
            document = await self._collection.find_one({"address_key": address_key})
        return None if document is None else _subscription(document)

    async def get(self, id: str) -> Subscription:
        """See `Subscribers.get`."""
        with translated():
            document = await self._collection.find_one({"_id": id})
        if document is None:
            raise NoSuchSubscriber
        return _subscription(document)

    async def history(self, id: str) -> History:
        """See `Subscribers.history`."""
        with translated():
            document = await self._collection.find_one({"_id": id}, {"months": 1, "issues": 1, "followups": 1})
        if document is None:
            raise NoSuchSubscriber
        months = {month: count for month, count in document.get("months", {}).items() if count}
        issues = document.get("issues", ())
        due = {each["campaign"]: each["due_at"] for each in document.get("followups", ())}
        return History(months, tuple(map(_issue, issues)), due)

    async def add(self, subscription: Subscription) -> None:
        """See `Subscribers.add`."""
        document = {"_id": subscription.id, "address_key": subscription.address_key, "revision": 0, "months": {}}
        try:
            with translated():
                await self._collection.insert_one(document | _fields(subscription))
        except DuplicateKey:
            raise Changed from None

    async def save(self, subscription: Subscription, events: Sequence[Event]) -> Subscription:
        """See `Subscribers.save`."""
        change: Document = {"$set": _fields(subscription), "$inc": {"revision": 1}}
        if events:
            change["$push"] = {FIELD: {"$each": pending(events)}}
        with translated():
            document = await self._collection.find_one_and_update(
                {"_id": subscription.id, "revision": subscription.revision}, change, return_document=True
            )
        if document is None:
            raise Changed
        return _subscription(document)

    async def unsubscribe(self, id: str, event: Event, *, at: datetime) -> bool:
        """See `Subscribers.unsubscribe`."""
        with translated():
            done = await self._collection.update_one(
                {"_id": id, "state": {"$ne": SubscriptionState.UNSUBSCRIBED.value}}, _ending(event, at)
            )
        if not done.matched_count:
            await self.get(id)  # read from a majority: what is answered as ended is ended there
        return bool(done.matched_count)

    async def follow(self, id: str, campaign_id: str, *, order_id: str, due_at: datetime) -> bool:
        """See `Subscribers.follow`."""
        wanted = {
            "_id": id,
            "state": {"$ne": SubscriptionState.UNSUBSCRIBED.value},
            "followups.campaign": {"$ne": campaign_id},
            "issues.campaign": {"$ne": campaign_id},
        }
        entry = {"campaign": campaign_id, "order": order_id, "due_at": due_at}
        with translated():
            done = await self._collection.update_one(wanted, {"$push": {"followups": entry}})
        if not done.matched_count:
            await self.get(id)
        return bool(done.matched_count)

    async def unfollow(self, id: str, order_id: str) -> None:
        """See `Subscribers.unfollow`."""
        with translated():
            await self._collection.update_one({"_id": id}, {"$pull": {"followups": {"order": order_id}}})

    async def forget(self, id: str) -> None:
        """See `Subscribers.forget`."""
        with translated():
            done = await self._collection.update_one(
                {"_id": id}, {"$unset": {"email": 1, "name": 1, "person": 1, "followups": 1}, "$inc": {"revision": 1}}
            )
        if not done.matched_count:
            raise NoSuchSubscriber


def _ending(event: Event, at: datetime) -> list[Document]:
    """A claim that is not at its dot goes with the state; one at its dot is settled by whoever holds it."""
    is_cancelled = {"$eq": ["$live.stage", "claimed"]}
    return [
        {
            "$set": {
                "state": SubscriptionState.UNSUBSCRIBED.value,
                "changed_at": at,
                "revision": {"$add": ["$revision", 1]},
                FIELD: {"$concatArrays": [{"$ifNull": [f"${FIELD}", []]}, {"$literal": pending([event])}]},
                "months": {"$cond": [is_cancelled, UNCOUNTED["months"], "$months"]},
                "live": {"$cond": [is_cancelled, "$$REMOVE", "$live"]},
                "followups": "$$REMOVE",
            }
        }
    ]


def _fields(subscription: Subscription) -> Document:
    consent, person = subscription.consent, subscription.person
    fields: Document = {
        "state": subscription.state.value,
        "topics": list(subscription.topics),
        "language": subscription.language,
        "round": subscription.round,
        "consent": {
            "source": consent.source,
            "wording": consent.wording,
            "requested_at": consent.requested_at,
            "confirmed_at": consent.confirmed_at,
        },
        "asks": {"day": subscription.asks.day, "keys": list(subscription.asks.keys)},
        "changed_at": subscription.changed_at,
        "paused_until": subscription.paused_until,
        "fewer": subscription.fewer,
    }
    if person is not None:
        fields |= {"email": person.email, "name": person.name, "person": person.person_id}
    return fields


def _subscription(document: dict[str, Any]) -> Subscription:
    return Subscription(
        id=document["_id"],
        address_key=document["address_key"],
        state=SubscriptionState(document["state"]),
        topics=tuple(document["topics"]),
        language=document["language"],
        consent=Consent(**document["consent"]),
        changed_at=document["changed_at"],
        person=_person(document),
        round=document["round"],
        asks=Asks(document["asks"]["day"], tuple(document["asks"]["keys"])),
        revision=document["revision"],
        paused_until=document.get("paused_until"),
        fewer=document.get("fewer", False),
    )


def _issue(entry: dict[str, Any]) -> Issue:
    return Issue(entry["campaign"], entry["result"], entry["at"], entry.get("returned", {}).get("kind", ""))


def _person(document: dict[str, Any]) -> Person | None:
    if "email" not in document:
        return None
    return Person(bytes(document["email"]), bytes(document["name"]), document["person"])
