"""What docs/operating.md tells to type about images, Compose and Kubernetes is there to be typed."""

import re
import shlex
from fnmatch import fnmatch
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import yaml

from deploy.images.tools import load_topology, make_secrets
from deploy.local.layout import ROOT
from shared.cli import build_parser
from tests.unit.deploy.modules import service_of
from tests.unit.deploy.test_k8s import of_kind

PAGE = (ROOT / "docs" / "operating.md").read_text().partition("## Images, Compose, Kubernetes\n")[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())


def commands(begin: str) -> list[list[str]]:
    """What follows `begin` where code begins, up to the end of the line or of the code, as words."""
    whole = PAGE.replace("\\\n", " ")
    found = re.findall(r"(?:^|`|\| |\.venv/bin/)" + re.escape(begin) + r"([^`\n|]*)", whole, flags=re.MULTILINE)
    return [shlex.split(each, comments=True) for each in found]


def test_the_page_has_the_section() -> None:
    assert commands("docker compose ")
    assert commands("kubectl ")


def test_folders_that_are_applied_are_there() -> None:
    folders = {words[words.index("-k") + 1] for words in commands("kubectl ") if "-k" in words}

    assert len(folders) >= 6
    for folder in folders | set(re.findall(r"(?<![\w/])deploy/[\w/.-]+\w", PAGE)):
        assert (ROOT / folder).exists(), folder
        assert folder not in folders or (ROOT / folder / "kustomization.yaml").exists(), folder


def test_the_job_that_is_waited_for_is_the_one_that_is_made() -> None:
    [job] = of_kind("orders/before", "Job")

    assert f"job/{job['metadata']['name']}" in PAGE


def test_modules_that_are_run_are_there() -> None:
    modules = set(re.findall(r"python -m ([\w.]+)", PAGE))

    assert modules >= {"deploy.images", "deploy.images.tools.make_secrets", "tools.probe", "tools.run"}
    for module in modules:
        assert find_spec(f"deploy.images.{module}" if module.startswith("tools.") else module), module


def test_steps_are_called_as_they_take_it() -> None:
    calls = commands("python -m deploy.images.tools.make_secrets ")
    assert len(calls) == 3
    for words in calls:
        assert make_secrets._parser().parse_args(words).kubernetes
    [words] = commands("python -m tools.load_topology ")
    assert load_topology._parser().parse_args(words)


def test_containers_and_commands_of_compose_are_there() -> None:
    calls = commands("docker compose ")

    for words in calls:
        names = [word for word in words if word in COMPOSE["services"]]
        assert names or "up" in words, words
        if words[0] in ("run", "exec"):
            command = words[words.index(names[0]) + 1 :]
            if command[:3] == ["python", "-m", "tools.run"]:
                command = command[3:]
            if command:
                build_parser(service_of(names[0].partition("-")[0])).parse_args(command)


def test_addresses_of_the_cluster_are_those_of_its_certificates() -> None:
    first = commands("python -m deploy.images.tools.make_secrets ")[0]
    arguments = make_secrets._parser().parse_args(first)
    [mongo] = of_kind("mongo", "Certificate")
    [rabbitmq] = of_kind("rabbitmq", "Certificate")
    [database] = of_kind("mongo", "MongoDBCommunity")

    hosts = re.findall(r"mongo-\d[\w.-]+", arguments.mongo)
    assert len(hosts) == database["spec"]["members"]
    assert all(fnmatch(host, mongo["spec"]["dnsNames"][0]) for host in hosts)
    assert urlsplit(arguments.amqp).hostname in rabbitmq["spec"]["dnsNames"]
    assert "tls=true" in arguments.mongo
    assert arguments.amqp.startswith("amqps://")
