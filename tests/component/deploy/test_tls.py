"""Which encryption the gateway offers, seen by OpenSSL's own client."""

import asyncio

import pytest

from deploy.local.ports import HOST
from tests.component.deploy.conftest import Gateway


async def handshake(gateway: Gateway, *options: str) -> str:
    """What `openssl s_client` says; "" where the handshake was refused."""
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"{HOST}:{gateway.stack.ports['gateway']}", "-brief",
        "-CAfile", str(gateway.stack.layout.tls / "ca.pem"), "-verify_return_error", *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said.decode() if process.returncode == 0 else ""


@pytest.mark.parametrize("suite", ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
@pytest.mark.parametrize("name", [("-servername", "localhost"), ("-noservername",)])
async def test_suites_of_256_bits_are_offered_in_tls_1_3(gateway: Gateway, suite: str, name: tuple[str, ...]) -> None:
    said = await handshake(gateway, "-tls1_3", "-ciphersuites", suite, *name)

    assert f"Ciphersuite: {suite}" in said
    assert "Verification: OK" in said


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"])
async def test_suites_of_256_bits_are_offered_in_tls_1_2(gateway: Gateway, suite: str) -> None:
    said = await handshake(gateway, "-tls1_2", "-cipher", suite)

    assert f"Ciphersuite: {suite}" in said


@pytest.mark.parametrize("name", [("-servername", "localhost"), ("-noservername",)])
@pytest.mark.parametrize(
    "offer",
    [
        ("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"),
        ("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"),
        ("-tls1_2", "-cipher", "AES128:@SECLEVEL=0"),
        ("-tls1_2", "-cipher", "AES256-SHA:AES256-SHA256:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"),
        ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
        ("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
    ],
    ids=["gcm-128", "ccm-128", "tls1.2-128", "tls1.2-cbc", "tls1.1", "tls1.0"],
)
async def test_what_is_weaker_or_older_is_refused(
    gateway: Gateway, offer: tuple[str, ...], name: tuple[str, ...]
) -> None:
    assert await handshake(gateway, *offer, *name) == ""
    assert "Verification: OK" in await handshake(gateway, *name)  # it was the offer, not the gateway
