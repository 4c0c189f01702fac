"""The words of an archive's page. What has none here is shown by its name in the JSON."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One language's."""

    language: str
    title: str
    gathered: str
    machines: str
    nothing: str
    yes: str
    no: str
    services: Mapping[str, str]
    sections: Mapping[str, str]
    fields: Mapping[str, str]


_SERVICES = ("auth", "orders", "mailer", "warranty")
_SECTIONS = (
    "profile", "sessions", "remembered-browsers", "second-factors", "trail", "orders", "subscription", "months",
    "newsletters", "service-mails", "purchases",
)  # fmt: skip
_FIELDS = (
    "name", "email", "language", "created_at", "verified_at", "device", "seen_at", "status", "currency", "lines",
    "contact", "shipping", "card", "card_expiry", "total_minor", "shipping_minor", "unit_price_minor", "quantity",
    "line1", "line2", "city", "region", "postcode", "country", "newsletter", "topics", "consent", "source", "wording",
    "requested_at", "confirmed_at", "changed_at", "month", "newsletters", "state", "purchased_at", "covered_until",
    "warranty_months", "months", "order_number", "number", "what", "at", "details", "roles", "updated_at", "settled_at",
    "expires_at", "used_at", "about", "result", "campaign", "reason", "former_emails",
)  # fmt: skip


def _named(names: tuple[str, ...], *texts: str) -> dict[str, str]:
    return dict(zip(names, texts, strict=True))


_EN = Words(
    language="en",
    title="Your data at {shop}",
    gathered="Gathered on",
    machines="The same for machines: data.json has everything, and each service has a file of its own. "
    "Amounts are in the smallest unit of their currency.",
    nothing="Nothing is kept here.",
    yes="yes",
    no="no",
    services=_named(_SERVICES, "Account", "Orders", "Mails", "Warranty"),
    sections=_named(
        _SECTIONS, "Profile", "Where you are logged in", "Remembered browsers", "Second factors",
        "What happened to your account", "Orders", "Newsletter subscription", "Newsletters by month",
        "Newsletters sent", "Mails about your account and orders", "Watches bought",
    ),
    fields=_named(
        _FIELDS, "name", "e-mail", "language", "since", "address proven", "device", "last seen", "status", "currency",
        "items", "buyer", "delivered to", "card", "card valid until", "total", "shipping", "price each", "quantity",
        "line 1", "line 2", "city", "region", "postcode", "country", "newsletter wanted", "topics", "consent",
        "asked for at", "wording", "asked for", "confirmed", "changed", "month", "newsletters", "state", "bought",
        "covered until", "months of warranty", "months", "order", "number", "what", "when", "details", "roles",
        "updated", "settled", "expires", "used", "about", "result", "issue", "reason",
        "former e-mail addresses",
    ),
)  # fmt: skip
_DE = Words(
    language="de",
    title="Ihre Daten bei {shop}",
    gathered="Zusammengestellt am",
    machines="Dasselbe für Maschinen: data.json enthält alles, und jeder Dienst hat eine eigene Datei. "
    "Beträge stehen in der kleinsten Einheit ihrer Währung.",
    nothing="Hier ist nichts gespeichert.",
    yes="ja",
    no="nein",
    services=_named(_SERVICES, "Konto", "Bestellungen", "E-Mails", "Garantie"),
    sections=_named(
        _SECTIONS, "Profil", "Wo Sie angemeldet sind", "Gemerkte Browser", "Zweite Faktoren",
        "Was mit Ihrem Konto geschah", "Bestellungen", "Newsletter-Abonnement", "Newsletter je Monat",
        "Gesendete Newsletter", "E-Mails zu Konto und Bestellungen", "Gekaufte Uhren",
    ),
    fields=_named(
        _FIELDS, "Name", "E-Mail", "Sprache", "seit", "Adresse bestätigt", "Gerät", "zuletzt gesehen", "Status",
        "Währung", "Artikel", "Käufer", "geliefert an", "Karte", "Karte gültig bis", "Summe", "Versand", "Einzelpreis",
        "Menge", "Zeile 1", "Zeile 2", "Ort", "Region", "Postleitzahl", "Land", "Newsletter gewünscht", "Themen",
        "Einwilligung", "gefragt bei", "Wortlaut", "angefragt", "bestätigt", "geändert", "Monat", "Newsletter",
        "Zustand", "gekauft", "Garantie bis", "Monate Garantie", "Monate", "Bestellung", "Nummer", "was", "wann",
        "Einzelheiten", "Rollen", "aktualisiert", "abgeschlossen", "läuft ab", "benutzt", "worüber", "Ergebnis",
        "Ausgabe", "Grund",
        "frühere E-Mail-Adressen",
    ),
)  # fmt: skip
_JA = Words(
    language="ja",
    title="{shop} が保存しているお客様のデータ",
    gathered="作成日時",
    machines="機械で読める形式:data.json にすべてが、サービスごとのファイルにその一部が入っています。"
    "金額は各通貨の最小単位です。",
    nothing="保存されているものはありません。",
    yes="はい",
    no="いいえ",
    services=_named(_SERVICES, "アカウント", "注文", "メール", "保証"),
    sections=_named(
        _SECTIONS, "プロフィール", "ログイン中の端末", "記憶されたブラウザ", "二段階認証", "アカウントの履歴", "注文",
        "ニュースレターの購読", "月ごとのニュースレター", "送信したニュースレター", "アカウントと注文に関するメール",
        "購入した時計",
    ),
    fields=_named(
        _FIELDS, "名前", "メールアドレス", "言語", "作成", "アドレス確認", "端末", "最終利用", "状態", "通貨", "商品",
        "購入者", "配送先", "カード", "カード有効期限", "合計", "送料", "単価", "数量", "住所1", "住所2", "市区町村",
        "都道府県", "郵便番号", "国", "ニュースレター希望", "テーマ", "同意", "申込元", "文面", "申込", "確認", "変更",
        "月", "ニュースレター", "状態", "購入日", "保証期限", "保証月数", "月数", "注文番号", "番号", "内容", "日時",
        "詳細", "役割", "更新", "完了", "期限", "使用", "用件", "結果", "号", "理由",
        "以前のメールアドレス",
    ),
)  # fmt: skip
WORDS: Mapping[str, Words] = {each.language: each for each in (_EN, _DE, _JA)}
