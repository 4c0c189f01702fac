"""P9: whatever looks at the links of a newsletter changes nothing; the next issue comes all the same."""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from deploy.demo.newsletters import places
from deploy.outside.browser import Browser
from deploy.outside.shop import Shop
from tests.journey.test_newsletter import newsletters, send_issue, subscribe
from tests.journey.test_purchase import Address
from tests.recording import Tried

pytestmark = pytest.mark.together

LOOKS = 300
LOOKERS = (
    {"User-Agent": "Mozilla/5.0 (compatible; link scanner)"},
    {"Sec-Purpose": "prefetch", "Purpose": "prefetch"},
    {"Origin": "https://mail.example", "Referer": "https://mail.example/"},
)


async def test_whatever_looks_at_links_changes_nothing(
    shop: Shop, browser: Browser, address: Address, tried: Tried
) -> None:
    reader = address("scanned")
    await subscribe(shop, browser, reader)
    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        await send_issue(marketing, "looked at")
        [first] = newsletters(shop, reader)
        links = sorted({urlsplit(link) for link in re.findall(r"https?://\S+[?&]t=[\w.~-]+", first.text)})
        assert any("unsubscribe" in link.path for link in links)
        for number in range(LOOKS):
            link = links[number % len(links)]
            method = ("GET", "HEAD")[number % 2]
            path = f"{link.path}?{link.query}"
            looked = await browser.call(method, path, headers=LOOKERS[number % len(LOOKERS)], expect=200)
            tried(1)
            assert looked.cookies == ()
        page = await browser.call("GET", f"/newsletter/preferences?{links[0].query}")
        assert page.status == 200
        await send_issue(marketing, "still wanted")

    assert len(newsletters(shop, reader)) == min(2, places(datetime.now(UTC)))
