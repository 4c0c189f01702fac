"""Stores in memory, auth in one piece around them, and a browser behind a gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from services.auth.accounts.domain import Account, Reset, nobodys_key
from services.auth.accounts.hashing import PasswordHashes
from services.auth.accounts.rules import PasswordRules
from services.auth.config import Settings
from services.auth.deps import Deps
from services.auth.factors.domain import NO_FACTORS
from services.auth.factors.store import Challenge
from services.auth.identity.issuer import IdentityIssuer
from services.auth.mydata.domain import Erasure, Export, Gathered, Outcome, Part
from services.auth.refusals import AccountChanged, AccountNotFound, AddressTaken, ExportRunning
from services.auth.sessions.cookies import RememberCookies
from services.auth.sessions.domain import Session
from services.auth.sessions.remembered import RememberedBrowser
from services.auth.sessions.seen import SeenSessions
from services.auth.throttle.guard import Guard
from services.auth.throttle.store import QUIET, Limit
from services.auth.trail.domain import Entry, Note
from services.auth.trail.pending import Noted
from services.auth.trail.refused import RefusedLogins
from services.auth.trail.verify import Report
from shared.contracts.auth import MessageRequested, Recipient
from shared.events import Event
from shared.http.cookies import cookie_name
from shared.identity import IdentityVerifier, read_key_set
from shared.personal import BlindIndex, PersonalFields
from shared.testing.clock import FixedClock
from shared.testing.datakeys import MemoryDataKeys
from shared.testing.keys import MemoryKeys
from shared.testing.sealing import MemorySealing

PASSWORD = "correct horse battery"
SITE = "https://shop.example"


class MemoryNotes:
    """What the documents of all stores carry for the trail; `CarriedNotes` and relay in one.

    `is_dead`: the process is killed after each write, before it can append anything.
    """

    def __init__(self, trail: "MemoryTrail") -> None:
        self.trail = trail
        self.is_dead = False
        self.carried: dict[tuple[object, object], list[Noted]] = {}

    def store(self, kind: object, document_id: object, notes: Sequence[Noted]) -> None:
        """The write of a document that carries these notes."""
        if notes:
            self.carried.setdefault((kind, document_id), []).extend(notes)
        if not self.is_dead:
            self._append()

    def are_left(self, kind: object, document_id: object) -> bool:
        """Whether a document still carries some."""
        return (kind, document_id) in self.carried

    async def settled(self) -> None:
        """Nothing is ever under way here."""

    async def sweep(self) -> None:
        self._append()

    def _append(self) -> None:
        for each in [each for notes in self.carried.values() for each in notes]:
            self.trail.put(each.account_id, each.note, key=each.key)
        self.carried.clear()


class MemoryAccounts:
    """`Accounts` in a dictionary; `events` is what its documents announced."""

    def __init__(self, notes: MemoryNotes) -> None:
        self.notes = notes
        self.stored: dict[str, Account] = {}
        self.events: list[Event] = []

    async def get(self, account_id: str) -> Account:
        if account_id not in self.stored:
            raise AccountNotFound
        return self.stored[account_id]

    async def find_by_email(self, email_key: str) -> Account | None:
        return next((account for account in self.stored.values() if account.email_key == email_key), None)

    async def find_by_proof(self, token_hash: bytes) -> Account | None:
        return next((account for account in self.stored.values() if token_hash in _links(account)), None)

    async def find_by_email_token(self, token_hash: bytes) -> Account | None:
        return next((account for account in self.stored.values() if token_hash in _change_tokens(account)), None)

    async def staff(self) -> list[Account]:
        return sorted((each for each in self.stored.values() if each.is_staff), key=lambda each: each.created_at)

    async def add(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> None:
        if await self.find_by_email(account.email_key) is not None:
            raise AddressTaken
        self.stored[account.id] = account
        self.events += events
        self.notes.store("accounts", account.id, notes)

    async def save(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> Account:
        if account.id not in self.stored or self.stored[account.id].version != account.version:
            raise AccountChanged
        holder = await self.find_by_email(account.email_key)
        if holder is not None and holder.id != account.id:
            raise AddressTaken
        saved = self.stored[account.id] = replace(account, version=account.version + 1)
        self.events += events
        self.notes.store("accounts", account.id, notes)
        return saved

    async def abandoned(self, *, at: datetime, limit: int) -> list[Account]:
        found = [account for account in self.stored.values() if account.is_abandoned(at)]
        return sorted(found, key=lambda account: account.created_at)[:limit]

    async def remove(self, account: Account) -> bool:
        if account.id not in self.stored or self.stored[account.id].version != account.version:
            return False
        if self.notes.are_left("accounts", account.id):
            return False
        del self.stored[account.id]
        return True

    async def forget_email_changes(self, *, at: datetime) -> int:
        over = [
            account
            for account in self.stored.values()
            if account.email_change is not None and account.email_change.confirm.expires_at <= at
        ]
        for account in over:
            self.stored[account.id] = replace(account, email_change=None, version=account.version + 1)
        return len(over)


class MemoryResets:
    """`Resets` in a dictionary; `events` is what its documents announced."""

    def __init__(self) -> None:
        self.stored: dict[bytes, Reset] = {}
        self.events: list[Event] = []

    async def add(self, reset: Reset, events: Sequence[Event]) -> None:
        self.stored[reset.id] = reset
        self.events += events

    async def find(self, token_hash: bytes) -> Reset | None:
        return self.stored.get(token_hash)

    async def forget_account(self, account_id: str) -> None:
        self.stored = {key: each for key, each in self.stored.items() if each.account_id != account_id}


def _change_tokens(account: Account) -> set[bytes]:
    change = account.email_change
    return set() if change is None else {change.confirm.token_hash, change.approve.token_hash}


def _links(account: Account) -> set[bytes]:
    proofs = [each.proof for each in account.registrations] + ([account.proof] if account.proof else [])
    return {proof.token_hash for proof in proofs}


class MemorySessions:
    """`Sessions` in a dictionary; those that have ended are in another, by key."""

    def __init__(self, notes: MemoryNotes) -> None:
        self.notes = notes
        self.stored: dict[bytes, Session] = {}
        self.ended: dict[bytes, Session] = {}
        self.reads = 0

    async def find(self, key: bytes) -> Session | None:
        self.reads += 1
        return self.stored.get(key)

    async def find_by_id(self, account_id: str, session_id: str) -> Session | None:
        return next((each for each in await self.of_account(account_id) if each.id == session_id), None)

    async def of_account(self, account_id: str) -> list[Session]:
        own = [session for session in self.stored.values() if session.account_id == account_id]
        return sorted(own, key=lambda session: session.seen_at, reverse=True)

    async def add(self, session: Session, *, notes: Sequence[Noted] = ()) -> None:
        if session.key in self.stored or session.key in self.ended:
            return
        self.stored[session.key] = session
        self.notes.store("sessions", session.key, notes)

    async def end(self, key: bytes, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        return self._end([each for each in self.stored.values() if each.key == key], notes)

    async def end_series(self, series: str, *, at: datetime, keep: bytes | None = None) -> None:
        self._end([each for each in self.stored.values() if each.series == series and each.key != keep])

    async def end_account(
        self, account_id: str, *, at: datetime, keep: bytes | None = None, notes: Sequence[Noted] = ()
    ) -> None:
        self._end([each for each in await self.of_account(account_id) if each.key != keep], notes)

    async def forget_account(self, account_id: str) -> None:
        self.ended = {
            key: each
            for key, each in self.ended.items()
            if each.account_id != account_id or self.notes.are_left("sessions", key)
        }

    async def confirm(self, key: bytes, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        session = self.stored.get(key)
        if session is None:
            return False
        self.stored[key] = replace(session, confirmed_at=max(at, session.confirmed_at or at))
        self.notes.store("sessions", key, notes)
        return True

    def _end(self, sessions: Sequence[Session], notes: Sequence[Noted] = ()) -> bool:
        for session in sessions:
            self.ended[session.key] = self.stored.pop(session.key)
            self.notes.store("sessions", session.key, notes)
        return bool(sessions)

    async def mark_seen(self, seen: Sequence[tuple[bytes, datetime]]) -> None:
        for key, at in seen:
            if key in self.stored:
                self.stored[key] = replace(self.stored[key], seen_at=max(at, self.stored[key].seen_at))


class MemoryRememberedBrowsers:
    """`RememberedBrowsers` in a dictionary; `events` is what its documents announced."""

    def __init__(self, notes: MemoryNotes) -> None:
        self.notes = notes
        self.stored: dict[str, RememberedBrowser] = {}
        self.events: list[Event] = []

    async def find(self, series: str) -> RememberedBrowser | None:
        return self.stored.get(series)

    async def of_account(self, account_id: str) -> list[RememberedBrowser]:
        own = [browser for browser in self.stored.values() if browser.account_id == account_id]
        return sorted(own, key=lambda browser: browser.created_at, reverse=True)

    async def add(self, browser: RememberedBrowser) -> None:
        self.stored[browser.id] = browser

    async def rotate(self, rotated: RememberedBrowser) -> RememberedBrowser | None:
        now = self.stored.get(rotated.id)
        if now is not None and now.current == rotated.former and now.ended_at is None:
            self.stored[rotated.id] = rotated
        return self.stored.get(rotated.id)

    async def end(self, series: str, events: Sequence[Event], *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        browser = self.stored.get(series)
        if browser is None or browser.ended_at is not None:
            return False
        self.stored[series] = replace(browser, ended_at=at)
        self.events += events
        self.notes.store("remembered", series, notes)
        return True

    async def end_account(
        self, account_id: str, *, at: datetime, keep: str | None = None, notes: Sequence[Noted] = ()
    ) -> None:
        for browser in list(self.stored.values()):
            if browser.account_id == account_id and browser.id != keep:
                await self.end(browser.id, [], at=at, notes=notes)

    async def forget_account(self, account_id: str) -> None:
        self.stored = {
            key: each
            for key, each in self.stored.items()
            if each.account_id != account_id or self.notes.are_left("remembered", key)
        }


class MemoryExports:
    """`Exports` in dictionaries; `events` is what its documents announced."""

    def __init__(self, notes: MemoryNotes) -> None:
        self.notes = notes
        self.stored: dict[str, Export] = {}
        self.kept: dict[tuple[str, str, int], Part] = {}
        self.events: list[Event] = []

    async def add(self, export: Export, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> None:
        if any(each.account_id == export.account_id and each.ready_at is None for each in self.stored.values()):
            raise ExportRunning
        self.stored[export.id] = export
        self.events += events
        self.notes.store("exports", export.id, notes)

    async def find(self, account_id: str, export_id: str) -> Export | None:
        found = self.stored.get(export_id)
        return found if found is not None and found.account_id == account_id else None

    async def of_account(self, account_id: str) -> list[Export]:
        return sorted((e for e in self.stored.values() if e.account_id == account_id), key=lambda e: e.id)[::-1]

    async def put(self, export: Export, part: Part) -> None:
        self.kept[export.id, part.service, part.number] = part

    async def parts(self, export_id: str) -> list[Part]:
        return [self.kept[key] for key in sorted(self.kept) if key[0] == export_id]

    async def note(self, export_id: str, service: str, *, part: int, of: int) -> Export | None:
        export = self.stored.get(export_id)
        if export is None:
            return None
        seen = export.gathered[service].seen if service in export.gathered else frozenset()
        gathered = {**export.gathered, service: Gathered(of, seen | {part})}
        self.stored[export_id] = replace(export, gathered=gathered)
        return self.stored[export_id]

    async def finish(self, export: Export, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> bool:
        now = self.stored.get(export.id)
        if now is None or now.ready_at is not None:
            return False
        self.stored[export.id] = replace(now, ready_at=export.ready_at, expires_at=export.expires_at)
        self.events += events
        self.notes.store("exports", export.id, notes)
        return True

    async def drop(self, account_id: str) -> int:
        theirs = [each.id for each in await self.of_account(account_id)]
        self.kept = {key: part for key, part in self.kept.items() if key[0] not in theirs}
        gone = [each for each in theirs if not self.notes.are_left("exports", each)]
        for export_id in gone:
            del self.stored[export_id]
        return len(gone)


class MemoryErasures:
    """`Erasures` beside `MemoryAccounts`, whose documents say what was begun; `events` is what receipts announced."""

    def __init__(self, accounts: MemoryAccounts) -> None:
        self.accounts = accounts
        self.erasing: dict[str, Erasure] = {}
        self.stored: dict[str, Erasure] = {}
        self.events: list[Event] = []

    async def begin(
        self, account: Account, erasure: Erasure, events: Sequence[Event], *, notes: Sequence[Noted] = ()
    ) -> None:
        if account.id in self.erasing:
            raise AccountChanged
        emptied = replace(account, email_key=nobodys_key(account.id), proof=None, registrations=(), factors=NO_FACTORS)
        await self.accounts.save(replace(emptied, email_change=None), events, notes=notes)
        self.erasing[account.id] = erasure

    async def begun(self, *, limit: int) -> list[Erasure]:
        left = [each for each in self.erasing.values() if each.account_id in self.accounts.stored]
        return sorted(left, key=lambda each: each.asked_at)[:limit]

    async def find_begun(self, account_id: str) -> Erasure | None:
        return self.erasing.get(account_id) if account_id in self.accounts.stored else None

    async def open(self, erasure: Erasure) -> bool:
        if erasure.id in self.stored:
            return False
        self.stored[erasure.id] = erasure
        return True

    async def find_by_token(self, token_hash: bytes) -> Erasure | None:
        return next((each for each in self.stored.values() if each.token_hash == token_hash), None)

    async def note(self, erasure_id: str, service: str, outcome: Outcome) -> Erasure | None:
        found = self.stored.get(erasure_id)
        if found is not None:
            self.stored[erasure_id] = replace(found, outcomes={service: outcome, **found.outcomes})
        return self.stored.get(erasure_id)

    async def complete(self, erasure_id: str, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        found = self.stored[erasure_id]
        if found.completed_at is not None or found.mail is None:
            return False
        self.stored[erasure_id] = replace(found, completed_at=at, account_id="", mail=None)
        self.events.append(found.mail)
        self.accounts.notes.store("erasures", erasure_id, notes)
        return True


class MemoryChallenges:
    """`Challenges` in a dictionary."""

    def __init__(self) -> None:
        self.stored: dict[bytes, Challenge] = {}

    async def add(self, key: bytes, challenge: Challenge) -> None:
        self.stored[key] = challenge

    async def take(self, key: bytes) -> Challenge | None:
        return self.stored.pop(key, None)


@dataclass
class _Tally:
    at: list[datetime] = field(default_factory=list)
    fills: int = 0
    until: datetime | None = None
    begins_anew_at: datetime | None = None


class MemoryTries:
    """`Tries` in a dictionary."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], _Tally] = {}

    async def take(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        tally = self.stored.setdefault((limit.name, key), _Tally())
        if tally.until is not None and tally.until > at:
            return tally.until - at
        if tally.begins_anew_at is not None and tally.begins_anew_at <= at:
            tally.fills = 0
        tally.at = [*(each for each in tally.at if each > at - limit.within), at]
        tally.until = None
        if len(tally.at) >= limit.most:
            tally.fills += 1
            tally.until = at + limit.closed_for(tally.fills)
        tally.begins_anew_at = (tally.until or at) + QUIET
        return None

    async def wait(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        tally = self.stored.get((limit.name, key), _Tally())
        return tally.until - at if tally.until is not None and tally.until > at else None

    async def give_back(self, limit: Limit, key: str, *, at: datetime) -> None:
        tally = self.stored.get((limit.name, key), _Tally())
        if at in tally.at:
            tally.at.remove(at)
            tally.fills -= tally.until is not None
            tally.until = None

    async def forget(self, limit: Limit, key: str) -> None:
        self.stored.pop((limit.name, key), None)


class MemoryTrail:
    """`Trail` in a list."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, Note]] = []
        self._keys: set[str] = set()

    def whats(self, account_id: str) -> list[str]:
        """What happened to an account, oldest first."""
        return [note.what for owner, note in self.stored if owner == account_id]

    async def append(self, account_id: str, note: Note, *, key: str = "") -> bool:
        return self.put(account_id, note, key=key)

    def put(self, account_id: str, note: Note, *, key: str = "") -> bool:
        """`append` within one turn of the loop."""
        if key and key in self._keys:
            return False
        self._keys.add(key)
        self.stored.append((account_id, note))
        return True

    async def of_account(self, account_id: str, *, limit: int, before: int = 0) -> list[Entry]:
        own = [note for owner, note in self.stored if owner == account_id]
        entries = [Entry(each.what, each.at, each.details, each.reason, number=n) for n, each in enumerate(own, 1)]
        return [each for each in reversed(entries) if not before or each.number < before][:limit]


def some_notes() -> MemoryNotes:
    """With a trail of their own."""
    return MemoryNotes(MemoryTrail())


class MemoryAudit:
    """`Audit` of what nobody can alter."""

    async def anchor(self) -> list[bytes]:
        return []

    async def newest_anchor(self) -> bytes:
        return b""

    async def verify(self, *, expected: str = "") -> Report:
        return Report()


def some_settings(**changes: Any) -> Settings:
    """Settings whose Argon2id takes no time; the rest as on one machine."""
    values: dict[str, Any] = {
        "public_url": SITE,
        "http_port": 0,
        "mongo_url": "mongodb://nowhere",
        "amqp_url": "amqp://nowhere",
        "key_dir": Path("unused"),
        "seal_keys_dir": Path("unused"),
        "jwks_url": "http://nowhere/jwks.json",
        "argon2_memory_kib": 8,
        "argon2_passes": 1,
    }
    return Settings(**(values | changes))


class World:
    """Auth on stores in memory, a clock that stands still, and mailer's key to read the mails."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or some_settings()
        self.clock = FixedClock()
        self.keys = MemoryKeys()
        self.sealing = MemorySealing()
        self.trail = MemoryTrail()
        self.notes = MemoryNotes(self.trail)
        self.accounts = MemoryAccounts(self.notes)
        self.resets = MemoryResets()
        self.sessions = MemorySessions(self.notes)
        self.remembered = MemoryRememberedBrowsers(self.notes)
        self.challenges = MemoryChallenges()
        self.tries = MemoryTries()
        self.exports = MemoryExports(self.notes)
        self.erasures = MemoryErasures(self.accounts)
        self.data_keys = MemoryDataKeys()
        self.issuer = IdentityIssuer(self.keys, self.clock)
        index = BlindIndex(self.keys.get("index", 1))
        self.deps = Deps(
            settings=self.settings,
            clock=self.clock,
            accounts=self.accounts,
            resets=self.resets,
            sessions=self.sessions,
            remembered=self.remembered,
            challenges=self.challenges,
            tries=self.tries,
            guard=Guard(self.tries, self.clock, index=index, per_network=self.settings.tries_per_network),
            trail=self.trail,
            notes=self.notes,
            audit=MemoryAudit(),
            exports=self.exports,
            erasures=self.erasures,
            refused=RefusedLogins(self.trail, self.clock),
            people=PersonalFields(self.keys, self.data_keys, purposes=Settings.purposes),
            index=index,
            sealer=self.sealing.sealer,
            unsealer=self.sealing.unsealer("auth"),
            hashes=PasswordHashes(self.settings),
            rules=PasswordRules(),
            remember=RememberCookies(self.keys, cookie_name(self.settings.site_name, "remember")),
            issuer=self.issuer,
            seen=SeenSessions(self.sessions),
            identities=self.verifier("auth"),
            ready=self._ready,
        )

    def verifier(self, service: str) -> IdentityVerifier:
        """What a service checks identities with."""

        async def fetch() -> Any:
            return read_key_set(self.issuer.key_set())

        return IdentityVerifier(fetch, service, self.clock)

    @property
    def mails(self) -> list[tuple[str, Recipient]]:
        """Template and recipient of every mail requested, opened as mailer does."""
        opened = []
        stores = (self.accounts, self.resets, self.remembered, self.exports, self.erasures)
        for event in [event for store in stores for event in store.events]:
            if event.type == MessageRequested.TYPE:
                message = event.read(MessageRequested)
                unsealer = self.sealing.unsealer("mailer")
                opened.append(
                    (message.template, unsealer.open(Recipient, message.recipient, event=event, field="recipient"))
                )
        return opened

    async def _ready(self) -> Mapping[str, bool]:
        return {"database": True}


class Browser:
    """A browser behind the gateway: keeps cookies, and asks for the identity before each request, as nginx does."""

    def __init__(self, client: TestClient[Any, Any], settings: Settings) -> None:
        self.client = client
        self.jar: dict[str, str] = {}
        self._settings = settings

    def name(self, kind: Any) -> str:
        """The full name of a cookie."""
        return cookie_name(self._settings.site_name, kind)

    def close(self) -> None:
        """Close the window: only the remember cookie outlives it."""
        self.jar = {name: value for name, value in self.jar.items() if name == self.name("remember")}

    def copy(self) -> "Browser":
        """A thief with the same cookies."""
        twin = Browser(self.client, self._settings)
        twin.jar = dict(self.jar)
        return twin

    async def identity(self, audience: str = "auth") -> ClientResponse:
        """The gateway's question; cookies in the answer are kept."""
        headers = {"X-Audience": audience} | self._cookie_header()
        answer = await self.client.get("/internal/identity", headers=headers)
        self.keep(answer.headers.getall("X-Set-Session", []) + answer.headers.getall("X-Set-Remember", []))
        return answer

    async def send(self, method: str, path: str, **options: Any) -> ClientResponse:
        """A request through the gateway."""
        headers: dict[str, str] = {"Sec-Fetch-Site": "same-origin"} | options.pop("headers", {})
        cookies = self._cookie_header()
        if cookies:
            headers["X-Identity"] = (await self.identity()).headers["X-Identity"]
        answer = await self.client.request(method, path, headers=headers | cookies, allow_redirects=False, **options)
        self.keep(answer.headers.getall("Set-Cookie", []))
        return answer

    async def log_in(self, email: str, password: str = PASSWORD, **more: Any) -> ClientResponse:
        """`POST /api/auth/session`."""
        return await self.send("POST", "/api/auth/session", json={"email": email, "password": password} | more)

    def keep(self, set_cookies: Sequence[str]) -> None:
        """What a browser does with Set-Cookie."""
        for text in set_cookies:
            for name, morsel in SimpleCookie(text).items():
                if morsel["max-age"] == "0":
                    self.jar.pop(name, None)
                else:
                    self.jar[name] = morsel.value

    def _cookie_header(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())} if self.jar else {}
