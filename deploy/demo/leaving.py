"""The last chapter: a copy of everything, then its end in all four services, with a receipt."""

from typing import Any

from deploy.demo.play import Play
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually

SERVICES = ("auth", "orders", "mailer", "warranty")


async def play_leaving(play: Play, ann: Browser, password: str) -> None:
    """Ann asks for a copy of her data, then erases her account."""
    play.tell.chapter("Ann takes a copy of her data with her, and leaves")
    await play.shop.log_in(ann, play.address("ann"), password)
    await _copy(play, ann)
    asked = await ann.call("DELETE", "/api/auth/me", expect=202)
    receipt = await _receipt(play, ann, asked.json["receipt"]["token"])
    play.tell.table([("service", "erased", "kept, and why"), *(_row(each, receipt) for each in SERVICES)])
    login = await ann.call("POST", "/api/auth/session", {"email": play.address("ann"), "password": password})
    play.tell.check("her password opens nothing any more", login.status == 401)


async def _copy(play: Play, ann: Browser) -> None:
    asked = await ann.call("POST", "/api/auth/me/export", expect=202)
    path = f"/api/auth/me/exports/{asked.json['id']}"
    shown = await eventually(
        lambda: ann.call("GET", path, expect=200), lambda seen: seen.json["status"] != "collecting"
    )
    answered = [service for service, state in shown.json["services"].items() if state == "complete"]
    play.tell.check(f"the copy holds what {', '.join(answered)} know", set(answered) == set(SERVICES))


async def _receipt(play: Play, ann: Browser, token: str) -> dict[str, Any]:
    path, body = "/api/auth/erasures/receipt", {"token": token}
    shown = await eventually(
        lambda: ann.call("POST", path, body, expect=200), lambda seen: seen.json["status"] == "complete"
    )
    play.tell.check("the receipt is complete: all four have erased her", set(shown.json["services"]) == set(SERVICES))
    receipt: dict[str, Any] = shown.json["services"]
    return receipt


def _row(service: str, receipt: dict[str, Any]) -> tuple[str, str, str]:
    answer = receipt[service]
    erased = ", ".join(f"{row['count']} {row['what']}" for row in answer["erased"] if row["count"])
    kept = ", ".join(f"{row['count']} {row['what']} ({row['why']})" for row in answer["kept"] if row["count"])
    return service, erased or "nothing", kept or "nothing"
