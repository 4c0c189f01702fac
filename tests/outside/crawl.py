"""Every page that links lead to, with its headers and cookies."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

from deploy.outside.browser import Answer, Browser

SERVICES = ("auth", "orders", "mailer", "warranty")
STARTS = (
    "/", "/no-such-page", "/products/none", "/orders/none", "/orders/none?t=none", "/verify?t=none", "/account",
    "/desk", "/newsletter/unsubscribe?t=none", "/newsletter/confirm?t=none", "/warranty", "/checkout", "/cart",
    "/.well-known/change-password", "/.well-known/jwks.json", "/api/none", "/assets/none.css",
    *(f"/api/{service}/{page}" for service in SERVICES for page in ("openapi.json", "docs", "none")),
)  # fmt: skip
MOST = 250
_TARGET = re.compile(r'(?:href|src|action|poster|data)="([^"#]+)|url\(\s*["\']?([^"\')]+)', re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """One answer, and every address that it names."""

    path: str
    answer: Answer

    @property
    def is_html(self) -> bool:
        return self.answer.headers.get("Content-Type", "").startswith("text/html")

    def targets(self) -> Iterator[str]:
        """Absolute addresses; those of the page's own host begin with https://shop.invalid."""
        found = [first or second for first, second in _TARGET.findall(self.answer.text)]
        for each in [self.answer.headers.get("Location", ""), *found]:
            if each:
                yield urljoin(f"https://shop.invalid{self.path}", unescape(each).strip())


async def crawl(visitor: Browser, url: str) -> list[Page]:
    """From the starts over all links of the own host, at most MOST pages."""
    waiting, seen, pages = list(STARTS), set(STARTS), []
    own = {"shop.invalid", urlsplit(url).netloc}
    while waiting and len(pages) < MOST:
        path = waiting.pop(0)
        page = Page(path, await visitor.call("GET", path, headers={"Accept": "text/html"}))
        pages.append(page)
        for target in page.targets():
            at = urlsplit(target)
            place = at.path + (f"?{at.query}" if at.query else "")
            if at.scheme == "https" and at.netloc in own and place not in seen:
                seen.add(place)
                waiting.append(place)
    return pages
