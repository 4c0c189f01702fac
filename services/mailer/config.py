"""Mailer's settings."""

import re
from datetime import timedelta
from email.utils import getaddresses, parseaddr
from functools import cached_property
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator

from services.mailer.bounces.mailbox import MAILBOX_NAME, MailboxAddress
from services.mailer.bounces.tags import ReturnPaths
from services.mailer.message.dkim import DkimKey, load_keys
from services.mailer.message.headers import mailbox
from services.mailer.months import Calendar
from services.mailer.smtp.address import RelayAddress
from services.mailer.smtp.limits import parse_limits
from shared.caps import DEFAULT as USUAL_CAPS
from shared.caps import CapTable
from shared.keys import KeyProvider
from shared.settings import BaseSettings

_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseSettings):
    """Environment of mailer; names are listed by `python -m services.mailer config`."""

    service: ClassVar[str] = "mailer"
    purposes: ClassVar[tuple[str, ...]] = ("newsletter", "notice", "rehearsal", "export", "disclosure")

    smtp_url: SecretStr
    """The mail relay: smtp://host:port, smtp+starttls://user:password@host:port or smtps://..."""
    mail_from: str = "Tokyoflash Japan <news@example.com>"
    """Sender of all mails."""
    smtp_timeout_s: Seconds = 60
    """Patience for each reply of the relay but the one to the final dot."""
    smtp_dot_timeout_s: Seconds = 600
    """Patience for the reply to the final dot (RFC 5321 section 4.5.3.2.6: 10 minutes)."""
    smtp_ca_file: str = ""
    """Certificates that the relay's is checked against, in PEM; empty means those of the system."""
    dkim_domain: str = ""
    """Domain of the signatures; empty means the sender's. DMARC wants the sender's or one above."""
    dkim_rsa_key: SecretStr = SecretStr("")
    """RSA private key that signs all mails, PEM, 2048 bits or more; empty: no such signature."""
    dkim_rsa_selector: str = "padlock-rsa"
    """Its name in the DNS: <selector>._domainkey.<domain>."""
    dkim_ed25519_key: SecretStr = SecretStr("")
    """Ed25519 private key that signs all mails a second time, PEM; empty: no such signature."""
    dkim_ed25519_selector: str = "padlock-ed25519"
    """Its name in the DNS."""
    smtp_connections: Annotated[int, Field(ge=1, le=200)] = 8
    """Connections that one sending run keeps open for newsletters."""
    smtp_per_second: Annotated[float, Field(ge=0, le=10_000)] = 0
    """The most mails that one process hands to the relay in a second; 0: as fast as it takes them."""
    domain_limits: str = ""
    """Mails a minute and process by recipient domain: gmail.com:600,*:1200 (* for each other); empty: no limit."""
    notice_connections: Annotated[int, Field(ge=1, le=50)] = 4
    """Connections for receipts and other service mails."""
    newsletter_cap: str = USUAL_CAPS
    """Newsletters for one address in a calendar month: the default, then month:number for exceptions."""
    edge_hours: Annotated[float, Field(ge=0, le=240)] = 26
    """How near the edge of a month a copy needs a place in both."""
    test_domains: str = ""
    """Domains that copies for tests go to, separated by commas; empty means those of the sender and of the contact."""
    clock_tolerance_s: Seconds = 60
    """No newsletters while the clocks of this process and of the database differ by more."""
    approval_above: Annotated[int, Field(ge=0)] = 10_000
    """A campaign that more subscribers would get needs the approval of a second person."""
    claim_batch: Annotated[int, Field(ge=1, le=1000)] = 1000
    """The most subscribers that are claimed in one write."""
    range_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """So many recipients are one range, which one process works off; a campaign to no more is sent by one."""
    run_ttl_s: Annotated[float, Field(ge=1, le=600)] = 10
    """After how many seconds without a sign of life a sending process counts as dead."""
    bounce_domain: str = ""
    """Domain of the return paths, whose mail `lmtp` takes: aligned with the sender's; empty: the sender's address."""
    lmtp_host: str = "127.0.0.1"
    """Where `lmtp` listens."""
    lmtp_port: Annotated[int, Field(ge=0, le=65535)] = 2424
    """The port that `lmtp` listens on; 0 takes a free one."""
    imap_url: SecretStr = SecretStr("")
    """A mailbox that return paths are delivered to, for `bounces --imap`: imaps://user:password@host[:port][/mailbox]."""
    imap_ca_file: str = ""
    """Certificates that the mailbox's server is checked against, in PEM; empty means those of the system."""
    imap_move_to: str = ""
    """The mailbox that read mails are moved to; empty: they stay, marked as seen."""
    imap_every_s: Seconds = 60
    """How long after each look the next one is."""
    bounce_webhook_secret: SecretStr = SecretStr("")
    """Signs what the relay tells over HTTP; empty: nothing is believed."""
    soft_bounces: Annotated[int, Field(ge=1, le=6)] = 3
    """So many soft bounces among a subscriber's six latest newsletters end the subscription."""
    bounces_percent: Annotated[float, Field(gt=0, le=100)] = 5
    """Hard bounces, in percent of the copies sent, that pause a campaign."""
    bounces_least: Annotated[int, Field(ge=1)] = 20
    """But never fewer than these."""
    complaints_percent: Annotated[float, Field(gt=0, le=100)] = 0.3
    """Complaints, likewise."""
    complaints_least: Annotated[int, Field(ge=1)] = 3
    """But never fewer than these."""
    notice_pause_s: Seconds = 15
    """How long a service mail whose outcome is unknown waits before its one repetition."""
    send_cron: str = "*/10 * * * *"
    """When `schedule` sends, in the shop's time zone."""
    rehearsal_database: str = ""
    """Database of rehearsals, emptied by each; empty means the service's own name with _rehearsal behind it."""

    @field_validator("smtp_url")
    @classmethod
    def _readable_relay(cls, url: SecretStr) -> SecretStr:
        RelayAddress.parse(url.get_secret_value())
        return url

    @field_validator("imap_url")
    @classmethod
    def _readable_mailbox(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value():
            MailboxAddress.parse(url.get_secret_value())
        return url

    @field_validator("imap_move_to")
    @classmethod
    def _is_mailbox(cls, text: str) -> str:
        if text and not MAILBOX_NAME.fullmatch(text):
            raise ValueError("must be ASCII without quotes")
        return text

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, text: str) -> str:
        try:
            [sender] = getaddresses([text])
            mailbox(*sender, field="From")
        except ValueError:
            raise ValueError("must be like Shop Name <news@shop.example>") from None
        return text

    @model_validator(mode="after")
    def _can_sign(self) -> Self:
        _ = self.dkim_keys
        if self.bounce_domain and not _are_aligned(self.bounce_domain, self.mail_host):
            raise ValueError("bounce_domain must be the domain of mail_from, or one above or below it")
        if not f".{self.mail_host}".endswith(f".{self.signing_domain}"):
            raise ValueError("dkim_domain must be the domain of mail_from, or one above it")
        return self

    @field_validator("bounce_domain")
    @classmethod
    def _is_domain(cls, text: str) -> str:
        if text and not _DOMAIN.fullmatch(text):
            raise ValueError("must be a domain in small letters")
        return text

    @field_validator("domain_limits")
    @classmethod
    def _readable_limits(cls, text: str) -> str:
        parse_limits(text)
        return text

    @field_validator("newsletter_cap")
    @classmethod
    def _readable_table(cls, text: str) -> str:
        CapTable.parse(text)
        return text

    @field_validator("send_cron")
    @classmethod
    def _readable_cron(cls, text: str) -> str:
        from datetime import datetime

        from cronsim import CronSim, CronSimError

        try:
            CronSim(text, datetime(2026, 1, 1))  # noqa: DTZ001 - only to read the expression
        except CronSimError as error:
            raise ValueError(f"no cron expression: {error}") from None
        return text

    @model_validator(mode="after")
    def _rehearses_elsewhere(self) -> Self:
        if self.rehearsals in (self.mongo_database, self.mongo_keys_database):
            raise ValueError("rehearsal_database must be another one: each rehearsal empties it")
        return self

    @cached_property
    def relay(self) -> RelayAddress:
        """Where mails go."""
        return RelayAddress.parse(self.smtp_url.get_secret_value(), ca_file=self.smtp_ca_file)

    @cached_property
    def imap(self) -> MailboxAddress | None:
        """Where the mailbox is that `bounces --imap` reads, if any."""
        url = self.imap_url.get_secret_value()
        return MailboxAddress.parse(url, ca_file=self.imap_ca_file) if url else None

    @property
    def signing_domain(self) -> str:
        """The domain that mails are signed for."""
        return self.dkim_domain or self.mail_host

    @cached_property
    def dkim_keys(self) -> list[DkimKey]:
        """The keys that mails are signed with."""
        pairs = [
            (self.dkim_rsa_key.get_secret_value(), self.dkim_rsa_selector),
            (self.dkim_ed25519_key.get_secret_value(), self.dkim_ed25519_selector),
        ]
        return load_keys(pairs, domain=self.signing_domain)

    @cached_property
    def sender(self) -> tuple[str, str]:
        """Name and address of the sender."""
        return parseaddr(self.mail_from)

    @property
    def mail_host(self) -> str:
        """The sender's domain: names us in EHLO, Message-ID and List-Id."""
        return self.sender[1].rpartition("@")[2]

    @cached_property
    def calendar(self) -> Calendar:
        """The shop's months and the cap."""
        table = CapTable.parse(self.newsletter_cap)
        return Calendar(ZoneInfo(self.time_zone), table, timedelta(hours=self.edge_hours))

    def return_paths(self, keys: KeyProvider) -> ReturnPaths:
        """The envelope senders of all mails."""
        return ReturnPaths(keys, domain=self.bounce_domain, sender=self.sender[1])

    @property
    def link_hosts(self) -> frozenset[str]:
        """Hosts that a newsletter may link to: the shop's own."""
        return frozenset({urlsplit(self.public_url).hostname or "", self.site_name})

    @property
    def test_hosts(self) -> frozenset[str]:
        """Domains of the shop's own, to which copies for tests go."""
        named = frozenset(self.test_domains.casefold().replace(",", " ").split())
        return named or frozenset({self.mail_host.casefold(), self.shop_contact.rpartition("@")[2].casefold()})

    @property
    def rehearsals(self) -> str:
        """The rehearsal database's name."""
        return self.rehearsal_database or f"{self.mongo_database}_rehearsal"


def _are_aligned(one: str, other: str) -> bool:
    """As DMARC sees it (RFC 9989), without a list of public suffixes: the same, or one below the other."""
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")
