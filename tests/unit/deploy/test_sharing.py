"""How tests of the stack are shared out among workers."""

import pytest

from deploy.local.layout import ROOT
from tests.sharing import GROUPS, LAST, group_of

SENDING = ("send_issue(", 'run_command("mailer", "send"')


@pytest.mark.parametrize("file", [*GROUPS, LAST.partition("::")[0]])
def test_what_is_named_is_there_and_runs_beside_others(file: str) -> None:
    assert "pytest.mark.together" in (ROOT / file).read_text()


def test_the_one_that_comes_last_is_there() -> None:
    file, _, name = LAST.partition("::")

    assert f"async def {name}(" in (ROOT / file).read_text()


def test_whatever_sends_newsletters_beside_others_is_in_one_group() -> None:
    beside = [path for path in (ROOT / "tests").glob("*/test_*.py") if "pytest.mark.together" in path.read_text()]
    sending = {str(path.relative_to(ROOT)) for path in beside if any(each in path.read_text() for each in SENDING)}

    assert len(sending) >= 4
    assert {group_of(f"{file}::test_any") for file in sending} == {"newsletters"}


def test_a_file_is_a_group_and_one_test_comes_alone() -> None:
    assert group_of("tests/journey/test_claims.py::test_a[x::y]") == "tests/journey/test_claims.py"
    assert group_of(LAST) == LAST
    assert group_of(LAST + "_and_more") == LAST.partition("::")[0]
