"""What is true of every page of ours, looked at in a browser."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_SERVICES = Path(__file__).resolve().parents[2] / "services"
_WORDS = (
    "auth/pages/words/{language}.toml",
    "mailer/pages/words/{language}.toml",
    "orders/pages/words/*.{language}.toml",
    "warranty/pages/words/{language}.toml",
)
_A_SENTENCE = 12


async def faults_of(page: Page, language: str) -> list[str]:
    """What is wrong with the page as it is shown now; nothing, mostly."""
    where = page.url
    return [
        *[f"{where}: {fault}" for fault in await _structure(page, language)],
        *[f"{where}: {fault}" for fault in await _remains(page, language)],
        *[f"{where}: {fault}" for fault in await _axe(page)],
    ]


async def _structure(page: Page, language: str) -> Iterator[str]:
    seen = await page.evaluate(
        """() => ({
            lang: document.documentElement.lang,
            headings: document.querySelectorAll("h1").length,
            inline: document.querySelectorAll("[style], style, script:not([src])").length,
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        })"""
    )
    good = {"lang": language, "headings": 1, "inline": 0, "wide": 0}
    return (f"{name} is {seen[name]}, not {right}" for name, right in good.items() if seen[name] != right)


async def _remains(page: Page, language: str) -> Iterator[str]:
    text = await page.locator("body").inner_text()
    return (f"English: {sentence}" for sentence in _english_only(language) if sentence in text)


async def _axe(page: Page) -> list[str]:
    found: Mapping[str, Any] = (await Axe().run(page, options={"resultTypes": ["violations"]})).response
    return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}" for each in found["violations"]]


@cache
def _english_only(language: str) -> tuple[str, ...]:
    if language == "en":
        return ()
    english, other = dict(_sentences("en")), dict(_sentences(language))
    return tuple(text for key, text in english.items() if len(text) >= _A_SENTENCE and text != other[key])


def _sentences(language: str) -> Iterator[tuple[str, str]]:
    """Each sentence up to the first place that is filled in."""
    for pattern in _WORDS:
        for path in sorted(_SERVICES.glob(pattern.format(language=language))):
            subject = path.name.removesuffix(f"{language}.toml")
            yield from _flat(tomllib.loads(path.read_text("utf-8")), f"{path.parts[-4]}.{subject}")


def _flat(words: Mapping[str, Any], section: str) -> Iterator[tuple[str, str]]:
    for key, text in words.items():
        if isinstance(text, str):
            yield f"{section}{key}", text.partition("{")[0].strip()
        else:
            yield from _flat(text, f"{section}{key}.")
