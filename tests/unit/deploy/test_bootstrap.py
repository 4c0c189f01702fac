import pytest

from deploy.local import programs
from deploy.local.bootstrap import LOCK, locked_lines

SNIPPET = """\
typing==1 \\
    --hash=sha256:aa
    # via x
uv==0.9 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via padlock (pyproject.toml)
uvloop==0.2 \\
    --hash=sha256:dd
"""


def test_one_requirement_is_taken_from_the_lock_with_its_hashes() -> None:
    assert locked_lines("uv", SNIPPET) == "uv==0.9 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"


def test_the_last_requirement_is_found_too() -> None:
    assert locked_lines("uvloop", SNIPPET) == "uvloop==0.2 \\\n    --hash=sha256:dd\n"


def test_the_lock_holds_the_installer() -> None:
    assert "--hash=sha256:" in locked_lines("uv", LOCK.read_text())


def test_everything_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(programs, "PLACES", ())
    monkeypatch.setattr(programs, "RABBITMQ_SCRIPTS", ())

    with pytest.raises(programs.MissingProgram) as refusal:
        programs.find_programs(mongod=False)

    assert "package rabbitmq-server" in str(refusal.value)
    assert "package nginx-light" in str(refusal.value)


def test_without_apt_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(programs, "PLACES", ())

    with pytest.raises(programs.MissingProgram, match="rabbitmq-server nginx-light"):
        programs.install(["rabbitmq-server", "nginx-light"])


def test_a_broker_elsewhere_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(programs, "PLACES", ())
    monkeypatch.setattr(programs, "RABBITMQ_SCRIPTS", ())

    assert programs.missing_packages({"AMQP_URL": "amqp://mq/"}) == ["nginx-light"]
