import importlib
import json
import stat
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from deploy.local import metrics, service_command
from deploy.local.addresses import contents
from deploy.local.board import READY, Board, Row, read_rows, read_supervisor, write_rows
from deploy.local.layout import SERVICES, write_private
from deploy.local.passwords import ensure_passwords
from deploy.local.plan import parts_of, supervise_environ
from deploy.local.processes import Process
from deploy.local.services import ensure_keys, settings_of, write_env_files
from deploy.local.table import address_table, render
from shared.keys import FileKeys
from shared.settings import BaseSettings
from tests.unit.deploy.stacks import a_stack

ME = Process(pid=7, started=70, boot="b")


def test_passwords_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secret" / "passwords.json"

    first = ensure_passwords(file)

    assert ensure_passwords(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert len({*first.mongo.values(), *first.amqp.values()}) == 10


def test_a_stack_from_before_is_given_what_it_lacks_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    first = json.loads(json.dumps(asdict(ensure_passwords(file))))
    write_private(file, json.dumps({name: text for name, text in first.items() if name != "webhook"}))

    again = ensure_passwords(file)

    assert asdict(again) | {"webhook": ""} == first | {"webhook": ""}
    assert again.webhook not in ("", first["webhook"])
    assert ensure_passwords(file) == again


def test_passwords_do_not_show_in_a_traceback(tmp_path: Path) -> None:
    passwords = ensure_passwords(tmp_path / "passwords.json")

    assert passwords.mongo["auth"] not in repr(passwords)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_accepts_what_its_environment_says(tmp_path: Path, service: str) -> None:
    stack = a_stack(tmp_path)
    ensure_keys(stack.layout)
    config = importlib.import_module(f"services.{service}.config")

    settings = config.Settings.from_env(settings_of(stack, service))

    assert isinstance(settings, BaseSettings)
    assert settings.public_url == stack.public_url
    assert settings.mongo_database == service
    assert f"{service}:{stack.passwords.mongo[service]}@" in settings.mongo_url.get_secret_value()


def test_an_env_file_can_be_sourced_by_a_shell(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    write_env_files(stack)
    file = stack.layout.env_file("mailer")

    done = subprocess.run(
        ["sh", "-c", f"set -a; . '{file}'; env"], env={}, capture_output=True, text=True, check=True
    )  # fmt: skip

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert settings_of(stack, "mailer").items() <= dict(line.split("=", 1) for line in done.stdout.splitlines()).items()


def test_keys_are_made_once_and_the_public_ones_published(tmp_path: Path) -> None:
    layout = a_stack(tmp_path).layout

    ensure_keys(layout)
    before = {file: file.read_bytes() for file in layout.keys.rglob("*") if file.is_file()}
    ensure_keys(layout)

    assert before == {file: file.read_bytes() for file in layout.keys.rglob("*") if file.is_file()}
    assert {file.parent.name for file in (layout.keys / "public").rglob("*.pub")} == {*SERVICES, "card"}


def test_only_the_screening_commands_have_the_key_of_cards(tmp_path: Path) -> None:
    layout = a_stack(tmp_path).layout

    ensure_keys(layout)
    FileKeys(layout.keys / "orders").rotate("fields")

    assert [file.parent.parent.name for file in layout.keys.rglob("card/*.key")] == ["orders-screening"]
    screening = FileKeys(layout.keys / "orders-screening")
    assert screening.versions("fields") == [1, 2]
    assert screening.get("index", 1).secret == FileKeys(layout.keys / "orders").get("index", 1).secret
    assert screening.versions("seal") == []


def test_the_screening_commands_have_an_env_file_with_their_own_keys(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)

    write_env_files(stack)

    lines = stack.layout.env_file("orders-screening").read_text().splitlines()
    assert f"PADLOCK_KEY_DIR={stack.layout.keys / 'orders-screening'}" in lines
    assert set(stack.layout.env_file("orders").read_text().splitlines()) ^ set(lines) == {
        f"PADLOCK_KEY_DIR={stack.layout.keys / name}" for name in ("orders", "orders-screening")
    }


def test_addresses_from_outside_replace_own_parts(tmp_path: Path) -> None:
    outside = {"MONGO_URL": "mongodb://db/", "AMQP_URL": "amqp://mq/", "SMTP_URL": "smtp://mx:2525"}
    stack = a_stack(tmp_path, outside=outside)

    assert [part.name for part in parts_of(stack)] == [*SERVICES, "gateway"]
    assert all(part.after == () for part in parts_of(stack))
    assert settings_of(stack, "mailer")["PADLOCK_MONGO_URL"] == "mongodb://db/"
    assert settings_of(stack, "mailer")["PADLOCK_AMQP_URL"] == "amqp://mq/"
    assert settings_of(stack, "mailer")["PADLOCK_SMTP_URL"] == "smtp://mx:2525"
    assert stack.smtp_address == ("mx", 2525)


def test_the_supervisor_sees_nothing_of_the_callers_environment_but_addresses() -> None:
    environ = {"PATH": "/bin", "AMQP_URL": "amqp://mq/", "MONGO_URL": "", "AWS_SECRET": "x"}

    assert supervise_environ(environ) == {"PATH": "/bin", "AMQP_URL": "amqp://mq/", "LANG": "C.UTF-8"}


def test_the_address_book_has_what_the_design_promises(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    rows = {
        "auth": Row("auth", READY, Process(11, 1, "b")),
        "mongod": Row("mongod", READY, Process(12, 1, "b")),
        "rabbitmq": Row("rabbitmq"),
    }

    book = contents(stack, rows, supervisor=ME)

    assert {"gateway", "ca", "mongo", "amqp", "smtp", "mail_dir", "mailbox", "services", "staff", "logs"} <= book.keys()
    assert book["services"]["auth"] == {"url": stack.service_url("auth"), "pids": [11], "ready": True}
    assert book["services"]["orders"]["pids"] == []
    assert book["parts"] == {"mongod": {"pids": [12], "ready": True}, "rabbitmq": {"pids": [], "ready": False}}
    assert book["mongo"].startswith("mongodb://admin:")
    assert book["supervisor"] == 7
    assert json.loads(json.dumps(book)) == book


def test_staff_is_in_the_address_book_once_it_exists(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    write_private(stack.staff_file, '{"support": {"email": "support@staff.example.com"}}')

    assert contents(stack, {}, supervisor=ME)["staff"]["support"]["email"] == "support@staff.example.com"


def test_what_the_supervisor_wrote_can_be_read_again(tmp_path: Path) -> None:
    rows = {"auth": Row("auth", READY, Process(11, 1, "b"), "2026-01-01T00:00:00Z", 3, ""), "orders": Row("orders")}

    write_rows(tmp_path / "run.json", rows, supervisor=ME)

    assert read_rows(tmp_path / "run.json") == rows
    assert read_supervisor(tmp_path / "run.json") == ME


def test_before_the_first_start_nothing_is_recorded(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "run.json") == {}
    assert read_supervisor(tmp_path / "run.json") is None


def test_the_same_trouble_is_told_once() -> None:
    said: list[str] = []
    board = Board(["auth"], changed=lambda rows: said.append(rows["auth"].note))

    for note in ("no answer", "no answer", "refused"):
        board.trouble("auth", note)

    assert said == ["no answer", "refused"]


def test_restarts_are_counted_from_the_second_start_on() -> None:
    counts: list[int] = []
    board = Board(["auth"], changed=lambda rows: counts.append(rows["auth"].restarts))

    for _ in range(3):
        board.started("auth", ME)

    assert counts == [0, 1, 2]


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert render(("a", "bb"), [("long", "x")]) == "a     bb\n----  --\nlong  x"


def test_the_table_names_every_page_and_api(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)

    table = address_table(stack)

    assert all(f"{stack.public_url}/api/{service}/docs" in table for service in SERVICES)
    assert stack.mailbox_url in table
    assert f"{stack.public_url}/privacy" in table


def test_staff_of_a_database_elsewhere_is_kept_apart(tmp_path: Path) -> None:
    own, elsewhere = a_stack(tmp_path), a_stack(tmp_path, outside={"MONGO_URL": "mongodb://db/"})

    assert own.staff_file.name == "staff.json"
    assert elsewhere.staff_file != own.staff_file


def test_a_command_of_an_unknown_service_is_refused_and_the_known_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = a_stack(tmp_path)
    write_env_files(stack)

    assert service_command.run(stack.layout, "billing", ["config"]) == 2
    assert "there are auth, mailer, orders, orders-screening, warranty" in capsys.readouterr().err


def test_metrics_without_a_stack_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert metrics.show(a_stack(tmp_path).layout, "^padlock_") == 2
    assert "no stack is up" in capsys.readouterr().err
