"""What codes mean, in the visitor's language: of refusals, never by their English sentence, and of devices."""

from collections.abc import Mapping

from shared.http.explain import Words

_LABELS = {
    "name": ("common", "name"), "email": ("common", "email"), "password": ("common", "password"),
    "current_password": ("common", "current_password"), "new_password": ("common", "new_password"),
    "otp": ("login", "otp"), "recovery_code": ("login", "recovery_alone"), "code": ("verify", "code"),
    "confirmation": ("data", "erase_type"), "language": ("preferences", "language"),
    "currency": ("preferences", "currency"),
}  # fmt: skip


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
