"""The stylesheet keeps to its own host, and its colours can be read (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[3] / "deploy" / "gateway" / "assets" / "padlock.css").read_text("utf-8")


def schemes():
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    colours = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in (light, dark)]
    return {"light": colours[0], "dark": colours[1]}


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *[(front, back, 4.5) for front in ("ink", "quiet", "accent", "bad") for back in ("paper", "panel")],
        ("on-accent", "accent", 4.5),
        ("bad", "bad-panel", 4.5),
        ("edge", "paper", 3),
        ("good", "panel", 3),
    ],
)
def test_colours_can_be_read(scheme, front, back, least):
    colours = schemes()[scheme]

    assert contrast(colours[front], colours[back]) >= least


def test_both_schemes_have_the_same_colours():
    assert schemes()["light"].keys() == schemes()["dark"].keys()


def test_the_stylesheet_asks_nobody_else():
    assert not re.search(r"url\(|@import|@font-face", CSS)


@pytest.mark.parametrize(
    "selector", [".card", ".grid", ".price", ".button", ".field", ".error", ".notice", ".notice--bad", "table"]
)
def test_the_promised_classes_are_there(selector):
    assert re.search(rf"^\S*.*{re.escape(selector)}\b.*[{{,]", CSS, re.MULTILINE)


def test_only_what_has_no_words_may_be_broken_anywhere():
    breaking = re.findall(r"([^{}]+)\{[^{}]*overflow-wrap: anywhere", CSS)

    customers_words = ".said"  # which may be a single one
    assert {selector.strip().splitlines()[-1] for selector in breaking} == {"code", "dd", customers_words}


def test_money_and_days_in_a_table_stay_in_one_line():
    assert re.search(r"td\.price, td time \{[^}]*white-space: nowrap", CSS)


def test_a_notice_keeps_its_distance():
    notice, focused = (
        re.search(rf"{re.escape(rule)} \{{(.*?)\}}", CSS, re.DOTALL) for rule in (".notice", ".notice:focus")
    )

    assert notice is not None
    assert "margin: 0 0 1rem" in notice[1]
    assert focused is not None
    assert "outline-offset: 0" in focused[1]
