"""Which fault comes when: equal seeds make equal schedules."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

LEASE_S = 15.0
"""How long a lease of ours lasts (`shared.leases`)."""
PAST_A_LEASE_S = LEASE_S + 3
SERVICES = ("orders", "warranty", "mailer", "auth")
VICTIMS = {
    "pause": (*SERVICES, "rabbitmq", "mongod", "mailbox", "gateway"),
    "full": ("rabbitmq", "mongod"),
    "slow": ("orders", "warranty", "mailer"),
    "clock": ("orders", "warranty", "mailer"),
    "again": ("every queue",),
}
"""Who may be hit, by the kind of fault."""
OFFSETS_S = (-72_000, -90, 90, 72_000)
"""Clocks are wrong by a minute and a half, or by twenty hours."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, which begins before the purchase `before`. `amount`: seconds that a clock is wrong by."""

    before: int
    kind: str
    victim: str
    lasts_s: float
    amount: float = 0

    def __str__(self) -> str:
        by = f" by {self.amount:+.0f} s" if self.amount else ""
        return f"before purchase {self.before}: {self.kind} {self.victim}{by} for {self.lasts_s:.1f} s"


def schedule(kinds: Sequence[str], *, seed: int, purchases: int, faults: int) -> list[Fault]:
    """So many faults of these kinds, in the order of the purchases. The first pause outlasts a lease of a service."""
    dice = random.Random(f"{seed} {' '.join(kinds)}")
    moments = sorted(dice.sample(range(1, purchases), faults))
    made = [_fault(dice, before, kinds[number % len(kinds)]) for number, before in enumerate(moments)]
    for number, each in enumerate(made):
        if each.kind == "pause":
            made[number] = Fault(each.before, "pause", dice.choice(SERVICES[:3]), PAST_A_LEASE_S)
            break
    return made


def _fault(dice: random.Random, before: int, kind: str) -> Fault:
    amount = dice.choice(OFFSETS_S) if kind == "clock" else 0
    return Fault(before, kind, dice.choice(VICTIMS[kind]), dice.uniform(1, 5), amount)
