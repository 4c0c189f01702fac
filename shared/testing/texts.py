"""What tests compare of a text: what was written into it, not what chance put there."""

import re

_CHANCE = re.compile(
    r"""[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}   # an id, RFC 9562 section 4
    | (?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])           # a trace id
    """,
    re.VERBOSE | re.IGNORECASE,
)


def without_ids(text: str) -> str:
    """The text less its UUIDs and trace ids, whose random digits may hold any short number.

    For tests that look for a few digits of a card: in an id of 32 hexadecimal digits a given group
    of four stands about once in 2,000 times, and a test that fails so seldom is believed by nobody.
    """
    return _CHANCE.sub("", text)
