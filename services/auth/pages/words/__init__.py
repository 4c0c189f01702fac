"""The words of auth's pages: one file for each language, all with the same sections and keys."""

from pathlib import Path

from shared.http.explain import words_in

words_of = words_in(Path(__file__).parent)
"""The words of one of the shop's languages: `words_of("en")["login"]["title"]`."""
