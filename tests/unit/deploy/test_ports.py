import socket
from pathlib import Path

from deploy.local.ports import HOST, choose_ports, is_free, read_ports

NAMES = ("gateway", "http")


def taken() -> socket.socket:
    return socket.create_server((HOST, 0))


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with taken() as listener:
        assert not is_free(listener.getsockname()[1])


def test_the_preferred_port_is_taken_when_it_is_free(tmp_path: Path) -> None:
    with taken() as listener:
        port = listener.getsockname()[1]

    chosen = choose_ports(tmp_path / "ports.json", names=NAMES, preferred={"gateway": port})

    assert chosen["gateway"] == port


def test_a_foreign_listener_is_avoided(tmp_path: Path) -> None:
    with taken() as listener:
        port = listener.getsockname()[1]

        chosen = choose_ports(tmp_path / "ports.json", names=NAMES, preferred={"gateway": port})

    assert chosen["gateway"] != port


def test_ports_are_remembered(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"

    first = choose_ports(file, names=NAMES, preferred={})

    assert choose_ports(file, names=NAMES, preferred={}) == first == read_ports(file)


def test_a_remembered_port_that_was_taken_meanwhile_is_replaced_alone(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = choose_ports(file, names=NAMES, preferred={})

    with socket.create_server((HOST, first["http"])):
        second = choose_ports(file, names=NAMES, preferred={})

    assert second["gateway"] == first["gateway"]
    assert second["http"] != first["http"]


def test_a_damaged_memory_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    file.write_text("[1, 2")

    assert read_ports(file) == {}


def test_two_names_never_share_a_port(tmp_path: Path) -> None:
    with taken() as listener:
        port = listener.getsockname()[1]

    chosen = choose_ports(tmp_path / "ports.json", names=NAMES, preferred=dict.fromkeys(NAMES, port))

    assert len(set(chosen.values())) == len(NAMES)
