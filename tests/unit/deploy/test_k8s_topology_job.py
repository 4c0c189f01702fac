"""The Job that gives a broker which no operator runs its topology before a release, as kubectl would send it."""

from pathlib import Path

import kubernetes_validate
import pytest

from deploy.images.__main__ import released_version
from deploy.images.tools import load_topology, make_secrets
from deploy.local.layout import SERVICES
from tests.unit.deploy.test_k8s import FOLDERS, KUBERNETES, egress, identity, matches, of_kind, rendered, template

FOLDER = "topology"


def test_every_object_keeps_the_schema_of_its_kind_and_is_nobody_elses() -> None:
    others = {identity(each) for folder in FOLDERS for each in rendered(folder)}

    for each in rendered(FOLDER):
        kubernetes_validate.validate(each, KUBERNETES, strict=True)
        assert identity(each) not in others
        assert each["metadata"]["namespace"] == "padlock"


def test_its_pod_is_restricted_and_of_the_release() -> None:
    [job] = of_kind(FOLDER, "Job")
    spec = template(job)["spec"]
    [container] = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
    }  # fmt: skip
    assert container["image"] == f"padlock-auth:{released_version('auth')}"


def test_it_calls_the_tool_with_what_is_mounted(tmp_path: Path) -> None:
    [job] = of_kind(FOLDER, "Job")
    spec = template(job)["spec"]
    [container] = spec["containers"]
    python, flag, module, *words = container["command"]
    called = load_topology._parser().parse_args(words)
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    make_secrets.make_all(tmp_path, make_secrets.Addresses("mongodb://db", "amqps://mq", "smtp://relay:25"))
    made = {each["metadata"]["name"]: each for each in make_secrets.kubernetes_list(tmp_path)["items"]}

    assert (python, flag, module) == ("python", "-m", "tools.load_topology")
    assert called.api.startswith("https://")
    assert {str(called.admin.parent), str(called.users), str(Path(called.ca).parent)} == mounts.keys()
    sources = [each["secret"] for each in volumes[mounts[str(called.users)]]["projected"]["sources"]]
    assert {item["path"] for source in sources for item in source["items"]} == set(SERVICES)
    for source in sources:
        for item in source["items"]:
            assert item["key"] in made[source["name"]]["stringData"]
            assert source["name"] == f"{item['path']}-rabbitmq"


def test_it_reaches_the_brokers_api_and_names_only_and_opens_nothing_for_others() -> None:
    [policy] = of_kind(FOLDER, "NetworkPolicy")
    [job] = of_kind(FOLDER, "Job")
    labels = template(job)["metadata"]["labels"]

    assert matches(policy["spec"]["podSelector"], labels)
    ports = [{port["port"] for port in rule["ports"]} for rule in policy["spec"]["egress"]]
    assert ports == [{15671}, {53}]
    assert egress(labels) == set(), "a policy of another folder selects it"
    for folder in SERVICES:
        for each in of_kind(folder, "Deployment"):
            assert not matches(policy["spec"]["podSelector"], template(each)["metadata"]["labels"])


def test_an_unknown_field_is_a_fault() -> None:
    [job] = of_kind(FOLDER, "Job")

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job | {"spec": job["spec"] | {"backofLimit": 1}}, KUBERNETES, strict=True)
