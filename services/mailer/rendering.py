"""Mail templates: strict, escaped in HTML, plain in text, with the fixed words of a language."""

from functools import cache
from typing import Any

import jinja2

from services.mailer.languages import TEMPLATES


def render_html(name: str, **values: Any) -> str:
    """`templates/mails/<name>.html`, everything escaped.

    Raises:
        jinja2.UndefinedError: a value is missing.
    """
    return _environment().get_template(f"{name}.html").render(values)


def render_text(name: str, **values: Any) -> str:
    """`templates/mails/<name>.txt`, with LF line ends.

    Raises:
        jinja2.UndefinedError: a value is missing.
    """
    return _environment().get_template(f"{name}.txt").render(values)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "mails"),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
