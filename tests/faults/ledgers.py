"""What is always true of purchases, ledger by ledger; where two differ, both are shown."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from deploy.commands import run_command
from deploy.outside.browser import Browser
from deploy.outside.patience import PATIENCE_S, eventually
from deploy.outside.shop import Shop
from shared.topology import SERVICES

Ledger = Counter[str]
MOST_RECEIPTS = 2


class Violation(AssertionError):
    """Two ledgers that should agree do not. Its text has all that is needed to see it again."""


async def compare(
    shop: Shop, buyer: Browser, support: Browser, placed: Mapping[str, str], email: str, *, told: Sequence[str] = ()
) -> None:
    """What was bought, beside charges, orders, purchase records and receipts, once all that is on its way is there.

    `placed` are the numbers of the orders by id, as the buyer was told; `told` is how it came to this: seed, history.

    Raises:
        Violation: two ledgers differ.
    """
    try:
        await _compare(shop, buyer, support, placed, email)
    except Violation as violation:
        raise Violation("\n".join([str(violation), "history:", *told])) from violation


async def _compare(shop: Shop, buyer: Browser, support: Browser, placed: Mapping[str, str], email: str) -> None:
    by_number = {number: order_id for order_id, number in placed.items()}

    async def charges() -> Ledger:
        rows = await support.all("/api/orders/payments/sandbox/charges")
        return Counter(row["order_id"] for row in rows if row["outcome"] == "paid" and row["order_id"] in placed)

    async def orders() -> Ledger:
        return Counter(str(row["id"]) for row in await buyer.all("/api/orders"))

    async def records() -> Ledger:
        rows = await buyer.all("/api/warranty/purchases")
        return Counter(by_number.get(row["order_number"], row["order_number"]) for row in rows)

    async def receipts() -> Ledger:
        mails = [mail for mail in shop.mailbox.to(email) if any(number in mail.subject for number in by_number)]
        return Counter(order for mail in mails for number, order in by_number.items() if number in mail.subject)

    bought = Counter(placed.keys())
    for name, read in (("charges", charges), ("orders", orders), ("purchase records", records)):
        await _agree(name, read, bought, exactly=True)
    await _agree("receipts", receipts, bought, exactly=False)
    await _same_message(shop, email, by_number)
    try:
        await nothing_is_left_over(support)
    except (AssertionError, RuntimeError, TimeoutError) as error:
        raise Violation(f"something is left over: {error}") from error


async def _agree(name: str, read: Callable[[], Awaitable[Ledger]], bought: Ledger, *, exactly: bool) -> None:
    def is_so(found: Ledger) -> bool:
        return found == bought if exactly else found.keys() == bought.keys() and max(found.values()) <= MOST_RECEIPTS

    try:
        await eventually(read, is_so, patience_s=PATIENCE_S * 2)
    except TimeoutError:
        found = await read()
        raise Violation(f"what was bought and {name} differ:\n{shown(bought, found, name)}") from None


def shown(bought: Ledger, found: Ledger, name: str) -> str:
    """The two ledgers, line by line, where they differ."""
    differing = [each for each in sorted(bought | found) if bought[each] != found[each]]
    return "\n".join(f"  {each}: bought {bought[each]}, {name} {found[each]}" for each in differing)


async def _same_message(shop: Shop, email: str, numbers: Mapping[str, str]) -> None:
    """A second receipt is the first one again."""
    for number in numbers:
        sent = {mail.message_id for mail in shop.mailbox.to(email) if number in mail.subject}
        if len(sent) != 1:
            raise Violation(f"receipts of {number} with the Message-IDs {sorted(sent)}")


async def nothing_is_left_over(support: Browser) -> None:
    """Nothing unresolved; the provider's book and ours agree in the whole shop; no dead letter."""

    async def desk() -> dict[str, int]:
        return dict((await support.call("GET", "/api/orders/desk", expect=200)).json["counts"])

    await eventually(desk, lambda counts: counts["charging"] == 0)
    await run_command("orders", "payments", "reconcile")  # ends with 1 where there is any difference
    for service in SERVICES:
        assert await run_command(service, "dead", "list") == "", service
