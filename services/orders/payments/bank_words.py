"""The words of the sandbox's bank in the shop's three languages."""

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {"bank": "Sandbox Bank", "asks": "Do you approve this payment?", "approve": "Approve", "refuse": "Refuse",
           "no_money": "This is a test: no money moves."},
    "ja": {"bank": "サンドボックス銀行", "asks": "このお支払いを承認しますか？", "approve": "承認する",
           "refuse": "拒否する", "no_money": "これはテストです。実際の支払いは発生しません。"},
    "de": {"bank": "Sandkasten-Bank", "asks": "Geben Sie diese Zahlung frei?", "approve": "Freigeben",
           "refuse": "Ablehnen", "no_money": "Dies ist ein Test: Es fließt kein Geld."},
}  # fmt: skip
