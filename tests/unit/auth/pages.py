"""Pages as a browser without scripts uses them."""

from tests.unit.auth.doubles import Browser

HTML = {"Accept": "text/html"}


async def get(browser: Browser, path: str, **headers: str) -> tuple[int, str]:
    """Status and text of a page."""
    answer = await browser.send("GET", path, headers=HTML | headers)
    return answer.status, await answer.text()


async def post(
    browser: Browser, path: str, /, headers: dict[str, str] | None = None, **form: str
) -> tuple[int, str, str]:
    """Status of a posted form's answer, where it leads, and its text."""
    answer = await browser.send("POST", path, data=form, headers=HTML | (headers or {}))
    return answer.status, answer.headers.get("Location", ""), await answer.text()
