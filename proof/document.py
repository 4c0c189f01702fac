"""`python -m proof.document` writes the register's part of docs/privacy.md; `--check` only says whether it is so."""

import re
import sys
from pathlib import Path

from shared.promises import Promise, outline, register

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "privacy.md"
BEGIN, END = (
    "<!-- made by `python -m proof.document` from shared/promises; edit there -->",
    "<!-- end of the register -->",
)


def rendered(text: str) -> str:
    """The page with what stands between the marks made anew."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{PAGE.name} has no place for the register")
    body = "\n".join([BEGIN, *_lines(), END])
    return pattern.sub(lambda _: body, text)


def _lines() -> list[str]:
    policy = outline().policy["name"]
    head = [f"What the promises answer is named by section and paragraph of the {policy}.", ""]
    return head + [line for promise in register().values() for line in _promise(promise)]


def _promise(promise: Promise) -> list[str]:
    lines = [
        f"### {promise.id}: {promise.title}",
        promise.statement,
        "",
        f"- answers {', '.join(promise.answers)}; told in `/privacy#{promise.id.lower()}`",
        f"- kept by {', '.join(f'`{path}`' for path in promise.enforced_by)}",
        "- proven by",
        *(f"    - `{test}`" for test in promise.proved_by),
    ]
    if promise.missing:
        lines.append(f"- **missing**: {promise.missing}")
    return [*lines, ""]


def main(words: list[str]) -> int:
    """Write the page, or with `--check` say whether it is up to date."""
    old = PAGE.read_text("utf-8")
    new = rendered(old)
    if words == ["--check"]:
        return int(old != new)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
