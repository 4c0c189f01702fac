"""The words of an archive's page for what becomes of an order; the others are in `words`."""

from collections.abc import Mapping

_FIELDS = (
    "timeline", "shipment", "refunds", "refunded_minor", "amount_minor", "can_cancel", "replaces", "withdrawal", "note",
    "carrier", "tracking", "serials", "serial", "declared_at", "cancelled_at", "order_refunded_minor",
)  # fmt: skip
_STATUSES = (
    "needs_action", "in_review", "in_preparation", "shipped", "delivered", "returned", "cancelled", "refunded", "done",
)  # fmt: skip
_BY = ("buyer", "shop")
_ABOUT = (
    "shipped", "cancelled", "cancelled-unpaid", "refunded", "withdrawal", "withdrawal-unshipped", "order-links",
)  # fmt: skip
_SOURCES = ("cancellation", "desk", "withdrawal", "claim")


def _named(names: tuple[str, ...], *texts: str) -> dict[str, str]:
    return dict(zip(names, texts, strict=True))


FIELDS: Mapping[str, Mapping[str, str]] = {
    "en": _named(
        _FIELDS, "what has happened", "parcel", "refunds", "paid back", "amount", "can be cancelled", "stands in for",
        "withdrawal", "note", "carrier", "tracking number", "serial numbers", "serial number", "declared", "cancelled",
        "paid back of the order",
    ),
    "ja": _named(
        _FIELDS, "これまでの経過", "お荷物", "ご返金", "返金額", "金額", "キャンセルできるか", "交換元のご注文",
        "契約の撤回", "備考", "配送会社", "お問い合わせ番号", "シリアル番号", "シリアル番号", "撤回の申し出",
        "キャンセル日時", "ご注文全体の返金額",
    ),
    "de": _named(
        _FIELDS, "was geschehen ist", "Paket", "Erstattungen", "erstattet", "Betrag", "kann storniert werden",
        "ersetzt", "Widerruf", "Vermerk", "Zusteller", "Sendungsnummer", "Seriennummern", "Seriennummer", "erklärt",
        "storniert", "von der Bestellung erstattet",
    ),
}  # fmt: skip
_STATUS: Mapping[str, Mapping[str, str]] = {
    "en": _named(
        _STATUSES, "the bank asks the buyer", "being looked at", "in preparation", "shipped", "delivered", "returned",
        "cancelled", "refunded", "done",
    ),
    "ja": _named(
        _STATUSES, "本人認証待ち", "確認中", "発送準備中", "発送済み", "お届け済み", "返品済み", "キャンセル済み",
        "返金済み", "完了",
    ),
    "de": _named(
        _STATUSES, "die Bank fragt den Käufer", "wird angesehen", "in Vorbereitung", "verschickt", "zugestellt",
        "zurückgekommen", "storniert", "erstattet", "erledigt",
    ),
}  # fmt: skip
CODES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "en": {
        "status": _STATUS["en"],
        "state": _STATUS["en"],
        "about": _named(
            _ABOUT, "order shipped", "order cancelled", "order cancelled, nothing was charged", "refund", "withdrawal",
            "withdrawal before shipping", "links of orders",
        ),
        "by": _named(_BY, "buyer", "the shop by itself"),
        "source": _named(_SOURCES, "cancellation", "the shop's refund", "withdrawal", "warranty"),
    },
    "ja": {
        "status": _STATUS["ja"],
        "state": _STATUS["ja"],
        "about": _named(
            _ABOUT, "ご注文の発送", "ご注文のキャンセル", "ご注文のキャンセル (請求なし)", "ご返金",
            "契約の撤回", "発送前の契約の撤回", "ご注文のリンク",
        ),
        "by": _named(_BY, "ご購入者", "自動処理"),
        "source": _named(_SOURCES, "キャンセル", "当店からの返金", "契約の撤回", "保証"),
    },
    "de": {
        "status": _STATUS["de"],
        "state": _STATUS["de"],
        "about": _named(
            _ABOUT, "Bestellung verschickt", "Bestellung storniert", "Bestellung storniert, nichts abgebucht",
            "Erstattung", "Widerruf", "Widerruf vor dem Versand", "Links der Bestellungen",
        ),
        "by": _named(_BY, "Käufer", "von selbst"),
        "source": _named(_SOURCES, "Stornierung", "Erstattung des Ladens", "Widerruf", "Garantie"),
    },
}  # fmt: skip
