"""The languages that mails are written in, and the fixed words of each: `templates/texts/<language>.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["en", "ja", "de"]
LANGUAGES: tuple[Language, ...] = ("en", "ja", "de")
DEFAULT: Language = "en"

TEMPLATES = Path(__file__).parent / "templates"


def known(language: str) -> Language:
    """`language` where we write it, else English."""
    return next((each for each in LANGUAGES if each == language), DEFAULT)


@cache
def texts(language: Language) -> Mapping[str, Any]:
    """All fixed words of a language."""
    return tomllib.loads((TEMPLATES / "texts" / f"{language}.toml").read_text("utf-8"))
