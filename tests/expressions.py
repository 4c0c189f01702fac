"""What Prometheus' alerts and Grafana's dashboards ask for, as their files say it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "observability"
SCRAPED = frozenset({"up"})
"""Made by Prometheus itself at each scrape."""


@dataclass(frozen=True, slots=True)
class Selector:
    """One metric as an expression asks for it: its name, and matchers as (label, operator, value)."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]


def alerts() -> list[dict[str, Any]]:
    """All rules."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> dict[str, str]:
    """Every expression, by where it stands. Grafana's variables stand for anything."""
    found = {f"alerts.yml {rule['alert']}": rule["expr"] for rule in alerts()}
    for file in sorted((FOLDER / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                found[f"{file.name} {panel['title']} {target['refId']}"] = target["expr"].replace("$service", ".*")
    return found


def selectors(expression: str) -> list[Selector]:
    """The metrics of an expression. Raises ValueError where Prometheus could not read it."""
    found: list[Selector] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            matchers = tuple((each.name, str(each.op), each.value) for each in node.matchers.matchers)
            found.append(Selector(node.name, matchers))

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def groupings(expression: str) -> Iterator[str]:
    """The labels that an expression keeps."""
    kept: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            kept.extend(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(expression), visit)
    yield from kept


def family(name: str, known: set[str]) -> str:
    """The metric that a sample belongs to: a histogram's buckets, sum and count have names of their own."""
    stems = [name] + [name.removesuffix(end) for end in ("_bucket", "_sum", "_count", "_total") if name.endswith(end)]
    return next((stem for stem in stems if stem in known), name)
