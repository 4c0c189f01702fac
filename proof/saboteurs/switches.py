"""Each switch, and the checks that must fail while it is on."""

from proof.saboteurs.first import FIRST
from proof.saboteurs.second import SECOND

SWITCHES = (*FIRST, *SECOND)

SHORT = (
    "sends_an_issue_twice", "sends_four_issues", "offers_128_bits", "logs_whole_addresses", "any_identity_is_believed",
)  # fmt: skip
"""Some that take seconds, of the mails, the gateway, the logs and the services: what every run of the tests breaks."""
