"""Which network a request comes from."""

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from shared.http.client import network_of

HERE = "192.0.2.7"


class _Transport:
    """A connection from `HERE`."""

    def __init__(self, host: str) -> None:
        self._host = host

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self._host, 40_000) if name == "peername" else default

    def is_closing(self) -> bool:
        return False


def _network(*lines: str, remote: str = HERE) -> str:
    headers = CIMultiDict([("X-Forwarded-For", line) for line in lines])
    return network_of(make_mocked_request("GET", "/", headers=headers, transport=_Transport(remote)))


@pytest.mark.parametrize(
    ("forwarded", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        (" 203.0.113.77 ", "203.0.113.0/24"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("2001:db8:1:2ff:aa::1", "2001:db8:1:200::/56"),
        ("2001:DB8:1:2FF::1", "2001:db8:1:200::/56"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("::ffff:cb00:714d", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/56"),
    ],
)
def test_a_client_is_known_by_its_network(forwarded: str, network: str) -> None:
    assert _network(forwarded) == network


def test_neighbours_are_one_network_and_strangers_are_not() -> None:
    assert _network("203.0.113.1") == _network("203.0.113.254") != _network("203.0.114.1")
    assert _network("2001:db8::1") == _network("2001:db8:0:ff::1") != _network("2001:db8:0:100::1")


def test_of_several_addresses_the_last_counts() -> None:
    assert _network("198.51.100.1, 203.0.113.77") == "203.0.113.0/24"
    assert _network("198.51.100.1", "203.0.113.77") == "203.0.113.0/24"


@pytest.mark.parametrize(
    "garbage",
    ["", "unknown", "203.0.113", "203.0.113.77:80", "[2001:db8::1]", "0xcb.0.113.77", "1.2.3.4, ", "9" * 5000],
)  # fmt: skip
def test_what_is_no_address_counts_as_the_senders_own(garbage: str) -> None:
    assert _network(garbage) == "192.0.2.0/24"


def test_without_a_header_the_sender_counts() -> None:
    assert _network() == "192.0.2.0/24"


def test_where_nothing_is_known_there_is_no_network() -> None:
    assert _network(remote="") == ""
