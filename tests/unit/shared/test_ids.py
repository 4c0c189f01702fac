"""Ids: version 7, ordered by time, never twice, not even in a child of the process."""

import os
import time
import uuid

import pytest

from shared.ids import new_id, read_crockford


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = uuid.UUID(new_id())

    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_no_id_comes_twice() -> None:
    made = [new_id() for _ in range(10_000)]

    assert len(set(made)) == len(made)
    assert len({each[19:] for each in made}) == len(made)  # the random part alone


def test_ids_are_ordered_by_time() -> None:
    made = []
    for _ in range(1000):
        made.append(new_id())
        time.sleep(0.000001)  # longer than the fraction's 244 ns; never the whole millisecond

    assert made == sorted(made)
    assert len({each[:13] for each in made}) < len(made)  # so some of them had the fraction alone


def test_a_child_process_gives_out_ids_of_its_own() -> None:
    new_id()  # now there are random bytes to spare
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_id()[14:].encode())
        os._exit(0)
    ours = new_id()[14:].encode()
    os.waitpid(child, 0)

    assert os.read(read, 64) != ours
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("typed", ["7f3k q2xm", "7F3K–Q2XM", "7F3KQ2XM"])
def test_a_number_may_be_typed_as_one_likes(typed: str) -> None:
    assert read_crockford(typed) == "7F3KQ2XM"


def test_letters_that_look_like_digits_are_read_for_them_and_other_signs_are_none() -> None:
    assert read_crockford("oil-1") == "0111"
    assert read_crockford("7F3K-U2XM") is None
