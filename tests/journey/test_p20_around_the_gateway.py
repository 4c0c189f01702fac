"""P20, around the gateway: every operation of every contract, asked at the service itself with identities of one's own.

The table comes from the published contracts, as that of `test_p20_only_their_own` does, ids of a victim included.
"""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop
from shared.identity import Identity, sign_identity, signing_key
from tests.journey.test_p20_only_their_own import NOBODYS, PERSONAL, SHUT, STAFF, Address, _operations, _victim
from tests.journey.test_purchase import key
from tests.recording import Tried

pytestmark = pytest.mark.together

REFUSED = SHUT | {422, 400}
"""A body that does not fit is refused before anything is looked for."""


async def test_no_identity_of_ones_own_opens_any_operation_of_any_service(
    shop: Shop, browser: Browser, address: Address, tried: Tried
) -> None:
    owned = await _victim(shop, browser, address("vic"))
    operations = await _operations(browser)
    published = (await browser.call("GET", "/.well-known/jwks.json", expect=200)).json
    services = {name: row["url"] for name, row in shop.stack.read()["services"].items()}

    async with aiohttp.ClientSession() as direct:
        victim = await _subject(direct, services["auth"], browser)
        for each in operations:
            service = each.path.split("/")[2]
            body: Any = {} if each.method in ("POST", "PUT", "PATCH") else None
            for what, token in forged(victim, service, published["keys"][0]["kid"]).items():
                headers = {**key(), "X-Identity": token}
                url = services[service] + owned.filled(each.path)
                async with direct.request(each.method, url, json=body, headers=headers) as answer:
                    text = await answer.text()
                tried(1)
                shown = f"{what}: {each.method} {each.path} is {answer.status}"
                assert answer.status == 401 or not each.signed_in, shown
                assert answer.status in REFUSED or not each.has_id or each.path.startswith(NOBODYS), shown
                assert not [word for word in PERSONAL if word in text], shown

    assert len([each for each in operations if each.signed_in]) > 70
    assert (await browser.call("GET", "/api/auth/session")).status == 200


async def _subject(direct: aiohttp.ClientSession, auth: str, browser: Browser) -> str:
    """The account that the real tokens of this browser name."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies().items())
    asked = {"X-Audience": "orders", "Cookie": cookies}
    async with direct.get(f"{auth}/internal/identity", headers=asked) as answer:
        claims = answer.headers["X-Identity"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"])


def forged(victim: str, audience: str, kid: str) -> dict[str, str]:
    """Tokens that name the victim, with every role: under a key of one's own, unsigned, and none at all."""
    everything = Identity(victim, frozenset(STAFF), "s", fresh=True, email_verified=True)
    own = sign_identity(
        everything, key=signing_key(b"\x07" * 32, kid), kid=kid, audience=audience, now=datetime.now(UTC)
    )
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid}).encode()).rstrip(b"=").decode()
    return {"by another key": own, "unsigned": f"{unsigned}.{own.split('.')[1]}.", "no token": "admin"}
