"""Where a request comes from, as far as that matters: which network, never which person."""

import ipaddress
from functools import lru_cache

from aiohttp import web

_V4_BITS = 24
_V6_BITS = 56


def network_of(request: web.BaseRequest) -> str:
    """The client's network: /24 of IPv4, /56 of IPv6, such as "203.0.113.0/24"; "" where it cannot be known.

    The gateway overwrites `X-Forwarded-For` with the one address that it sees, so what a client writes there is gone
    before it comes here. Who reaches a service around the gateway can write anything: of several addresses the last
    one counts, which the nearest proxy has written; what is no address counts as the sender's own. Nothing that
    protects an account may rest on this alone.
    """
    lines = request.headers.getall("X-Forwarded-For", [])
    forwarded = lines[-1].rpartition(",")[2] if lines else ""
    return _network(forwarded) or _network(request.remote or "")


def network_written(text: str) -> str:
    """The network that somebody writes as `network_of` has it: "203.0.113.7" and "203.0.113.0/24" are one.

    Raises:
        ValueError: it is neither an address nor a network of the size that is told apart.
    """
    address, slash, bits = text.strip().partition("/")
    network = _network(address)
    if not network or (slash and bits != network.partition("/")[2]):
        raise ValueError(f"must be an address or a network of /{_V4_BITS} (IPv4) or /{_V6_BITS} (IPv6)")
    return network


@lru_cache(maxsize=4096)
def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # By number: a zone, as in fe80::1%eth0, is a machine's own word for one of its interfaces.
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), _V6_BITS), strict=False))
    return str(ipaddress.IPv4Network((int(address), _V4_BITS), strict=False))
