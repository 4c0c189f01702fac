"""A watch goes to another owner through the gateway, with its cover and without its former owner's things."""

import pytest

from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.journey.conftest import PASSWORD
from tests.journey.test_claims import Address, bought

pytestmark = pytest.mark.together


async def test_a_watch_is_handed_on_and_its_new_owner_claims_a_repair(
    shop: Shop, ann: Browser, address: Address
) -> None:
    placed = await bought(ann, address("ann"))
    [item] = await eventually(lambda: ann.all("/api/warranty/purchases"), bool)
    offer = (await ann.call("POST", f"/api/warranty/purchases/{item['id']}/transfer", expect=201)).json
    body = {"code": offer["code"], "contact": {"name": "Bob Example", "email": address("bob")}}

    async with shop.browser() as bob:
        await shop.register(bob, address("bob"), "Bob Example", PASSWORD)
        await shop.log_in(bob, address("bob"), PASSWORD)
        taken = (await bob.call("POST", "/api/warranty/transfers", body, expect=200)).json
        again = await bob.call("POST", "/api/warranty/transfers", body)
        wish = {"purchase_id": item["id"], "problem": "other", "wanted": "repair", "words": "It stopped."}
        refund = await bob.call("POST", "/api/warranty/claims", wish | {"wanted": "refund"})
        claim = await bob.call("POST", "/api/warranty/claims", wish, expect=201)
        mail = await shop.mailbox.wait(address("bob"), "has arrived")

    assert (taken["covered_until"], taken["order_number"], taken["price_minor"]) == (item["covered_until"], "", 0)
    assert (again.status, refund.status) == (200, 409)
    assert claim.json["number"] in mail.subject
    assert placed["number"] not in claim.text
    assert await ann.all("/api/warranty/purchases") == []
    assert (await ann.call("POST", "/api/warranty/transfers", body)).status == 404
