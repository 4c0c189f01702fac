"""A certificate authority of this checkout and the gateway's certificate. Nothing is installed in any trust store."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local.layout import write_private

HOST_NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1",)
CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)

CA, CA_KEY, LEAF, LEAF_KEY = "ca.pem", "ca.key", "server.pem", "server.key"


def ensure_certificates(directory: Path, *, now: datetime) -> None:
    """Have `ca.pem` and a fresh `server.pem` (leaf, then CA) with their keys; renew what is about to expire."""
    if not _lasts(directory / CA, now):
        (directory / LEAF).unlink(missing_ok=True)
        _make_authority(directory, now)
    if not _lasts(directory / LEAF, now):
        _make_leaf(directory, now)


def renew_leaf(directory: Path, *, now: datetime) -> None:
    """Make the gateway's next certificate and key, by the authority that is there."""
    _make_leaf(directory, now)


def _lasts(file: Path, now: datetime) -> bool:
    if not file.exists():
        return False
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc - now > RENEW_BEFORE


def _make_authority(directory: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name("Padlock local authority")
    certificate = (
        _builder(name, name, key.public_key(), now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        # RFC 5280 section 4.2.1.10: whoever trusts this authority trusts it for this machine alone.
        .add_extension(x509.NameConstraints(permitted_subtrees=_own_names(), excluded_subtrees=None), critical=True)
        .sign(key, hashes.SHA384())
    )
    _write_key(directory / CA_KEY, key)
    write_private(directory / CA, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _make_leaf(directory: Path, now: datetime) -> None:
    authority = x509.load_pem_x509_certificate((directory / CA).read_bytes())
    authority_key = serialization.load_pem_private_key((directory / CA_KEY).read_bytes(), password=None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP384R1())
    names = [x509.DNSName(name) for name in HOST_NAMES]
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
    certificate = (
        _builder(_name("localhost"), authority.subject, key.public_key(), now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA384())
    )
    _write_key(directory / LEAF_KEY, key)
    chain = certificate.public_bytes(serialization.Encoding.PEM) + authority.public_bytes(serialization.Encoding.PEM)
    write_private(directory / LEAF, chain, mode=0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before((now - timedelta(hours=1)).astimezone(UTC))
        .not_valid_after((now + life).astimezone(UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _own_names() -> list[x509.GeneralName]:
    names = [x509.DNSName(name) for name in HOST_NAMES]
    return [*names, *(x509.IPAddress(ipaddress.ip_network(address)) for address in ADDRESSES)]


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(file, text)
