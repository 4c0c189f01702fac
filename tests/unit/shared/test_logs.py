import ast
import json
import logging
from pathlib import Path

import pytest
import structlog

from shared.logs import ALLOWED
from shared.testing.texts import without_ids

ROOT = Path(__file__).parents[3]
log = structlog.get_logger()


def test_a_line_is_json_with_its_fields(lines):
    log.info("order paid", order_id="o-1")

    [line] = lines()
    assert (line["event"], line["level"], line["service"], line["order_id"]) == ("order paid", "info", "orders", "o-1")
    assert line["at"].endswith("Z")


def test_a_field_outside_the_allow_list_is_dropped_and_counted(lines):
    log.info("account made", account_id="a-1", email="anna@example.com", password="hush")

    [line] = lines()
    assert line["dropped"] == 2
    assert "anna" not in json.dumps(line)


def test_an_object_is_dropped_even_under_an_allowed_name(lines):
    log.info("order paid", order_id={"email": "anna@example.com"}, sku=object())

    [line] = lines()
    assert line["dropped"] == 2
    assert "sku" not in line


def test_an_exception_shows_classes_and_places_but_no_values(lines):
    try:
        try:
            int("4111-1111")
        except ValueError as error:
            raise RuntimeError("card 4111-1111") from error
    except RuntimeError:
        log.exception("charge failed")

    [line] = lines()
    assert line["error"] == ["builtins.RuntimeError", "builtins.ValueError"]
    assert any("test_logs.py" in place for place in line["trace"])
    assert "4111" not in without_ids(json.dumps(line))


def test_a_group_shows_what_it_holds(lines):
    try:
        raise ExceptionGroup("work", [KeyError("anna"), OSError("bob")])
    except ExceptionGroup:
        log.exception("work failed")

    [line] = lines()
    assert line["error"] == ["builtins.ExceptionGroup", "builtins.KeyError", "builtins.OSError"]


def test_records_of_libraries_keep_the_template_only(lines):
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "203.0.113.7")

    [line] = lines()
    assert line["event"] == "Error handling request from %s"
    assert line["logger"] == "aiohttp.server"
    assert "203.0.113.7" not in json.dumps(line)


def test_libraries_are_quiet_below_warning(lines):
    logging.getLogger("pymongo").info("command started")

    assert lines() == []


def test_a_line_break_cannot_forge_a_second_line(lines):
    log.info("order paid", reason='x\n{"event": "forged"}')

    assert [line["event"] for line in lines()] == ["order paid"]


def test_text_that_is_no_unicode_and_huge_numbers_do_not_break_a_line(lines):
    log.info("order paid", reason="\ud800", count=10**30)

    [line] = lines()
    assert (line["reason"], line["dropped"]) == ("?", 1)


def test_bound_context_is_in_every_line_also_of_libraries(lines):
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        log.info("order paid")
        logging.getLogger("motor").warning("slow")

    assert [line["request_id"] for line in lines()] == ["r-1", "r-1"]


def logged_fields(path):
    """The names of fields in all `log.info(...)` calls of a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)


@pytest.mark.parametrize("tree", ["shared", "services"])
def test_every_field_that_the_code_logs_is_allowed(tree):
    paths = [path for path in (ROOT / tree).rglob("*.py") if path.name != "logs.py"]

    unknown = {(path.name, name) for path in paths for name in logged_fields(path)} - {
        (path.name, name) for path in paths for name in ALLOWED | {"exc_info"}
    }

    assert paths
    assert unknown == set()
