"""P9 and P20 for a stranger: what is for operators is not found, and a claimed identity is worth nothing."""

import base64
import json

import pytest

from deploy.outside.browser import Browser
from tests.outside.crawl import SERVICES
from tests.recording import Tried

pytestmark = pytest.mark.together

OWN = ("/api/auth/session", "/api/auth/sessions", "/api/auth/trail", "/api/auth/me/exports", "/api/orders",
       "/api/orders/profile", "/api/orders/desk", "/api/warranty/purchases", "/api/warranty/claims",
       "/api/warranty/desk", "/api/mailer/campaigns")  # fmt: skip
OPERATORS = ("/metrics", "/livez", "/readyz", "/internal/identity", "/_identity", "/_errors/404.html",
             *(f"/api/{service}/{page}" for service in SERVICES
               for page in ("metrics", "livez", "readyz", "internal/identity")))  # fmt: skip


def _part(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


CLAIMS = {"sub": "somebody", "roles": ["admin", "support"], "aud": "orders", "exp": 4_102_444_800}
FORGED = {
    "nonsense": "nonsense",
    "unsigned": f"{_part({'alg': 'none'})}.{_part(CLAIMS)}.",
    "signed by nobody": f"{_part({'alg': 'EdDSA', 'kid': '1'})}.{_part(CLAIMS)}.{'A' * 86}",
    "signed with a public word": f"{_part({'alg': 'HS256', 'kid': '1'})}.{_part(CLAIMS)}.{'A' * 43}",
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_claimed_identity_is_worth_nothing(visitor: Browser, how: str, tried: Tried) -> None:
    for path in OWN:
        for name in ("X-Identity", "x-identity", "Authorization"):
            token = FORGED[how]
            answer = await visitor.call(
                "GET", path, headers={name: token if name != "Authorization" else f"Bearer {token}"}
            )
            tried(1)
            assert answer.status == 401, f"{path} with {name}: {answer.status}"


async def test_what_is_for_operators_is_not_found(visitor: Browser, tried: Tried) -> None:
    for path in OPERATORS:
        for spelling in (path, f"/.{path}", path.replace("/", "//", 1), path.replace("/", "/%2e/", 1)):
            answer = await visitor.call("GET", spelling)
            tried(1)
            assert answer.status == 404, f"{spelling}: {answer.status}"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_of_another_site_is_refused(visitor: Browser, site: str, tried: Tried) -> None:
    for path in ("/api/auth/session", "/api/orders", "/api/mailer/subscriptions", "/api/auth/accounts"):
        for headers in ({"Sec-Fetch-Site": site}, {"Origin": "https://shop.evil.example"}):
            answer = await visitor.call("POST", path, {}, headers=headers)
            tried(1)
            assert answer.status == 403, f"{path} from {headers}: {answer.status}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_program_that_looks_at_links_is_answered_and_nothing_more(
    visitor: Browser, method: str, tried: Tried
) -> None:
    for token in ("", "x", "a" * 900, "%00", "../../etc", "<script>", "{'$ne': null}"):
        answer = await visitor.call(method, f"/newsletter/unsubscribe?t={token}")
        tried(1)
        assert answer.status < 500
        assert "<script>" not in answer.text
