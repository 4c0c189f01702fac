"""The broker's topology: nothing can be lost in it, nobody can reach what is another's."""

import re

import pytest

from shared import topology
from shared.topology import SERVICES


def queues() -> dict[str, dict[str, object]]:
    return {row["name"]: row["arguments"] for row in topology.queues()}


def test_every_queue_is_a_quorum_queue_with_a_delivery_limit() -> None:
    for name, arguments in queues().items():
        assert arguments["x-queue-type"] == "quorum", name
        assert "x-delivery-limit" in arguments, name


def test_no_queue_dead_letters_into_itself() -> None:
    bound = {(row["source"], row["destination"]) for row in topology.bindings()}

    for name, arguments in queues().items():
        assert (arguments.get("x-dead-letter-exchange"), name) not in bound, name


def test_what_dead_letters_does_so_at_least_once() -> None:
    for name, arguments in queues().items():
        if "x-dead-letter-exchange" in arguments:
            assert arguments["x-dead-letter-strategy"] == "at-least-once", name
            assert arguments["x-overflow"] == "reject-publish", name


def test_everything_bound_exists() -> None:
    exchanges = {row["name"] for row in topology.exchanges()}

    for row in topology.bindings():
        assert row["source"] in exchanges
        assert row["destination"] in queues()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_writes_its_own_exchanges_and_reads_its_own_queues_only(service: str) -> None:
    rules = topology.permissions(service)
    mine = {name for name in queues() if name.startswith(f"{service}.")}

    assert {name for name in queues() if re.search(rules["read"], name)} == mine
    assert not [name for name in queues() if re.search(rules["configure"], name)]
    writable = {row["name"] for row in topology.exchanges() if re.search(rules["write"], row["name"])}
    assert writable == {name for name in mine if name in {e["name"] for e in topology.exchanges()}} | {"shop.events"}
    assert not re.search(rules["write"], "amq.default")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_announces_only_in_its_own_name(service: str) -> None:
    rule = topology.topic_permission(service)["write"]

    assert re.search(rule, f"{service}.thing.happened.v1")
    assert not any(re.search(rule, f"{other}.thing.happened.v1") for other in SERVICES if other != service)


def test_the_definitions_name_each_user_once_and_only_admin_may_configure() -> None:
    definitions = topology.definitions({"admin": "a", "orders": "b"})

    configure = {row["user"]: row["configure"] for row in definitions["permissions"]}
    assert configure == {"admin": ".*", "orders": "^$"}
    assert [row["user"] for row in definitions["topic_permissions"]] == ["orders"]
