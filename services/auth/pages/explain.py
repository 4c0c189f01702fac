"""What codes mean, in the visitor's language: of refusals, never by their English sentence, and of devices."""

from collections.abc import Mapping

from services.auth.pages.words import Words
from shared.errors import DomainError

_A_MINUTE_S = 60
_LABELS = {
    "name": ("common", "name"), "email": ("common", "email"), "password": ("common", "password"),
    "current_password": ("common", "current_password"), "new_password": ("common", "new_password"),
    "otp": ("login", "otp"), "recovery_code": ("login", "recovery_alone"), "code": ("verify", "code"),
    "confirmation": ("data", "erase_type"), "language": ("preferences", "language"),
    "currency": ("preferences", "currency"),
}  # fmt: skip


def sentence_of(words: Words, refusal: DomainError, instead: Mapping[str, str] = {}) -> str:
    """The refusal as a whole; `instead` has, by code, what says it better on this page."""
    sentences = {**words["refusals"], **instead}
    minutes = -(-(refusal.retry_after_s or _A_MINUTE_S) // _A_MINUTE_S)
    return str(sentences.get(refusal.code, sentences["other"])).format(minutes=minutes)


def faults_of(words: Words, refusal: DomainError, *, shortest: int) -> dict[str, str]:
    """What is wrong with each field, by its name; a refusal of the whole has none. The first fault of a field counts.

    `shortest`: characters that a password must have here.
    """
    sentences = words["faults"]
    return {
        field.pointer.removeprefix("/").replace("/", "."): str(sentences.get(field.code, sentences["other"])).format(
            shortest=shortest
        )
        for field in reversed(refusal.fields)
    }


def labelled(words: Words, faults: Mapping[str, str]) -> dict[str, str]:
    """The same for a list apart from the fields: each sentence behind the label of its field."""
    return {name: _label(words, name) + sentence for name, sentence in faults.items()}


def _label(words: Words, name: str) -> str:
    section, key = _LABELS.get(name, ("", ""))
    return f"{words[section][key]}: " if section else ""


def device_text(words: Words, device: str) -> str:
    """A label of `sessions.domain.device_of`, such as "Firefox on Linux"."""
    browser, _, system = device.partition(" on ")
    own = words["devices"]
    named = own["unknown"] if browser == "Browser" else browser
    return str(own["named"]).format(browser=named, system=system) if system else str(named)
