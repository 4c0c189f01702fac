"""Ids: version 7, ordered by time, never twice, not even in a child of the process."""

import os
import time
import uuid

from shared.ids import new_id


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
