"""The fuzzer's runner: what a report has found is told, and nothing that ends its session is asked in it."""

import re

import pytest

from proof import fuzz


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
