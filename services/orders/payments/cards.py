"""The sandbox's test numbers. Each passes the check digit; every other number that does is paid as well.

| number | what happens |
| --- | --- |
| 4242 4242 4242 4242 (Visa), 5555 5555 5555 4444 (Mastercard), 3782 822463 10005 (American Express) | paid |
| 4000 0000 0000 0002 | declined |
| 4000 0000 0000 9995 | declined: insufficient funds |
| 4000 0000 0000 3220 | the bank wants to see the buyer (3-D Secure): its page asks to approve or refuse |
| 4000 0000 0000 0119 | never answers, and charges nothing |
| 4000 0000 0000 0259 | charges, but answers only after the caller has given up |
| 4000 0000 0000 0341 | hears of the charge only after the caller has given up, and would charge then |
"""

from enum import Enum


class Behaviour(Enum):
    """What the sandbox does with a card."""

    PAY = "pay"
    DECLINE = "card-declined"
    NO_FUNDS = "insufficient-funds"
    ASK_BANK = "ask-bank"
    SILENT = "silent"
    ANSWER_LATE = "answer-late"
    CHARGE_LATE = "charge-late"


TEST_NUMBERS = {
    "4000000000000002": Behaviour.DECLINE,
    "4000000000009995": Behaviour.NO_FUNDS,
    "4000000000003220": Behaviour.ASK_BANK,
    "4000000000000119": Behaviour.SILENT,
    "4000000000000259": Behaviour.ANSWER_LATE,
    "4000000000000341": Behaviour.CHARGE_LATE,
}
