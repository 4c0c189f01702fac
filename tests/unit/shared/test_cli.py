"""The commands that need no peer."""

import base64
import json
import os
import stat
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.cli import main
from shared.errors import FieldError, InvalidInput
from shared.publickeys import PublicKeyFiles
from shared.service import Command, Service
from shared.work import Work
from tests.unit.shared.shop import Settings, Shop

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def open_nothing(_runtime):
    yield None


async def no_indexes(_database):
    return None


async def greet(deps, arguments):
    if not arguments.name.isalpha():
        raise InvalidInput("some fields were refused", fields=[FieldError("/name", "invalid-name", "letters alone")])
    print(f"hello {arguments.name}")
    return 3


SERVICE = Service(
    name="orders",
    settings=Settings,
    open_deps=open_nothing,
    build_app=lambda _deps: Shop().build(),
    build_work=lambda _deps: Work(handlers={}),
    ensure_indexes=no_indexes,
    commands=[Command("greet", "say hello", add_arguments=lambda parser: parser.add_argument("name"), run=greet)],
    routes=lambda _deps: Shop().routes(),
)


@pytest.fixture(autouse=True)
def _keep_logs(keep_logs):
    """Each command configures logging anew."""


@pytest.fixture
def environ(tmp_path):
    for purpose in ("fields", "index", "seal"):
        directory = tmp_path / "keys" / purpose
        directory.mkdir(parents=True)
        for parent in (directory, directory.parent):
            parent.chmod(0o700)
        file = directory / "1.key"
        file.write_bytes(base64.b64encode(bytes(32)))
        file.chmod(0o600)
    (tmp_path / "public").mkdir()
    return {
        "PADLOCK_PUBLIC_URL": "https://localhost:8443",
        "PADLOCK_HTTP_PORT": "0",
        "PADLOCK_MONGO_URL": "mongodb://127.0.0.1:1/",
        "PADLOCK_AMQP_URL": "amqp://127.0.0.1:1/",
        "PADLOCK_KEY_DIR": str(tmp_path / "keys"),
        "PADLOCK_SEAL_KEYS_DIR": str(tmp_path / "public"),
        "PADLOCK_JWKS_URL": "http://127.0.0.1:1/jwks.json",
    }


def test_config_lists_every_setting_without_an_environment(capsys):
    assert main(SERVICE, ["config"], {}) == 0

    text = capsys.readouterr().out
    for row in Settings.describe():
        assert row.name in text
        assert row.meaning in text
    assert "PADLOCK_MONGO_URL (secret, required)" in text


def test_bad_settings_are_listed_one_a_line_and_end_with_2(capsys):
    status = main(SERVICE, ["serve"], {"PADLOCK_HTTP_PORT": "x", "PADLOCK_COLOUR": "red"})

    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert status == 2
    assert len(lines) == 8
    assert all(line.startswith("PADLOCK_") for line in lines)
    assert captured.out == ""


def test_the_contract_is_printed_without_an_environment(capsys):
    assert main(SERVICE, ["openapi"], {}) == 0

    assert json.loads(capsys.readouterr().out)["openapi"].startswith("3.1")


def test_keys_are_listed_by_purpose_and_version(environ, capsys):
    assert main(SERVICE, ["keys", "list"], environ) == 0

    rows = [line.split("\t")[:3] for line in capsys.readouterr().out.splitlines()]
    assert sorted(rows) == [[purpose, "current 1", "all 1"] for purpose in ("fields", "index", "seal")]


def test_a_rotated_key_is_current_and_private(environ, capsys, tmp_path):
    assert main(SERVICE, ["keys", "rotate", "fields"], environ) == 0

    file = tmp_path / "keys" / "fields" / "2.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert capsys.readouterr().out == "fields is now at version 2\n"


def test_a_rotated_sealing_key_is_published(environ, tmp_path):
    assert main(SERVICE, ["keys", "rotate", "seal"], environ) == 0

    assert PublicKeyFiles(tmp_path / "public").current("orders").version == 2


@pytest.mark.parametrize(("purpose", "reason"), [("index", "never rotated"), ("card", "holds no key"), ("x", "keys")])
def test_a_key_that_cannot_be_rotated_stays(environ, capsys, purpose, reason):
    assert main(SERVICE, ["keys", "rotate", purpose], environ) == 1

    assert reason in capsys.readouterr().err


def aged(directory, seconds):
    for file in directory.iterdir():
        moment = time.time() - seconds
        os.utime(file, (moment, moment))


@pytest.mark.parametrize(
    ("purpose", "below", "reason"),
    [
        ("index", 2, "never replaced"),
        ("fields", 2, "the current version of fields stays: 1"),
        ("card", 2, "the current version of card stays: there is none"),
        ("nothing", 2, "no purpose"),
    ],
)
def test_a_key_that_cannot_be_retired_stays(environ, capsys, tmp_path, purpose, below, reason):
    assert main(SERVICE, ["keys", "retire", purpose, "--below", str(below), "--anyway"], environ) == 1

    assert reason in capsys.readouterr().err
    assert (tmp_path / "keys" / "fields" / "1.key").exists()


def test_a_key_goes_only_when_its_successor_is_old_and_what_cannot_be_known_was_said(environ, capsys, tmp_path):
    main(SERVICE, ["keys", "rotate", "seal"], environ)
    retire = ["keys", "retire", "seal", "--below", "2"]

    fresh = main(SERVICE, retire, environ), capsys.readouterr().err
    aged(tmp_path / "keys" / "seal", 601)
    unknown = main(SERVICE, retire, environ), capsys.readouterr().err
    kept = sorted(os.listdir(tmp_path / "keys" / "seal"))
    done = main(SERVICE, [*retire, "--anyway"], environ), capsys.readouterr().out

    assert (fresh[0], "after 600 s" in fresh[1]) == (1, True)
    assert (unknown[0], "cannot be known here: whether an event" in unknown[1]) == (1, True)
    assert kept == ["1.key", "2.key"]
    assert done == (0, "seal: versions deleted: 1\n")
    assert os.listdir(tmp_path / "keys" / "seal") == ["2.key"]
    assert os.listdir(tmp_path / "public" / "orders") == ["2.pub"]


@pytest.mark.parametrize("below", ["0", "-1", "x"])
def test_a_version_is_a_positive_number(environ, below):
    with pytest.raises(SystemExit) as ended:
        main(SERVICE, ["keys", "retire", "seal", f"--below={below}"], environ)

    assert ended.value.code == 2


def test_a_service_may_have_commands_of_its_own(environ, capsys):
    assert main(SERVICE, ["greet", "Anna"], environ) == 3

    assert capsys.readouterr().out == "hello Anna\n"


def test_a_refusal_names_each_field_and_never_its_value(environ, capsys):
    assert main(SERVICE, ["greet", "4711"], environ) == 1

    told = capsys.readouterr().err
    assert told.splitlines()[-2:] == ["some fields were refused", "/name: letters alone"]
    assert "4711" not in told


def test_a_peer_that_is_away_ends_a_command_with_one_line(environ, capsys):
    assert main(SERVICE, ["dead", "list"], environ) == 1

    last = capsys.readouterr().err.splitlines()[-1]
    assert last
    assert "TransientError" not in last


@pytest.mark.parametrize("arguments", [[], ["dance"], ["dead"], ["dead", "replay"], ["keys", "rotate"]])
def test_wrong_arguments_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(SERVICE, arguments, {})

    assert ended.value.code == 2


def test_the_command_line_alone_loads_no_driver():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, shared.cli; print(*sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip

    assert not {"motor", "pymongo", "aio_pika", "jinja2", "babel"} & set(loaded)
