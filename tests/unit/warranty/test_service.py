import json

import pytest

from services.warranty.service import SERVICE
from shared import cli


def test_the_contract_can_be_printed_without_an_environment(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(SERVICE, ["openapi"], {})

    contract = json.loads(capsys.readouterr().out)
    assert status == 0
    assert contract["openapi"].startswith("3.1")
    assert {path for path in contract["paths"] if "claims" not in path} == {
            "/api/warranty/purchases", "/api/warranty/purchases/{id}", "/api/warranty/desk",
            "/api/warranty/desk/units/{serial}", "/api/warranty/purchases/{id}/transfer", "/api/warranty/transfers",
    }  # fmt: skip
