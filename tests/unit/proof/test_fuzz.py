"""The fuzzer's runner: what a report has found is told, and nothing that ends its session is asked in it."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from proof import fuzz
from shared.logs import configure_logs


def test_failures_and_errors_are_told_with_their_operation() -> None:
    report = {
        "failures": [{"title": "Server error", "operations": ["GET /api/orders", "POST /api/orders"]}],
        "errors": [{"message": "no connection"}],
    }

    assert fuzz.told(report) == [
        "Server error: GET /api/orders",
        "Server error: POST /api/orders",
        'error: {"message": "no connection"}',
    ]


@pytest.mark.parametrize("path", ["/api/auth/session", "/api/auth/me", "/api/auth/sessions/{id}", "/api/auth/password"])
def test_what_ends_a_session_is_left_out(path: str) -> None:
    assert re.search(fuzz.ENDS, path)


@pytest.mark.parametrize("path", ["/api/auth/trail", "/api/auth/desk/people", "/api/orders", "/api/auth/preferences"])
def test_the_rest_is_asked(path: str) -> None:
    assert not re.search(fuzz.ENDS, path)


@pytest.fixture
def keep_logs() -> Iterator[None]:
    """Logging is as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("keep_logs")
def test_tracebacks_are_counted_in_each_log(tmp_path: Path) -> None:
    with (tmp_path / "orders.log").open("w", encoding="utf-8") as file:
        configure_logs("info", service="orders", stream=file)
        try:
            raise ValueError("unseen")
        except ValueError:
            structlog.get_logger().exception("request failed")
        structlog.get_logger().info("order paid")
    (tmp_path / "mailer.log").write_text("Traceback (most recent call last):\n  File\n", "utf-8")
    (tmp_path / "auth.log").write_text("fine\n", "utf-8")

    assert fuzz.tracebacks(tmp_path) == {"orders.log": 1, "mailer.log": 1, "auth.log": 0}
