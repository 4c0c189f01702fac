"""P1: 256 bits everywhere, nothing older than TLS 1.2; a certificate that holds for the name."""

import asyncio
import ssl

import pytest

from proof.hello import OLD, STRONG, scan
from tests.outside.conftest import Target
from tests.recording import Tried

pytestmark = pytest.mark.together


@pytest.mark.parametrize("named", [True, False], ids=["by its name", "without a name"])
async def test_no_suite_below_256_bits_and_no_old_protocol_is_taken(target: Target, tried: Tried, named: bool) -> None:
    result = await scan(target.host, target.port, name=target.host if named else None)

    tried(result.offered)
    assert result.weak == []
    assert all(result.taken[version] == [] for version in OLD)
    assert result.taken["TLS 1.3"], "the scan saw nothing: it would miss what is weak"
    assert set(result.taken["TLS 1.2"] + result.taken["TLS 1.3"]) <= set(STRONG)


async def test_the_certificate_holds_for_the_name(target: Target, tried: Tried) -> None:
    _, writer = await asyncio.open_connection(target.host, target.port, ssl=target.tls, server_hostname=target.host)
    kept = writer.get_extra_info("peercert")
    writer.close()

    tried(2)
    assert kept["notAfter"]
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(target.host, target.port, ssl=target.tls, server_hostname="other.example")
