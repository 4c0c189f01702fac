import base64
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.keys import PURPOSES, FileKeys, Key, UnknownKey, UnusableKey
from shared.secrets import Secret
from shared.testing.keys import MemoryKeys
from shared.testing.suites.keys import KeyProviderSuite


class TestMemoryKeys(KeyProviderSuite):
    @pytest.fixture
    def provider(self) -> MemoryKeys:
        return MemoryKeys(purposes=())


class TestFileKeys(KeyProviderSuite):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> FileKeys:
        return FileKeys(tmp_path / "keys")


class Ticks:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def write(directory: Path, name: str, content: bytes) -> Path:
    folder = directory / "fields"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def encoded(byte: int) -> bytes:
    return base64.b64encode(bytes([byte]) * 32) + b"\n"


def test_files_and_directories_are_for_their_owner_alone(directory: Path) -> None:
    FileKeys(directory).rotate("fields")

    paths = [directory, directory / "fields", directory / "fields" / "1.key"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o700, 0o700, 0o600]
    assert os.listdir(directory / "fields") == ["1.key"]


def test_a_key_outlives_the_process(directory: Path) -> None:
    made = FileKeys(directory).rotate("fields")

    assert FileKeys(directory).current("fields") == made


def test_a_new_file_is_noticed_within_a_second(directory: Path) -> None:
    ticks = Ticks()
    keys = FileKeys(directory, monotonic=ticks)
    keys.rotate("fields")
    assert keys.current("fields").version == 1

    FileKeys(directory).rotate("fields")
    ticks.now = 0.9
    within = keys.current("fields").version
    ticks.now = 1.0

    assert (within, keys.current("fields").version) == (1, 2)


def test_a_version_that_is_named_is_found_at_once(directory: Path) -> None:
    keys = FileKeys(directory, monotonic=Ticks())
    keys.rotate("fields")
    keys.current("fields")

    newer = FileKeys(directory).rotate("fields")

    assert keys.get("fields", 2) == newer


def test_a_key_is_as_old_as_its_file(directory: Path) -> None:
    keys = FileKeys(directory)
    keys.rotate("fields")
    new = keys.age_s("fields", 1)
    os.utime(directory / "fields" / "1.key", (time.time() - 3600, time.time() - 3600))

    assert new < 60
    assert 3600 <= keys.age_s("fields", 1) < 3660
    with pytest.raises(UnknownKey):
        keys.age_s("fields", 2)


def test_a_file_from_the_future_has_no_age(directory: Path) -> None:
    keys = FileKeys(directory)
    keys.rotate("fields")

    os.utime(directory / "fields" / "1.key", (time.time() + 3600, time.time() + 3600))

    assert keys.age_s("fields", 1) == 0


def test_retired_versions_are_gone_and_the_current_one_stays(directory: Path) -> None:
    keys = FileKeys(directory, monotonic=Ticks())
    for _ in range(4):
        keys.rotate("fields")
    keys.get("fields", 1)

    assert keys.retire("fields", below=3) == [1, 2]
    assert keys.versions("fields") == [3, 4]
    assert keys.retire("fields", below=9) == [3]
    assert keys.retire("fields", below=9) == []
    assert keys.rotate("fields").version == 5
    with pytest.raises(UnknownKey):
        keys.get("fields", 1)


def test_a_file_that_was_removed_is_forgotten(directory: Path) -> None:
    ticks = Ticks()
    keys = FileKeys(directory, monotonic=ticks)
    keys.rotate("fields")
    keys.get("fields", 1)

    (directory / "fields" / "1.key").unlink()
    ticks.now = 1.0

    with pytest.raises(UnknownKey):
        keys.get("fields", 1)


def test_gaps_and_other_files_are_passed_over(directory: Path) -> None:
    for name in ("2.key", "10.key"):
        write(directory, name, encoded(1))
    for name in ("0.key", "03.key", "x.key", ".1.draft", "7.key.old", "..data"):
        write(directory, name, b"")

    assert FileKeys(directory).versions("fields") == [2, 10]
    assert FileKeys(directory).rotate("fields").version == 11


@pytest.mark.parametrize(
    ("content", "fault"), [(b"", "0 bytes"), (base64.b64encode(b"a" * 31), "31 bytes"), (b"\xff*", "base64"),
                           (encoded(1)[:20], "bytes|base64")],
)  # fmt: skip
def test_a_damaged_key_is_named_and_not_used(directory: Path, content: bytes, fault: str) -> None:
    path = write(directory, "1.key", content)

    with pytest.raises(UnusableKey, match=fault) as caught:
        FileKeys(directory).current("fields")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_key_that_others_can_reach_is_refused(directory: Path, mode: int) -> None:
    path = write(directory, "1.key", encoded(1))
    path.chmod(mode)

    with pytest.raises(UnusableKey, match="open to others") as caught:
        FileKeys(directory).current("fields")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["", "fields"])
def test_a_directory_that_others_can_reach_is_refused(directory: Path, name: str) -> None:
    write(directory, "1.key", encoded(1))
    (directory / name).chmod(0o750)

    with pytest.raises(UnusableKey, match="open to others") as caught:
        FileKeys(directory).versions("fields")
    assert str(directory / name) in str(caught.value)


def test_a_mounted_volume_may_be_open_where_that_is_said(directory: Path) -> None:
    write(directory, "1.key", encoded(7)).chmod(0o444)
    directory.chmod(0o755)

    assert FileKeys(directory, strict=False).current("fields").secret == Secret(b"\7" * 32)


def test_ensure_makes_what_is_missing_and_only_that(directory: Path) -> None:
    keys = FileKeys(directory)
    keys.rotate("card")

    made = keys.ensure(["card", "fields"])

    assert [(key.purpose, key.version) for key in made] == [("fields", 1)]
    assert keys.ensure(PURPOSES.keys() - {"card", "fields"}) != []
    assert keys.ensure(PURPOSES) == []


def test_rotations_at_once_make_a_version_each(directory: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: FileKeys(directory).rotate("fields"), range(24)))

    assert sorted(key.version for key in made) == list(range(1, 25))
    assert [FileKeys(directory).get("fields", key.version) == key for key in made] == [True] * 24


def test_first_keys_made_at_once_are_one_key(directory: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: FileKeys(directory).ensure(["fields"]), range(24)))

    assert len([keys for keys in made if keys]) == 1
    assert FileKeys(directory).versions("fields") == [1]


def test_a_key_shows_nothing_of_its_secret() -> None:
    key = Key("fields", 1, Secret(b"k" * 32))

    assert repr(key) == "Key(purpose='fields', version=1, secret=Secret(hidden))"
