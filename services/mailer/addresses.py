"""When two spellings are one address: the identity that the newsletter cap counts by.

Wider than what a mail server promises (RFC 5321 section 2.4 lets local parts differ by case): counting two boxes as
one costs somebody a newsletter, counting one as two breaks the promise.
"""

import unicodedata

from shared.personal import BlindIndex

ADDRESS = "address"
"""The name under which an address's cap identity goes into the blind index."""
_GOOGLE = frozenset({"gmail.com", "googlemail.com"})


def cap_identity(email: str) -> str:
    """The one form of every spelling of an address: case, +tag, IDNA, and the dots and second name of Gmail.

    `email` has been parsed as an address before. Idempotent.
    """
    local, _, domain = unicodedata.normalize("NFKC", email).casefold().rpartition("@")
    domain = _ascii(domain.rstrip("."))
    local = local.partition("+")[0] or local
    if domain in _GOOGLE:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{domain}"


def key_of(index: BlindIndex, email: str) -> str:
    """The keyed hash by which an address is known here, whatever its spelling."""
    return index.of(ADDRESS, cap_identity(email))


def _ascii(domain: str) -> str:
    if domain.isascii():
        return domain
    import idna

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain
