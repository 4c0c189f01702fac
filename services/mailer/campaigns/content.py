"""The text of a campaign: Markdown without raw HTML, one known variable, links to the shop alone.

Everything is refused when the campaign is made, so that nothing can fail in the middle of sending.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from services.mailer.message.blueprint import NAME
from services.mailer.message.headers import HeaderInjection, text_field
from shared.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

VARIABLES = {"name": NAME}
"""What `{{ … }}` may name, and the character that stands for it until a copy is filled."""

_VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_LEFTOVER = re.compile(r"\{\{|\}\}|\{%|%\}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A campaign's body in both forms; `NAME` stands where the recipient's name comes."""

    html: str
    text: str


def check_subject(subject: str, *, pointer: str) -> None:
    """A subject is plain text: no variable, nothing that could end its header.

    Raises:
        InvalidInput: names `pointer`.
    """
    if _LEFTOVER.search(subject):
        raise _refused(pointer, "variable-in-subject", "The subject is the same for all: no variables")
    try:
        text_field("Subject", subject)
    except HeaderInjection:
        raise _refused(pointer, "control-characters", "Control characters are not allowed") from None


def render(markdown: str, *, pointer: str, hosts: Collection[str]) -> Rendered:
    """Markdown (CommonMark) to HTML and plain text.

    Raises:
        InvalidInput: names `pointer`: an unknown or broken variable, one inside a link, an image, or a link to a
            host that is not among `hosts`.
    """
    source = _with_placeholders(markdown.replace("\r\n", "\n"), pointer)
    tokens = _parser().parse(source)
    for target in _targets(tokens):
        _check_target(target, hosts, pointer)
    html = _parser().renderer.render(tokens, _parser().options, {})
    if html.count(NAME) != source.count(NAME):
        raise _refused(pointer, "variable-in-link", "A variable cannot be part of a link")
    return Rendered(html, "".join(_as_text(tokens)).strip("\n") + "\n")


def _with_placeholders(source: str, pointer: str) -> str:
    if _PRIVATE.search(source) or _CONTROLS.search(source):
        raise _refused(pointer, "control-characters", "Control and private characters are not allowed")

    def replace(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name not in VARIABLES:
            raise _refused(pointer, "unknown-variable", f"Known variables: {', '.join(VARIABLES)}")
        return VARIABLES[name]

    replaced = _VARIABLE.sub(replace, source)
    if _LEFTOVER.search(replaced):
        raise _refused(pointer, "broken-variable", "A variable is written {{ name }}")
    return replaced


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    # Raw HTML comes out as text; an image would tell its host who reads when.
    return MarkdownIt("commonmark", {"html": False}).disable("image")


def _walk(tokens: Sequence["Token"]) -> Iterator["Token"]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _targets(tokens: Sequence["Token"]) -> Iterator[str]:
    return (str(token.attrGet("href")) for token in _walk(tokens) if token.type == "link_open")


def _check_target(target: str, hosts: Collection[str], pointer: str) -> None:
    parts = urlsplit(target)
    if parts.scheme != "https" or parts.hostname not in hosts:
        raise _refused(pointer, "foreign-link", "Links are absolute, https, and to the shop alone")


def _as_text(tokens: Sequence["Token"]) -> Iterator[str]:
    """Plain text from the same tokens: paragraphs apart, list marks kept, a link's target behind its words."""
    marks: list[str] = []
    for token in tokens:
        if token.type == "ordered_list_open":
            marks.append(str(token.attrGet("start") or 1))
        elif token.type == "bullet_list_open":
            marks.append("-")
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            marks.pop()
            yield "\n"
        elif token.type == "list_item_open":
            yield _mark(marks)
        elif token.type == "inline":
            yield "".join(_inline(token.children or ()))
            yield "\n" if marks else "\n\n"
        elif token.type in ("fence", "code_block"):
            yield token.content + "\n"
        elif token.type == "hr":
            yield "----\n\n"


def _mark(marks: list[str]) -> str:
    indent = "  " * (len(marks) - 1)
    if marks[-1] == "-":
        return f"{indent}- "
    number = marks[-1]
    marks[-1] = str(int(number) + 1)
    return f"{indent}{number}. "


def _inline(tokens: Sequence["Token"]) -> Iterator[str]:
    targets: list[str] = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type == "link_open":
            targets.append(str(token.attrGet("href")))
        elif token.type == "link_close":
            yield f" <{targets.pop()}>"


def _refused(pointer: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(fields=[FieldError(pointer, code, detail)])
