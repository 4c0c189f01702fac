"""Alerts and dashboards ask only for what there is: metrics, labels and values of the code, chapters of the runbook."""

import importlib
import re
from functools import cache
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from deploy.local.layout import ROOT, SERVICES
from deploy.observability import dashboards
from services.mailer.notices.domain import NoticeState
from services.mailer.subscriptions.pages import UNSUBSCRIBE
from services.warranty.claims.deadlines import Due
from tests.expressions import FOLDER, SCRAPED, alerts, expressions, family, groupings, selectors

OF_THE_SCRAPE = {"service", "component", "instance", "job", "le"}
EXPRESSIONS = expressions()


@cache
def labels_of() -> dict[str, set[str]]:
    """Labels by metric, of everything that any service counts."""
    for service in SERVICES:
        for part in ("app", "work"):
            importlib.import_module(f"services.{service}.{part}")
    importlib.import_module("shared.measures")
    collectors: dict[str, Any] = REGISTRY._names_to_collectors
    return {name: set(getattr(each, "_labelnames", ())) for name, each in collectors.items()}


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_every_expression_asks_for_metrics_and_labels_that_there_are(place: str) -> None:
    found = selectors(EXPRESSIONS[place])
    known = labels_of()

    assert found
    kept: set[str] = set()
    for selector in found:
        if selector.name in SCRAPED:
            kept |= OF_THE_SCRAPE
            continue
        labels = known[family(selector.name, known.keys())]
        assert {label for label, _, _ in selector.matchers} <= labels | OF_THE_SCRAPE, selector
        kept |= labels
    assert set(groupings(EXPRESSIONS[place])) <= kept | OF_THE_SCRAPE


def test_what_is_no_promql_is_not_taken() -> None:
    with pytest.raises(ValueError):
        selectors("sum by (service) (rate(up[5m])")


def test_values_that_are_asked_for_are_those_of_the_code() -> None:
    wanted = {
        (label, value)
        for expression in EXPRESSIONS.values()
        for selector in selectors(expression)
        for label, operator, value in selector.matchers
        if operator == "MatchOp.Equal"
    }

    assert wanted == {
        ("route", UNSUBSCRIBE), ("method", "POST"), ("peer", "database"), ("peer", "broker"),
        ("state", NoticeState.ALARM.value), ("due", Due.OVERDUE.value),
    }  # fmt: skip


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_what_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[0-9]+[smhd]", rule.get("for", "1m"))
    assert rule["labels"]["severity"] in ("page", "ticket")
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert told <= set(groupings(rule["expr"])) | ({"service"} if "by" not in rule["expr"] else set())
    page, _, chapter = rule["annotations"]["runbook"].partition("#")
    assert chapter in _chapters((ROOT / page).read_text())


def test_names_of_alerts_are_unique() -> None:
    names = [rule["alert"] for rule in alerts()]

    assert len(names) == len(set(names)) >= 16


@pytest.mark.parametrize("name", dashboards.DASHBOARDS)
def test_a_dashboard_is_as_it_was_written(name: str) -> None:
    assert (dashboards.FOLDER / f"{name}.json").read_text() == dashboards.render(name)


def test_the_dashboards_have_what_matters_here() -> None:
    asked = {selector.name for expression in EXPRESSIONS.values() for selector in selectors(expression)}

    assert asked >= {
        "http_request_duration_seconds_bucket", "http_request_duration_seconds_count", "process_cpu_seconds_total",
        "padlock_event_loop_lag_seconds_bucket", "padlock_outbox_age_seconds", "padlock_queue_messages",
        "padlock_newsletters_capped", "padlock_claims_open", "padlock_key_age_seconds",
    }  # fmt: skip


def test_the_alerts_watch_what_matters_here() -> None:
    asked = {selector.name for rule in alerts() for selector in selectors(rule["expr"])}

    assert asked >= {
        "padlock_outbox_age_seconds", "padlock_queue_messages", "padlock_newsletters_capped", "padlock_claims_open",
        "padlock_key_age_seconds", "http_request_duration_seconds_bucket", "http_request_duration_seconds_count",
    }  # fmt: skip


def test_prometheus_finds_the_processes_of_compose_and_reads_the_alerts() -> None:
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    compose = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())["services"]
    [job] = [job for job in configuration["scrape_configs"] if "static_configs" in job]

    assert configuration["rule_files"] == ["alerts.yml"]
    targets = {target: row["labels"]["service"] for row in job["static_configs"] for target in row["targets"]}
    lasting = {f"{service}-{kind}" for service in SERVICES for kind in ("serve", "work")}
    assert {target.removesuffix(":8080") for target in targets} == lasting == lasting & compose.keys()
    assert all(target.startswith(service) for target, service in targets.items())


def _chapters(page: str) -> set[str]:
    """Anchors of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
