"""A campaign before it goes out: as its reader will see it, and as a mail to the shop's own staff.

A copy for a test is no newsletter: it goes to the shop's own domains alone, says in its subject what it is, belongs to
no subscriber, and has no place in anybody's month.
"""

import email
import email.policy
from dataclasses import dataclass, replace
from email.message import EmailMessage

import structlog

from services.mailer.campaigns.content import render
from services.mailer.campaigns.domain import Campaign, Content, TooManyTests
from services.mailer.campaigns.edition import Copy, edition_for
from services.mailer.deps import Deps
from services.mailer.languages import Language
from services.mailer.message.blueprint import NAME
from services.mailer.smtp.session import Envelope, Outcome
from shared.errors import FieldError, InvalidInput, TransientError

TESTS = 50
"""So many copies for tests go out of one campaign."""
_NOBODY = "0" * 32
_NAMES = {"en": "Ann Example", "ja": "\u898b\u672c\u82b1\u5b50", "de": "Erika Mustermann"}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a reader gets. `html` is the whole document, `body` what the campaign's own text becomes in it."""

    language: Language
    subject: str
    text: str
    html: str
    body: str


async def preview_campaign(deps: Deps, campaign_id: str, language: str) -> Preview:
    """The final mail in a language, read back as a mail program reads it.

    Raises:
        NoSuchCampaign
    """
    campaign = await deps.campaigns.get(campaign_id)
    chosen, content = campaign.content_for(language)
    mail = _parsed(_write(deps, campaign, chosen, to=f"reader@{deps.settings.mail_host}"))
    body = render(content.markdown, pointer="", hosts=deps.settings.link_hosts).html
    return Preview(
        chosen,
        str(mail["Subject"]),
        _part(mail, "plain"),
        _part(mail, "html"),
        body.replace(NAME, _NAMES[chosen]),
    )


async def send_test(deps: Deps, campaign_id: str, language: str, *, to: str) -> Language:
    """One copy to an address of the shop's own; returns the language it is in.

    Raises:
        NoSuchCampaign
        InvalidInput: `/to` is no address of the shop's domains.
        TooManyTests: this campaign has had its share.
        TransientError: the relay did not take it.
    """
    if to.rpartition("@")[2].casefold() not in deps.settings.test_hosts:
        raise InvalidInput(fields=[FieldError("/to", "not-ours", "Tests go to addresses of the shop itself")])
    campaign = await deps.campaigns.get(campaign_id)
    chosen, _ = campaign.content_for(language)
    if not await deps.campaigns.count_test(campaign_id, limit=TESTS):
        raise TooManyTests
    message = _write(deps, _marked(campaign), chosen, to=to)
    delivery = await deps.sending.relay.deliver(Envelope(deps.settings.sender[1], to), message, before_dot=_at_any_time)
    log.info("copy for a test", campaign_id=campaign_id, outcome=delivery.outcome.value, language=chosen)
    if delivery.outcome is Outcome.REFUSED:
        raise InvalidInput(fields=[FieldError("/to", "refused", "The mail relay refuses this address")])
    if delivery.outcome is not Outcome.ACCEPTED:
        raise TransientError("the mail relay did not take the copy")
    return chosen


def _write(deps: Deps, campaign: Campaign, language: Language, *, to: str) -> bytes:
    _, edition = edition_for(campaign, language, deps.settings)
    copy = Copy(_NOBODY, _NAMES[language], to, deps.links.unsubscribe_url(_NOBODY))
    return edition.write(copy, at=deps.clock())


def _marked(campaign: Campaign) -> Campaign:
    """Under another id, so that a mailbox never takes the real copy for a second one of these."""
    content = {
        language: Content(f"[Test] {text.subject}", text.markdown) for language, text in campaign.content.items()
    }
    return replace(campaign, id=f"test-{campaign.id}-{campaign.version}", content=content)


async def _at_any_time() -> bool:
    return True


def _parsed(message: bytes) -> EmailMessage:
    mail = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
