"""The Compose file, read as Compose reads it: merged, with variables filled in. No engine has run it here."""

import json
import re
import stat
from importlib.resources import files
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.images.gateway import Settings as GatewaySettings
from deploy.images.tools import init_mongo, load_topology, make_secrets
from deploy.local.layout import ROOT, SERVICES
from deploy.local.mongo import mongod_command
from shared.cli import build_parser
from tests.unit.deploy.dockerfiles import stages
from tests.unit.deploy.modules import service_of

FILE = ROOT / "deploy" / "compose" / "compose.yaml"
VARIABLES = {"PUBLIC_URL": "https://shop.example"}
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
PROCESSES = {name: (name.partition("-")[0], name.partition("-")[2]) for name in COMPOSE["services"]
             if name.partition("-")[0] in SERVICES and name != "mailer-keys"}  # fmt: skip
SCREENING = "orders-screening"
LASTING = {name: row for name, row in COMPOSE["services"].items() if row["restart"] == "unless-stopped"}
OPEN = {"public", "relay"}


def filled(text: str) -> str:
    """`${NAME:-default}` and `${NAME:?message}`, as the Compose Specification has them."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        return VARIABLES.get(name) or (rest if kind == ":-" else pytest.fail(f"{name} is not set"))

    return re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, text)


def networks(name: str) -> set[str]:
    row = COMPOSE["services"][name]
    beside = str(row.get("network_mode", ""))
    return networks(beside.removeprefix("service:")) if beside.startswith("service:") else set(row.get("networks", []))


def reached(name: str) -> set[str]:
    """Everybody who shares a network with it."""
    return {other for other in COMPOSE["services"] if other != name and networks(other) & networks(name)}


def test_it_keeps_the_compose_specification() -> None:
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text())

    jsonschema.validate(COMPOSE, schema)


def test_serve_and_work_of_every_service_run_apart() -> None:
    assert {f"{service}-{command}" for service in SERVICES for command in ("serve", "work")} <= PROCESSES.keys()
    assert all(COMPOSE["services"][name]["command"][0] == command for name, (_, command) in PROCESSES.items())
    assert COMPOSE["services"][SCREENING]["profiles"] == ["screening"]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_is_hardened(name: str) -> None:
    row = COMPOSE["services"][name]

    assert row["read_only"] is True
    assert row["cap_drop"] == ["ALL"]
    assert row["security_opt"] == ["no-new-privileges:true"]
    assert not row.get("privileged")
    if name == "prepare":  # gives files to their users; reaches nobody
        assert (row["user"], row["network_mode"], row["profiles"]) == ("0:0", "none", ["setup"])
    else:
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", row["user"])
        assert "cap_add" not in row


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_image_has_a_version(name: str) -> None:
    _, _, tag = filled(COMPOSE["services"][name]["image"]).partition(":")

    assert re.match(r"v?\d", tag)


@pytest.mark.parametrize("name", PROCESSES)
def test_settings_are_those_that_the_service_knows_and_needs(name: str, tmp_path: Path) -> None:
    service, _ = PROCESSES[name]
    row = COMPOSE["services"][name]
    make_secrets.make_all(tmp_path, make_secrets.Addresses("mongodb://db", "amqp://mq", "smtp://relay:25"))
    environ = stages("Dockerfile", SERVICE=service)[-1].environ() | {
        k: filled(v) for k, v in row["environment"].items()
    }
    mounted = {f"/run/secrets/{each['target']}": secret_file(each["source"], tmp_path) for each in row["secrets"]}

    settings = service_of(service).settings.from_env({k: mounted.get(v, v) for k, v in environ.items()})

    assert (settings.http_host, settings.http_port) == ("0.0.0.0", 8080)
    folders = dict(volume.split(":")[1::-1] for volume in row["volumes"])
    if name == SCREENING:  # the only one with the key of cards, and no other of its own
        purposes = {"fields": "orders", "index": "orders", "card": SCREENING}
        expected = {f"{settings.key_dir}/{each}": f"./secrets/keys/{owner}/{each}" for each, owner in purposes.items()}
    else:
        expected = {str(settings.key_dir): f"./secrets/keys/{service}"}
    assert {path: folder for path, folder in folders.items() if path.startswith(str(settings.key_dir))} == expected
    assert folders[str(settings.seal_keys_dir)] == "./secrets/public/seal"


def secret_file(name: str, folder: Path) -> str:
    return str(folder / COMPOSE["secrets"][name]["file"].removeprefix("./secrets/"))


@pytest.mark.parametrize("name", PROCESSES)
def test_commands_are_those_that_the_service_has(name: str) -> None:
    service, command = PROCESSES[name]

    words = COMPOSE["services"][name]["command"]
    assert build_parser(service_of(service)).parse_args(words).command == command


def test_all_secrets_are_made_by_prepare_but_the_certificate(tmp_path: Path) -> None:
    make_secrets.make_all(tmp_path, make_secrets.Addresses("", "", ""))

    for name in COMPOSE["secrets"]:
        assert Path(secret_file(name, tmp_path)).exists() != name.startswith("tls-"), name
    for row in COMPOSE["services"].values():
        for volume in row.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./secrets/"):
                assert (tmp_path / source.removeprefix("./secrets/")).is_dir(), source


def test_no_secret_is_written_down() -> None:
    for row in COMPOSE["services"].values():
        for name, value in row.get("environment", {}).items():
            assert "://" not in value or "@" not in value
            assert not re.search("PASS|TOKEN|SECRET", name)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_waits_for_what_must_be_there_before(name: str) -> None:
    service, command = PROCESSES[name]
    done = {each for each, row in COMPOSE["services"][name]["depends_on"].items()
            if row["condition"] == "service_completed_successfully"}  # fmt: skip

    assert done == {"mongo-init", "topology"} | (set() if command == "indexes" else {f"{service}-indexes"})


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_has_a_health_check_or_says_why_not(name: str) -> None:
    without = {"mailer-schedule", "mailer-keys", "mailbox"}  # no HTTP of ours; a file server; a trial

    check = LASTING[name].get("healthcheck", {})

    if name in without:
        assert check in ({}, {"disable": True})
    elif name != "gateway":  # the image's own
        assert check["test"][0] == "CMD"


def test_steps_are_called_as_the_tools_take_it() -> None:
    for name, tool in (("mongo-init", init_mongo), ("topology", load_topology), ("prepare", make_secrets)):
        python, flag, module, *words = COMPOSE["services"][name]["entrypoint"]

        assert (python, flag, module) == ("python", "-m", f"tools.{tool.__name__.rpartition('.')[2]}")
        assert tool._parser().parse_args(words)


def test_each_service_reaches_only_what_it_needs() -> None:
    own = {service: {name for name in COMPOSE["services"] if name.startswith(f"{service}-")} for service in SERVICES}
    stores = {"mongo", "mongo-init", "rabbitmq"}
    needed = {
        "auth": stores | {"gateway", "topology", "orders-serve", "warranty-serve"},
        "orders": stores | {"gateway", "auth-serve"},
        "mailer": stores | {"gateway", "mailbox"},
        "warranty": stores | {"gateway", "auth-serve"},
    }

    for service in SERVICES:
        assert set.union(*map(reached, own[service])) - own[service] == needed[service]


def test_only_the_gateway_and_what_mails_have_a_way_out() -> None:
    assert {name for name, row in COMPOSE["networks"].items() if not row.get("internal")} == OPEN
    outside = {name for name in COMPOSE["services"] if networks(name) & OPEN}

    assert outside == {"gateway", "mailer-work", "mailer-schedule", "mailbox"}
    published = {name: row["ports"] for name, row in COMPOSE["services"].items() if "ports" in row}
    assert published == {"gateway": ["80:8080", "443:8443"], "mailbox": ["127.0.0.1:8025:8025"]}


def test_the_gateway_finds_each_service_at_an_address_that_nobody_else_gets() -> None:
    environ = {name: filled(value) for name, value in COMPOSE["services"]["gateway"]["environment"].items()}
    settings = GatewaySettings.from_env(environ)

    for service in SERVICES:
        host, port = settings.upstreams[service].split(":")
        assert filled(COMPOSE["services"][f"{service}-serve"]["networks"][f"edge-{service}"]["ipv4_address"]) == host
        assert port == stages("Dockerfile", SERVICE=service)[-1].environ()["PADLOCK_HTTP_PORT"]
        [place] = COMPOSE["networks"][f"edge-{service}"]["ipam"]["config"]
        assert ip_address(host) in ip_network(filled(place["subnet"]))
        assert ip_address(host) not in ip_network(filled(place["ip_range"]))
    targets = {each["target"] for each in COMPOSE["services"]["gateway"]["secrets"]}
    assert (str(settings.tls), targets) == ("/run/secrets", {"server.pem", "server.key"})


def test_the_database_keeps_values_out_of_its_logs_as_the_local_one_does() -> None:
    local = mongod_command("mongod", Path("/data"), port=1, replica_set="padlock")
    differs = {"--dbpath", "--port", "--bind_ip", "--oplogSize", "--wiredTigerCacheSizeGB"}
    flags = dict(word.partition("=")[::2] for word in COMPOSE["services"]["mongo"]["command"])

    position = 1
    while position < len(local):
        name, value = local[position], ""
        if position + 1 < len(local) and not local[position + 1].startswith("--"):
            value = local[position + 1]
        position += 2 if value else 1
        if name not in differs:
            assert flags.get(name, "absent") == value, name


def test_what_prepare_makes_is_ignored_by_git() -> None:
    assert "/deploy/compose/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_prepare_gives_files_to_the_users_that_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_secrets.make_all(tmp_path, make_secrets.Addresses("", "", ""))
    given: dict[str, int] = {}
    monkeypatch.setattr(make_secrets.os, "chown", lambda path, uid, _gid: given.update({str(path): uid}))

    make_secrets.hand_over(tmp_path)

    for name, row in COMPOSE["services"].items():
        if name in ("prepare", "gateway"):
            continue
        user = int(row["user"].split(":")[0])
        for each in row.get("secrets", []):
            file = secret_file(each if isinstance(each, str) else each["source"], tmp_path)
            assert (given[file], stat.S_IMODE(Path(file).stat().st_mode)) == (user, 0o400)
