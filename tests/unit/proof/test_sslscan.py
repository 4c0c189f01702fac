"""Reading sslscan's report: what is weak, old or renegotiable is found, and an empty scan is none."""

import pytest

from proof.sslscan import weak_in

GOOD = '<cipher sslversion="TLSv1.3" bits="256" cipher="TLS_AES_256_GCM_SHA384"/>'


def report(*rows: str) -> str:
    return f"<document><ssltest>{''.join(rows)}</ssltest></document>"


def test_256_bits_of_today_are_fine() -> None:
    assert weak_in(report('<protocol type="tls" version="1.3" enabled="1"/>', GOOD)) == []


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('<cipher bits="128" cipher="AES128-SHA"/>', "AES128-SHA has 128 bits"),
        ('<protocol type="tls" version="1.1" enabled="1"/>', "tls 1.1 is offered"),
        ('<renegotiation supported="1" secure="1"/>', "renegotiation is offered"),
        ('<heartbleed sslversion="TLSv1.2" vulnerable="1"/>', "heartbleed in TLSv1.2"),
    ],
)
def test_what_is_weak_is_found(row: str, found: str) -> None:
    assert weak_in(report(GOOD, row)) == [found]


def test_a_scan_that_saw_nothing_is_no_scan() -> None:
    with pytest.raises(ValueError, match="no suite"):
        weak_in(report('<protocol type="tls" version="1.3" enabled="0"/>'))
