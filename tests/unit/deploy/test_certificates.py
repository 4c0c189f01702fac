import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from deploy.local.certificates import ensure_certificates

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def read(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def contents_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_certificate_names_this_machine_for_a_year(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, now=NOW)

    leaf = read(tmp_path / "server.pem")
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert timedelta(days=364) < leaf.not_valid_after_utc - NOW <= timedelta(days=366)
    leaf.verify_directly_issued_by(read(tmp_path / "ca.pem"))


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, now=NOW)

    assert [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*.key")] == [0o600, 0o600]


def test_what_lasts_is_left_alone(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, now=NOW)
    before = contents_of(tmp_path)

    ensure_certificates(tmp_path, now=NOW + timedelta(days=300))

    assert contents_of(tmp_path) == before


def test_a_certificate_that_is_about_to_expire_is_renewed_by_the_same_authority(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, now=NOW)
    before = contents_of(tmp_path)

    ensure_certificates(tmp_path, now=NOW + timedelta(days=340))

    after = contents_of(tmp_path)
    assert after["ca.pem"] == before["ca.pem"]
    assert after["server.pem"] != before["server.pem"]


def test_a_new_authority_signs_a_new_certificate(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, now=NOW)
    former = [read(tmp_path / name).serial_number for name in ("ca.pem", "server.pem")]

    ensure_certificates(tmp_path, now=NOW + timedelta(days=3640))

    now = [read(tmp_path / name).serial_number for name in ("ca.pem", "server.pem")]
    assert set(former) & set(now) == set()
    read(tmp_path / "server.pem").verify_directly_issued_by(read(tmp_path / "ca.pem"))


def test_key_and_certificate_fit(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, now=NOW)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")

    assert context.cert_store_stats()["x509"] == 0  # raised nothing: the pair fits
