"""As much of MIME (RFC 2045, 2046) as reports need. Whatever bytes come in, nothing is raised and nothing recurses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_BYTES = 1024 * 1024
"""What is behind that is not looked at."""
_MOST_PARTS = 20
_MOST_FIELDS = 200
_LONGEST_VALUE = 4000
_FOLDS = re.compile(rb"\r?\n[ \t]+")
_GAP = re.compile(rb"\r?\n[ \t]*\r?\n")
_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:(.*)", re.DOTALL)
_PARAMETER = re.compile(r";\s*([a-z0-9-]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;]*))", re.IGNORECASE)

Fields = Mapping[str, str]
"""Values by name in small letters; of several fields of one name the first."""


@dataclass(frozen=True, slots=True)
class Part:
    """A header and what is behind it."""

    fields: Fields
    body: bytes

    @property
    def kind(self) -> str:
        """`type/subtype`, in small letters."""
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()

    def parameter(self, name: str) -> str:
        """Of the content type; "" where it is not there. The value as it is written."""
        text = self.fields.get("content-type", "")
        for match in _PARAMETER.finditer(text[:_LONGEST_VALUE].replace("\r", " ").replace("\n", " ")):
            if match[1].lower() == name:
                return match[2] if match[2] is not None else match[3]
        return ""


def read_part(data: bytes) -> Part:
    """Header and body of a message or of a part of one."""
    data = data[:MOST_BYTES].lstrip(b"\r\n")
    gap = _GAP.search(data)
    head, body = (data[: gap.start()], data[gap.end() :]) if gap else (data, b"")
    return Part(read_fields(head), body)


def read_fields(block: bytes) -> Fields:
    """The fields of one block."""
    fields: dict[str, str] = {}
    for line in re.split(rb"\r?\n", _FOLDS.sub(b" ", block))[:_MOST_FIELDS]:
        match = _FIELD.fullmatch(line)
        if match:
            value = match[2][:_LONGEST_VALUE].decode("latin-1").strip()
            fields.setdefault(match[1].decode("ascii").lower(), value)
    return fields


def read_blocks(body: bytes) -> Sequence[Fields]:
    """Blocks of fields with empty lines between them, as reports have them."""
    return [fields for block in _GAP.split(body, _MOST_PARTS)[:_MOST_PARTS] if (fields := read_fields(block))]


def parts_of(whole: Part) -> Sequence[Part]:
    """The parts of a multipart message, one level deep; none of any other."""
    boundary = whole.parameter("boundary").encode("latin-1", "replace")
    if not whole.kind.startswith("multipart/") or not boundary:
        return []
    edge = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(?:--)?[ \t]*(?=\r?\n|$)")
    return [read_part(each) for each in edge.split(whole.body, _MOST_PARTS)[1:_MOST_PARTS]]
