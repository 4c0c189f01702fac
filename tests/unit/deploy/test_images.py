"""The Dockerfiles, and what goes into images beside the services."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.images import __main__ as build
from deploy.images.gateway import Misconfigured, Settings, render
from deploy.images.sbom import lock_of, make_sbom
from deploy.images.tools import init_mongo, make_secrets
from deploy.local import mongo, services
from deploy.local.gateway import PAGES
from deploy.local.layout import ROOT, SERVICES
from shared.identity import read_key_set
from shared.keys import FileKeys
from shared.sealing import Sealer
from tests.unit.deploy.dockerfiles import IMAGES, Stage, place, stages

FILES = ("Dockerfile", "gateway.Dockerfile")
ADDRESSES = make_secrets.Addresses("mongodb://{user}:{password}@db/", "amqp://{user}:{password}@mq/", "smtp://relay")


def final(file: str) -> Stage:
    return stages(file, SERVICE="orders")[-1]


@pytest.mark.parametrize("file", FILES)
def test_hadolint_finds_nothing(file: str) -> None:
    hadolint = str(Path(sys.prefix) / "bin" / "hadolint")

    done = subprocess.run([hadolint, str(IMAGES / file)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", FILES)
def test_an_image_runs_as_a_numbered_user_without_a_shell(file: str) -> None:
    stage = final(file)

    [user] = stage.all("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert [stage.command(word)[0] for word in ("ENTRYPOINT", "HEALTHCHECK")] == ["python", "python"]
    after_user = [word for word, _ in stage.instructions[stage.instructions.index(("USER", user)) :]]
    assert "RUN" not in after_user
    assert "COPY" not in after_user


@pytest.mark.parametrize("file", FILES)
def test_an_image_says_what_it_is_and_of_which_revision(file: str) -> None:
    labels = stages(file, SERVICE="orders", VERSION="1.2.3", REVISION="abc")[-1].labels()

    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert labels["org.opencontainers.image.revision"] == "abc"
    assert labels["org.opencontainers.image.title"].startswith("padlock-")


@pytest.mark.parametrize("file", FILES)
def test_packages_come_from_hashed_wheels_only(file: str) -> None:
    [install] = [run for run in stages(file, SERVICE="orders")[0].all("RUN") if " pip " in run]

    assert "--require-hashes" in install
    assert "--only-binary :all:" in install


@pytest.mark.parametrize("file", FILES)
def test_the_last_stage_takes_only_what_the_first_made(file: str) -> None:
    assert final(file).copies() == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_the_kit_one_service_and_the_tools(service: str) -> None:
    copied = {source for sources, _ in stages("Dockerfile", SERVICE=service)[0].copies() for source in sources}

    assert copied == {
        f"locks/{service}.txt", "shared", "services/__init__.py", f"services/{service}", "deploy/images/tools"
    }  # fmt: skip


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("service", SERVICES)
def test_all_that_is_copied_exists_and_is_let_through_to_the_builder(file: str, service: str) -> None:
    ignored = (IMAGES / f"{file}.dockerignore").read_text().splitlines()
    allowed = [ROOT / line.removeprefix("!") for line in ignored if line.startswith("!")]

    for sources, target in stages(file, SERVICE=service)[0].copies():
        for source, _ in place(sources, target):
            assert source.exists()
            assert any(source.is_relative_to(each) for each in allowed)


@pytest.mark.parametrize("image", build.NAMES)
def test_an_sbom_names_every_locked_package_and_the_revision_and_is_cyclonedx(image: str) -> None:
    locked = set(re.findall(r"^([\w.-]+)==([\w.]+)", lock_of(image).read_text(), flags=re.MULTILINE))

    sbom = make_sbom(image, version="1.2.3", revision="abc")

    assert {(row["name"], row["version"]) for row in sbom["components"]} == locked
    component = sbom["metadata"]["component"]
    assert (component["name"], component["version"]) == (f"padlock-{image}", "1.2.3")
    assert component["properties"][0]["value"] == "abc"
    assert not JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(sbom))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(sbom | {"metadata": {"component": {}}}))


def test_an_image_that_charges_by_stripe_is_built_and_listed_from_that_lock(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert build.main(["--print", "--lock", "orders-stripe", "orders"]) == 0
    assert "--build-arg LOCK=orders-stripe" in capsys.readouterr().out

    names = {row["name"] for row in make_sbom("orders", version="1", revision="r", lock="orders-stripe")["components"]}
    assert "stripe" in names
    with pytest.raises(SystemExit):
        build.main(["--print", "--lock", "orders-stripe", "auth"])


def test_the_build_command_names_service_version_and_revision(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--print", "--version", "2.0.0", "--revision", "abc", "mailer", "gateway"]) == 0

    mailer, gateway = capsys.readouterr().out.splitlines()
    assert "--build-arg SERVICE=mailer" in mailer
    assert "--build-arg VERSION=2.0.0 --build-arg REVISION=abc" in mailer
    assert "SERVICE" not in gateway


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_uses_memory_as_the_local_stack_does(service: str) -> None:
    words = build.build_command(service, version="1", revision="r")
    arguments = dict(word.split("=", 1) for word in words if "=" in word)

    environ = stages("Dockerfile", **arguments)[-1].environ()

    assert {name: value for name, value in environ.items() if name.startswith("MALLOC_")} == services.allocator_of(
        service
    )


def test_the_gateways_lock_agrees_with_that_of_the_services() -> None:
    def versions(text: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, flags=re.MULTILINE))

    services_lock = versions(lock_of("auth").read_text())

    assert versions(lock_of("gateway").read_text()).items() <= services_lock.items()


def test_secrets_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    make_secrets.make_all(tmp_path, ADDRESSES)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    make_secrets.make_all(tmp_path, ADDRESSES)

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    private = [path for path in before if "public" not in path.parts]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in private} == {0}
    password = (tmp_path / "mongo" / "orders").read_text()
    assert (tmp_path / "services" / "orders" / "mongo-url").read_text() == f"mongodb://orders:{password}@db/"


def test_a_rotated_identity_key_is_published_by_the_next_run(tmp_path: Path) -> None:
    make_secrets.make_all(tmp_path, ADDRESSES)
    FileKeys(tmp_path / "keys" / "auth").rotate("identity")

    make_secrets.make_all(tmp_path, ADDRESSES)

    published = json.loads((tmp_path / "public" / "jwks" / "jwks.json").read_text())
    assert [key.kid for key in read_key_set(published).keys] == ["1", "2"]
    assert all("d" not in row for row in published["keys"])


def test_a_key_is_rotated_and_the_old_version_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_secrets.main([str(tmp_path)])

    make_secrets.main([str(tmp_path), "--rotate", "orders/seal", "--kubernetes", "--only", "ConfigMap"])

    items = {each["metadata"]["name"]: each for each in json.loads(capsys.readouterr().out)["items"]}
    assert {each["kind"] for each in items.values()} == {"ConfigMap"}
    assert sorted(items["seal-orders"]["data"]) == ["1.pub", "2.pub"]
    assert FileKeys(tmp_path / "keys" / "orders").versions("seal") == [1, 2]


@pytest.mark.parametrize("key", ["orders/cookie", "shop/seal", "auth/index"])
def test_a_key_that_is_not_there_or_never_changes_is_not_rotated(key: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        make_secrets.main([str(tmp_path), "--rotate", key])


def test_made_keys_are_those_that_the_local_stack_makes(tmp_path: Path) -> None:
    assert make_secrets.PURPOSES == services.PURPOSES


def test_made_public_keys_seal_for_every_service(tmp_path: Path) -> None:
    make_secrets.make_all(tmp_path, ADDRESSES)

    assert Sealer(tmp_path / "public" / "seal")
    assert sorted(path.name for path in (tmp_path / "public" / "seal").iterdir()) == sorted([*SERVICES, "card"])


def test_database_users_get_the_roles_that_they_have_in_the_local_stack() -> None:
    assert {each: init_mongo.roles_of(each) for each in SERVICES} == {each: mongo.roles_of(each) for each in SERVICES}


def gateway_environ(**more: str) -> dict[str, str]:
    upstreams = {f"GATEWAY_UPSTREAM_{name.upper()}": f"{name}-serve:8080" for name in SERVICES}
    return {"GATEWAY_PUBLIC_URL": "https://shop.example"} | upstreams | more


def test_the_gateway_reaches_each_service_where_the_environment_says() -> None:
    text = render(Settings.from_env(gateway_environ()))

    for service in SERVICES:
        assert f"server {service}-serve:8080 " in text
        assert PAGES[service] in text
    assert "127.0.0.1" not in text
    assert "listen 8443 ssl default_server;" in text
    assert text.count("/dev/stdout") == 2


def test_the_gateway_believes_the_proxy_protocol_of_named_networks_only() -> None:
    text = render(Settings.from_env(gateway_environ(GATEWAY_PROXY_FROM="10.1.0.0/16")))

    assert "listen 8443 proxy_protocol ssl default_server;" in text
    assert "set_real_ip_from 10.1.0.0/16;" in text
    assert "proxy_protocol" not in render(Settings.from_env(gateway_environ()))


def test_a_gateway_without_settings_names_all_that_is_wrong() -> None:
    with pytest.raises(Misconfigured) as caught:
        Settings.from_env({"GATEWAY_UPSTREAM_AUTH": "auth; evil", "GATEWAY_PROXY_FROM": "everywhere"})

    assert caught.value.mistakes == [
        "GATEWAY_PUBLIC_URL: is required",
        "GATEWAY_UPSTREAM_AUTH: is malformed",
        "GATEWAY_UPSTREAM_ORDERS: is required",
        "GATEWAY_UPSTREAM_MAILER: is required",
        "GATEWAY_UPSTREAM_WARRANTY: is required",
        "GATEWAY_PROXY_FROM: everywhere is no network",
    ]
