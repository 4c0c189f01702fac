"""The keys of signatures: made once, followed by others under other names, exchanged in one step."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.local import dkim
from deploy.local.layout import Layout


def contents(layout: Layout, version: str = dkim.CURRENT) -> dict[str, str]:
    return {name: Path(path).read_text() for name, path in dkim.settings_of(layout, version).items()}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    dkim.ensure(Layout(tmp_path))
    return Layout(tmp_path)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The environments with which a command was run."""
    seen = []

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.append(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(dkim.subprocess, "run", run)
    return seen


def test_what_is_there_stays(layout: Layout) -> None:
    first = contents(layout)

    dkim.ensure(layout)

    assert contents(layout) == first
    assert first["DKIM_RSA_SELECTOR_FILE"] == "padlock-rsa\n"


def test_the_next_keys_sign_nothing_until_they_are_used(layout: Layout, ran: list[dict[str, str]]) -> None:
    first = contents(layout)

    assert dkim.make_next(layout) == dkim.make_next(layout) == 0

    assert contents(layout) == first
    coming = contents(layout, "2")
    assert all(coming[name] != text for name, text in first.items())
    assert coming["DKIM_ED25519_SELECTOR_FILE"] == "padlock-ed25519-2\n"
    assert ran[1]["PADLOCK_DKIM_RSA_KEY_FILE"] == dkim.settings_of(layout, "2")["DKIM_RSA_KEY_FILE"]

    assert dkim.use_next(layout) == 0

    assert contents(layout) == coming
    assert not Path(dkim.settings_of(layout, "1")["DKIM_RSA_KEY_FILE"]).exists()


def test_without_next_keys_nothing_is_used(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    first = contents(layout)

    assert dkim.use_next(layout) == 1

    assert contents(layout) == first
    assert "`dkim next` makes them" in capsys.readouterr().err


def test_keys_that_were_cut_off_in_the_making_are_made_anew(layout: Layout, ran: list[dict[str, str]]) -> None:
    draft = layout.keys / "mailer" / "dkim" / "2.draft"
    draft.mkdir()
    (draft / "rsa.pem").write_text("half a")

    assert dkim.make_next(layout) == 0

    assert contents(layout, "2")["DKIM_RSA_KEY_FILE"].startswith("-----BEGIN PRIVATE KEY-----")
    assert ran
