"""Reads a Dockerfile as far as the tests need it: stages, copies, environment, exec forms."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.layout import ROOT

IMAGES = ROOT / "deploy" / "images"


@dataclass
class Stage:
    """Instructions between one FROM and the next, as (word, rest)."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        return [rest for name, rest in self.instructions if name == word]

    def copies(self) -> list[tuple[list[str], str]]:
        """Sources in the checkout and where they go; what comes from another stage is left out."""
        words = [rest.split() for rest in self.all("COPY") if not rest.startswith("--from")]
        return [(each[:-1], each[-1]) for each in words]

    def environ(self) -> dict[str, str]:
        return {
            name: value for rest in self.all("ENV") for name, _, value in (word.partition("=") for word in rest.split())
        }

    def labels(self) -> dict[str, str]:
        return dict(pair for rest in self.all("LABEL") for pair in re.findall(r'(\S+?)="([^"]*)"', rest))

    def command(self, word: str) -> list[str]:
        """The last exec form of ENTRYPOINT, CMD or HEALTHCHECK's CMD."""
        form: list[str] = json.loads(
            self.all(word)[-1].partition("CMD ")[2] if word == "HEALTHCHECK" else self.all(word)[-1]
        )
        return form


def stages(file: str, **arguments: str) -> list[Stage]:
    """The stages of `deploy/images/<file>`, with build arguments filled in."""
    text = re.sub(r"^\s*#.*\n", "", (IMAGES / file).read_text(), flags=re.MULTILINE)
    text = re.sub(r"\s*\\\n\s*", " ", text)
    found: list[Stage] = []
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        rest = re.sub(r"\$\{(\w+)\}", lambda match: arguments.get(match[1], match[0]), rest)
        if word == "ARG" and "=" in rest:
            name, _, default = rest.partition("=")
            arguments.setdefault(name, default)
        if word == "FROM":
            found.append(Stage(rest.split()[0]))
        elif found:
            found[-1].instructions.append((word, rest))
    return found


def place(sources: list[str], target: str) -> list[tuple[Path, str]]:
    """Where each source of a COPY ends up in the image."""
    if target.endswith("/") or len(sources) > 1:
        return [(ROOT / source, target.rstrip("/") + "/" + Path(source).name) for source in sources]
    return [(ROOT / sources[0], target)]
