"""The broker's topology as objects of the Topology Operator: `python -m deploy.k8s.topology` writes the file anew.

Each line of the file is one object, as JSON, which is YAML too.
"""

import json
import re
import sys
from typing import Any

from deploy.local.layout import ROOT
from shared import topology

FILE = ROOT / "deploy" / "k8s" / "rabbitmq" / "topology.yaml"
CLUSTER = {"name": "rabbitmq"}
VHOST = "/"
HEAD = """\
# Written by `python -m deploy.k8s.topology` from shared/topology.py; a test compares.
# A queue that leaves the description stays in the cluster: delete its object by hand, once nothing is in it.
"""


def objects() -> list[dict[str, Any]]:
    """Users with their rights, exchanges, queues and bindings."""
    rows = [_object("User", service, {"importCredentialsSecret": {"name": f"{service}-rabbitmq"}})
            for service in topology.SERVICES]  # fmt: skip
    for service in topology.SERVICES:
        user = {"userReference": {"name": service}, "vhost": VHOST}
        rows.append(_object("Permission", service, user | {"permissions": topology.permissions(service)}))
        rows.append(_object("TopicPermission", service, user | {"permissions": topology.topic_permission(service)}))
    rows += [_exchange(row) for row in topology.exchanges()]
    rows += [_queue(row) for row in topology.queues()]
    rows += [_binding(row) for row in topology.bindings()]
    return rows


def render() -> str:
    """The whole file."""
    return HEAD + "".join(f"---\n{json.dumps(each)}\n" for each in objects())


def _exchange(row: dict[str, Any]) -> dict[str, Any]:
    spec = {"name": row["name"], "type": row["type"], "durable": row["durable"], "autoDelete": row["auto_delete"]}
    return _object("Exchange", row["name"], spec | {"vhost": VHOST} | _arguments(row["arguments"]))


def _queue(row: dict[str, Any]) -> dict[str, Any]:
    arguments = dict(row["arguments"])
    spec = {"name": row["name"], "type": arguments.pop("x-queue-type"), "durable": row["durable"]}
    return _object("Queue", row["name"], spec | {"autoDelete": False, "vhost": VHOST} | _arguments(arguments))


def _binding(row: dict[str, Any]) -> dict[str, Any]:
    spec = {"source": row["source"], "destination": row["destination"], "destinationType": row["destination_type"]}
    name = "-".join(filter(None, (row["destination"], row["routing_key"])))
    return _object("Binding", name, spec | {"routingKey": row["routing_key"], "vhost": VHOST})


def _arguments(values: dict[str, Any]) -> dict[str, Any]:
    return {"arguments": values} if values else {}


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    # Names of objects: RFC 1123 labels and dots.
    metadata = {"name": re.sub(r"[^a-z0-9.-]+", "-", name.lower())}
    return {"apiVersion": "rabbitmq.com/v1beta1", "kind": kind, "metadata": metadata,
            "spec": spec | {"rabbitmqClusterReference": CLUSTER}}  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(render())
    sys.exit(0)
