"""The post office: takes service mails in, and delivers what is due."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter as Metric

from services.mailer.addresses import key_of
from services.mailer.config import Settings
from services.mailer.message.headers import HeaderInjection
from services.mailer.notices.domain import Content, Notice, NoticeState
from services.mailer.notices.letters import write_letter
from services.mailer.notices.store import Notices
from services.mailer.sending.store import Runs
from services.mailer.smtp.pool import BeforeDot, Delivery, MailRelay
from services.mailer.smtp.session import Envelope, Outcome
from shared import spans
from shared.clock import Clock
from shared.errors import TransientError
from shared.gatherer import Gatherer
from shared.ids import new_id
from shared.keys import KeyProvider
from shared.personal import BlindIndex, DataKeys, PersonKey, PersonKeys, Place
from shared.restored import NeverRestored, Restored
from shared.trace import current_traceparent

PURPOSE = "notice"
COLLECTION = "notices"
FORGOTTEN_AFTER = timedelta(hours=1)
NEVER = NeverRestored()
_AT_ONCE = 32

NOTICES = Metric("padlock_notices_total", "Service mails that came to an end, by state.", ["template", "state"])
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NoticeRequest:
    """A service mail that is wanted. `key` is natural: the same request again changes nothing.

    `happened_at` is when what it tells of happened, where that is told.
    """

    key: str
    template: str
    language: str
    content: Content
    expires_at: datetime | None = None
    happened_at: datetime | None = None


class Post:
    """Takes requests for service mails and delivers them. `wake` is set when there may be something to deliver."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        keys: KeyProvider,
        data_keys: DataKeys,
        *,
        notices: Notices,
        runs: Runs,
        relay: MailRelay,
        restored: Restored = NEVER,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._keys = PersonKeys(keys, purposes=[PURPOSE])  # not remembered: each key is used once or twice
        self._index = BlindIndex(keys.get("index", 1))
        self._return_paths = settings.return_paths(keys)
        self._data_keys = data_keys
        self._notices = notices
        self._runs = runs
        self._relay = relay
        self._restored = restored
        self._owner = new_id()
        self._holding: Counter[str] = Counter()
        self._marks: Gatherer[tuple[str, str], bool] = Gatherer(self._mark)
        self._pause = timedelta(seconds=settings.notice_pause_s)
        self.wake = asyncio.Event()

    async def take(self, request: NoticeRequest) -> None:
        """Store it; it will be delivered, by this process or another."""
        person, wrapped = self._keys.new_person(f"notice:{new_id()}")  # not the request's key: a retry has another
        await self._data_keys.add(wrapped)  # first, so that no notice is without its key
        notice = self._sealed(request, person)
        if await self._may_have_gone_out(request.happened_at):
            notice = given_up = replace(notice, state=NoticeState.ALARM, due_at=None, content=b"", person_id="")
            await self._data_keys.withdraw(person.person_id)
            if await self._notices.add(given_up):
                self._tell_end(given_up)
        elif await self._notices.add(notice):
            self.wake.set()
        else:
            await self._data_keys.withdraw(person.person_id)

    async def _may_have_gone_out(self, moment: datetime | None) -> bool:
        """Whether it is older than the backup that this database comes from: what has been sent since, nobody knows."""
        as_of = await self._restored.as_of()
        return as_of is not None and moment is not None and moment <= as_of

    def _sealed(self, request: NoticeRequest, person: PersonKey) -> Notice:
        now = self._clock()
        return Notice(
            id=request.key,
            template=request.template,
            language=request.language,
            content=person.seal_model(request.content, Place(COLLECTION, "content", request.key)),
            person_id=person.person_id,
            created_at=now,
            expires_at=request.expires_at,
            due_at=now,
            address_key=key_of(self._index, request.content.email),
            traceparent=current_traceparent(),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; what is on its way then ends first."""
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(self._beat())
            stopping = group.create_task(self._wake_at(stop))
            while not stop.is_set():
                await self.wake.wait()
                self.wake.clear()
                await self._begin_due(group)
            stopping.cancel()
            while self._holding.total():
                await self.wake.wait()
                self.wake.clear()
            beating.cancel()

    async def deliver_due(self) -> None:
        """Deliver all that is due now, then return."""
        is_more = True
        while is_more:
            async with asyncio.TaskGroup() as group:
                is_more = await self._begin_due(group)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake.set()

    async def _beat(self) -> None:
        ttl_s = self._settings.run_ttl_s
        while True:
            try:
                for owner in {self._owner, *(+self._holding)}:
                    await self._runs.beat(owner, ttl_s=ttl_s)
            except TransientError as error:
                log.warning("no sign of life could be given", error=str(error))
            await asyncio.sleep(ttl_s / 4)

    async def poll(self) -> None:
        """Take over what dead processes held, and wake up where something is due. One process at a time does it."""
        now = self._clock()
        for notice, owner in await self._notices.orphans(await self._runs.dead(), before=now - FORGOTTEN_AFTER):
            was_at_dot = notice.state is NoticeState.DOT
            found = notice.lost(now=now, pause=self._pause) if was_at_dot else replace(notice.returned, due_at=now)
            await self._settle(found, owner)
        if await self._notices.due(now):
            self.wake.set()

    async def _begin_due(self, group: asyncio.TaskGroup) -> bool:
        """Begin to deliver as many as there is room for; whether any was due.

        No copy waits for another: a relay that holds one open for ten minutes holds up nothing else.
        """
        room = _AT_ONCE - self._holding.total()
        if room < _AT_ONCE // 2:
            return False
        owner = self._owner
        try:
            await self._runs.beat(owner, ttl_s=self._settings.run_ttl_s)
            batch = await self._notices.claim(owner, at=self._clock(), limit=room)
        except TransientError as error:
            self._give_up_name(owner, error)
            return False
        self._holding[owner] += len(batch)
        for notice in batch:
            group.create_task(self._attempt(notice, owner))
        return bool(batch)

    async def _attempt(self, notice: Notice, owner: str) -> None:
        try:
            name, told = f"mail {notice.template}", {"padlock.template": notice.template}
            with spans.span(name, spans.Kind.CLIENT, notice.traceparent, told) as span:
                span["padlock.outcome"] = await self._deliver(notice, owner)
        except TransientError as error:
            self._give_up_name(owner, error)
        finally:
            self._holding[owner] -= 1
            self._holding = +self._holding  # without the names that hold nothing
            self.wake.set()

    def _give_up_name(self, owner: str, error: TransientError) -> None:
        """What this name held cannot be settled here any more; `poll` does it once the name gives no sign of life."""
        log.warning("service mails wait", error=str(error))
        if self._owner == owner:
            self._owner = new_id()

    async def _deliver(self, notice: Notice, owner: str) -> str:
        """Hand it over; where it stands afterwards."""
        instead = notice.at_pickup(self._clock())
        if instead is None and await self._may_have_gone_out(notice.created_at):
            instead = replace(notice, state=NoticeState.ALARM, due_at=None)
        if instead is not None:
            await self._settle(instead, owner)
            return instead.state.value
        was_at_dot = False

        async def before_dot() -> bool:
            nonlocal was_at_dot
            was_at_dot = await self._marks.submit((notice.id, owner))
            return was_at_dot

        content = await self._opened(notice)
        if content is None:
            await self._settle(replace(notice, state=NoticeState.FORGOTTEN, due_at=None), owner)
            return NoticeState.FORGOTTEN.value
        delivery = await self._hand_over(notice, content, before_dot)
        if delivery.outcome is Outcome.WITHDRAWN:
            return str(delivery.outcome.value)  # another process has it
        after = notice.after(delivery.outcome, now=self._clock(), pause=self._pause, was_at_dot=was_at_dot)
        await self._settle(after, owner)
        return after.state.value

    async def _hand_over(self, notice: Notice, content: Content, before_dot: BeforeDot) -> Delivery:
        try:
            message = write_letter(notice, content, self._settings, at=self._clock())
            return_path = self._return_paths.of_service_mail(notice.address_key, at=notice.created_at)
            envelope = Envelope(return_path, content.email)
        except (HeaderInjection, ValueError):
            # Not the traceback: it would end in the address.
            log.error("address cannot be written to", template=notice.template)  # noqa: TRY400
            return Delivery(Outcome.REFUSED)
        return await self._relay.deliver(envelope, message, before_dot=before_dot)

    async def _opened(self, notice: Notice) -> Content | None:
        wrapped = await self._data_keys.find(notice.person_id)
        if wrapped is None:
            return None
        person = self._keys.unwrap(wrapped, notice.person_id)
        return person.open_model(Content, notice.content, Place(COLLECTION, "content", notice.id), purpose=PURPOSE)

    async def _mark(self, held: Sequence[tuple[str, str]]) -> list[bool]:
        by_owner: dict[str, list[str]] = defaultdict(list)
        for notice_id, owner in held:
            by_owner[owner].append(notice_id)
        marked = {owner: await self._notices.mark_dot(ids, owner) for owner, ids in by_owner.items()}
        return [notice_id in marked[owner] for notice_id, owner in held]

    async def _settle(self, notice: Notice, owner: str) -> None:
        if notice.state.is_final:  # first the key: were it left behind by a crash, nobody would come for it
            await self._data_keys.withdraw(notice.person_id)
        if not await self._notices.settle(notice, owner):
            return
        self._tell_end(notice)

    def _tell_end(self, notice: Notice) -> None:
        if notice.state.is_final:
            NOTICES.labels(template=notice.template, state=notice.state.value).inc()
        if notice.state is NoticeState.ALARM:
            log.error("service mail given up: nobody knows whether it arrived", message_id=notice.id)
        elif notice.state is NoticeState.REFUSED:
            log.warning("service mail refused", message_id=notice.id, template=notice.template)
