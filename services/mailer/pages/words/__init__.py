"""The words of the marketing desk: a file for each language, with the same sections and keys in each."""

from pathlib import Path

from shared.http.explain import words_in

LANGUAGES = ("en", "de", "ja")
words_of = words_in(Path(__file__).parent)
"""The words of one of the shop's languages: `words_of("en")["forecast"]["now"]`."""
