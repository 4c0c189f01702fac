"""What is true of every page of ours, looked at in a browser."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_WORDS = Path(__file__).resolve().parents[2] / "services" / "auth" / "pages" / "words"
_A_SENTENCE = 12
_SERIOUS = ("serious", "critical")


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
    return [
        f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in _SERIOUS
    ]


@cache
def _english_only(language: str) -> tuple[str, ...]:
    if language == "en":
        return ()
    english, other = dict(_sentences("en")), dict(_sentences(language))
    return tuple(text for key, text in english.items() if len(text) >= _A_SENTENCE and text != other[key])


def _sentences(language: str) -> Iterator[tuple[str, str]]:
    sections = tomllib.loads((_WORDS / f"{language}.toml").read_text("utf-8"))
    for name, section in sections.items():
        for key, text in section.items():
            yield f"{name}.{key}", text.partition("{")[0].strip()
