import base64
import os
from pathlib import Path

import pytest

from shared.publickeys import NoPublicKey, PublicKeyFiles, public_key, write_public_key
from shared.testing.keys import MemoryKeys


class Ticks:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _made(path: Path) -> tuple[int, int]:
    """Which file it is and when it was written; not when it was last read, which looking at it changes."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def test_publishing_again_changes_nothing_and_repairs_what_differs(tmp_path: Path) -> None:
    keys = MemoryKeys(["seal"])
    [path] = write_public_key(keys, tmp_path, "mailer")
    made = _made(path)

    assert write_public_key(keys, tmp_path, "mailer") == []
    assert _made(path) == made
    path.write_bytes(b"damaged")
    assert write_public_key(keys, tmp_path, "mailer") == [path]
    assert PublicKeyFiles(tmp_path).current("mailer").version == 1
    assert os.listdir(path.parent) == ["1.pub"]


def test_the_key_of_cards_is_published_under_a_name_of_its_own(tmp_path: Path) -> None:
    keys = MemoryKeys(["card", "fields"])

    assert write_public_key(keys, tmp_path, "orders") == [tmp_path / "card" / "1.pub"]
    assert PublicKeyFiles(tmp_path).current("card").key == public_key(keys.current("card")).key


def test_a_service_without_a_sealing_key_publishes_none(tmp_path: Path) -> None:
    assert write_public_key(MemoryKeys(["fields"]), tmp_path, "orders") == []
    assert os.listdir(tmp_path) == []


def test_the_highest_version_is_used_and_other_files_are_not(tmp_path: Path) -> None:
    keys = MemoryKeys(["seal"])
    for _ in range(9):
        keys.rotate("seal")
    write_public_key(keys, tmp_path, "mailer")
    for name in ("x.pub", "011.pub", "99.pub.old", ".5.draft"):
        (tmp_path / "mailer" / name).write_bytes(b"")

    current = PublicKeyFiles(tmp_path).current("mailer")

    assert current.version == 10
    assert current.key == public_key(keys.current("seal")).key


@pytest.mark.parametrize("age_s", [0, 3600])
def test_a_new_public_key_is_noticed_within_a_second(tmp_path: Path, age_s: int) -> None:
    keys, ticks = MemoryKeys(["seal"]), Ticks()
    write_public_key(keys, tmp_path, "mailer")
    folder = tmp_path / "mailer"
    changed = folder.stat().st_mtime - age_s
    os.utime(folder, (changed, changed))
    files = PublicKeyFiles(tmp_path, monotonic=ticks)
    versions = [files.current("mailer").version]

    keys.rotate("seal")
    write_public_key(keys, tmp_path, "mailer")
    for ticks.now in (0.9, 1.0):
        versions.append(files.current("mailer").version)

    assert versions == [1, 1, 2]


def test_an_unchanged_directory_is_not_read_again(tmp_path: Path) -> None:
    ticks = Ticks()
    [path] = write_public_key(MemoryKeys(["seal"]), tmp_path, "mailer")
    files = PublicKeyFiles(tmp_path, monotonic=ticks)
    os.utime(path.parent, (1000, 1000))
    first = files.current("mailer")

    path.write_bytes(b"overwritten in place, which no deployment does")
    ticks.now = 5.0

    assert files.current("mailer") is first


@pytest.mark.parametrize(
    ("content", "fault"), [(b"", "0 bytes"), (b"*", "base64"), (base64.b64encode(b"a" * 33), "33 bytes")]
)
def test_a_damaged_public_key_is_named(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "mailer" / "1.pub"
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(NoPublicKey, match=fault) as caught:
        PublicKeyFiles(tmp_path).current("mailer")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("reader", ["mailer", "../mailer", "", "Mailer", "a/b", "."])
def test_a_reader_without_keys_is_an_error(tmp_path: Path, reader: str) -> None:
    with pytest.raises(NoPublicKey):
        PublicKeyFiles(tmp_path / "public").current(reader)


def test_an_empty_directory_of_a_reader_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mailer").mkdir()

    with pytest.raises(NoPublicKey, match="no public keys"):
        PublicKeyFiles(tmp_path).current("mailer")
