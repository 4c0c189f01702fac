"""Where a request comes from, as far as that matters: which network, never which person."""

import ipaddress

from aiohttp import web

_V4_BITS = 24
_V6_BITS = 56


def network_of(request: web.BaseRequest) -> str:
    """The client's network: /24 of IPv4, /56 of IPv6, such as "203.0.113.0/24"; "" where it cannot be known.

    The gateway overwrites `X-Forwarded-For` with the one address that it sees. Who reaches a service around the
    gateway can write anything there, so nothing that protects an account may rest on this alone.
    """
    text = request.headers.get("X-Forwarded-For") or request.remote or ""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = _V4_BITS if address.version == 4 else _V6_BITS
    return str(ipaddress.ip_network((address, bits), strict=False))
