"""The words of an archive's page. What has none here is shown by its name in the JSON.

What happened to an account is called as on the page of one's activity (`services.auth.pages.words`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.auth.mydata.orderwords import CODES, FIELDS


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
    codes: Mapping[str, Mapping[str, str]]
    """By the field that holds them."""

    @property
    def happened(self) -> Mapping[str, str]:
        """Entries of the trail, by code."""
        from services.auth.pages.words import words_of  # not above: the pages import what is beside this

        happened: Mapping[str, str] = words_of(self.language)["happened"]
        return happened

    def device(self, label: str) -> str:
        """A label such as "Firefox on Linux"."""
        from services.auth.pages.explain import device_text  # as above
        from services.auth.pages.words import words_of

        return device_text(words_of(self.language), label)


_SERVICES = ("auth", "orders", "mailer", "warranty")
_SECTIONS = (
    "profile", "sessions", "remembered-browsers", "second-factors", "trail", "orders", "subscription", "months",
    "newsletters", "service-mails", "purchases", "claims", "photos",
)  # fmt: skip
_FIELDS = (
    "name", "email", "language", "created_at", "verified_at", "device", "seen_at", "status", "currency", "lines",
    "contact", "shipping", "card", "card_expiry", "total_minor", "shipping_minor", "unit_price_minor", "quantity",
    "line1", "line2", "city", "region", "postcode", "country", "newsletter", "topics", "consent", "source", "wording",
    "requested_at", "confirmed_at", "changed_at", "month", "newsletters", "state", "purchased_at", "covered_until",
    "warranty_months", "months", "order_number", "number", "what", "at", "details", "roles", "updated_at", "settled_at",
    "expires_at", "used_at", "about", "result", "campaign", "reason", "former_emails", "account_id",
    "password_given_at", "remembered", "ended_at", "kind", "left", "count", "staff", "access", "service", "subject",
    "found", "export", "erasure", "how", "by", "which", "asked_at", "sku", "purchase_id", "rule",
    "paused_until", "fewer", "claim", "address", "jpeg", "follow_ups", "due_at", "returned",
)  # fmt: skip
_LANGUAGES = ("en", "ja", "de")
_ROLES = ("customer", "support", "marketing", "fraud", "officer", "admin")
_KINDS = ("passkey", "authenticator", "recovery-codes")
_HOW = ("password", "passkey")
_BY = ("link", "code", "reset", "staff-command")
_WHICH = ("others", "all")
_SEEN = ("account", "order-contact", "claim")
_STATES = (
    "charging", "paid", "declined", "failed", "pending", "confirmed", "unsubscribed", "queued", "claimed", "dot",
    "unknown", "accepted", "refused", "expired", "alarm",
)  # fmt: skip
_RETURNED = ("hard", "soft", "complaint")
_TOPICS = ("offers", "competitions", "new-products")
_SOURCES = ("api", "page", "checkout")
_ABOUT = (
    "confirm", "receipt", "verify", "already-registered", "reset", "new-device", "remember-theft", "password-changed",
    "email-confirm", "email-approve", "email-changed", "second-factor-changed", "data-ready", "erased",
)  # fmt: skip


def _named(names: tuple[str, ...], *texts: str) -> dict[str, str]:
    return dict(zip(names, texts, strict=True))


def _coded(states: Mapping[str, str], **others: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    return {"status": states, "state": states, "result": states, **others}


_EN = Words(
    language="en",
    title="Your data at {shop}",
    gathered="Gathered on",
    machines="The same for machines: data.json has everything, and each service has a file of its own. "
    "Amounts are there in the smallest unit of their currency, times in UTC.",
    nothing="Nothing is kept here.",
    yes="yes",
    no="no",
    services=_named(_SERVICES, "Account", "Orders", "Mails", "Warranty"),
    sections=_named(
        _SECTIONS, "Profile", "Where you are logged in", "Remembered browsers", "Second factors",
        "What happened to your account", "Orders", "Newsletter subscription", "Newsletters by month",
        "Newsletters sent", "Mails about your account and orders", "Watches bought", "Claims", "Photos of your claims",
    ),
    fields=_named(
        _FIELDS, "name", "e-mail", "language", "since", "address proven", "device", "last seen", "status", "currency",
        "items", "buyer", "delivered to", "card", "card valid until", "total", "shipping", "price each", "quantity",
        "line 1", "line 2", "city", "region", "postcode", "country", "newsletter wanted", "topics", "consent",
        "asked for at", "wording", "asked for", "confirmed", "changed", "month", "newsletters", "state", "bought",
        "covered until", "months of warranty", "months", "order", "number", "what", "when", "details", "roles",
        "updated", "settled", "expires", "used", "about", "result", "issue", "reason",
        "former e-mail addresses", "account number", "password given", "remembered", "ended", "kind", "left",
        "how many", "member of staff", "look", "part of the shop", "about which", "account found", "copy", "erasure",
        "how", "by", "which ones", "asked for", "article", "purchase", "rule",
        "paused until", "at most one a month", "claim", "where it is", "photo", "after a purchase", "due", "came back",
    ),
    codes=_coded(
        _named(
            _STATES, "being charged", "paid", "declined", "failed, nothing was charged", "not confirmed yet",
            "confirmed", "unsubscribed", "waits", "being sent", "being sent", "perhaps delivered", "delivered",
            "refused by the mail server", "too late, not sent", "not sent, being looked into",
        ),
        language=_named(_LANGUAGES, "English", "Japanese", "German"),
        roles=_named(
            _ROLES, "customer", "customer service", "marketing", "fraud prevention", "data protection officer",
            "administration",
        ),
        kind=_named(_KINDS, "passkey", "authenticator", "recovery codes"),
        how=_named(_HOW, "with the password", "with a passkey"),
        by=_named(_BY, "mailed link", "mailed code", "new password", "the shop's administration"),
        which=_named(_WHICH, "all others", "all"),
        seen=_named(_SEEN, "the account", "buyer and address of an order", "your claim"),
        returned=_named(_RETURNED, "nobody is there", "did not arrive", "reported as spam"),
        topics=_named(_TOPICS, "special offers", "competitions", "new products"),
        source=_named(_SOURCES, "a program", "the newsletter's page", "checkout"),
        about=_named(
            _ABOUT, "confirm the newsletter", "receipt", "confirm the address", "account exists already",
            "new password", "log-in from a new browser", "copied log-in cookie", "password changed",
            "confirm the new address", "agree to the new address", "address changed", "second factor changed",
            "copy of the data is ready", "account erased",
        ),
    ),
)  # fmt: skip
_DE = Words(
    language="de",
    title="Ihre Daten bei {shop}",
    gathered="Zusammengestellt am",
    machines="Dasselbe für Maschinen: data.json enthält alles, und jeder Dienst hat eine eigene Datei. "
    "Beträge stehen dort in der kleinsten Einheit ihrer Währung, Zeiten in UTC.",
    nothing="Hier ist nichts gespeichert.",
    yes="ja",
    no="nein",
    services=_named(_SERVICES, "Konto", "Bestellungen", "E-Mails", "Garantie"),
    sections=_named(
        _SECTIONS, "Profil", "Wo Sie angemeldet sind", "Gemerkte Browser", "Zweite Faktoren",
        "Was mit Ihrem Konto geschah", "Bestellungen", "Newsletter-Abonnement", "Newsletter je Monat",
        "Gesendete Newsletter", "E-Mails zu Konto und Bestellungen", "Gekaufte Uhren", "Reklamationen",
        "Fotos zu Ihren Reklamationen",
    ),
    fields=_named(
        _FIELDS, "Name", "E-Mail", "Sprache", "seit", "Adresse bestätigt", "Gerät", "zuletzt gesehen", "Status",
        "Währung", "Artikel", "Käufer", "geliefert an", "Karte", "Karte gültig bis", "Summe", "Versand", "Einzelpreis",
        "Menge", "Zeile 1", "Zeile 2", "Ort", "Region", "Postleitzahl", "Land", "Newsletter gewünscht", "Themen",
        "Einwilligung", "gefragt bei", "Wortlaut", "angefragt", "bestätigt", "geändert", "Monat", "Newsletter",
        "Zustand", "gekauft", "Garantie bis", "Monate Garantie", "Monate", "Bestellung", "Nummer", "was", "wann",
        "Einzelheiten", "Rollen", "aktualisiert", "abgeschlossen", "läuft ab", "benutzt", "worüber", "Ergebnis",
        "Ausgabe", "Grund",
        "frühere E-Mail-Adressen", "Kontonummer", "Passwort angegeben", "bleibt angemeldet", "beendet", "Art",
        "übrig", "wie oft", "Mitglied des Personals", "Einsicht", "Teil des Ladens", "wozu", "gefundenes Konto",
        "Kopie", "Löschung", "wie", "durch", "welche", "angefordert", "Artikelnummer", "Kauf", "Regel",
        "Pause bis", "höchstens einer im Monat", "Reklamation", "wo es ist", "Foto", "nach einem Kauf", "fällig",
        "kam zurück",
    ),
    codes=_coded(
        _named(
            _STATES, "wird abgebucht", "bezahlt", "abgelehnt", "gescheitert, nichts wurde abgebucht",
            "noch nicht bestätigt", "bestätigt", "abbestellt", "wartet", "wird gesendet", "wird gesendet",
            "vielleicht zugestellt", "zugestellt", "vom Mailserver abgelehnt", "zu spät, nicht gesendet",
            "nicht gesendet, wird geprüft",
        ),
        language=_named(_LANGUAGES, "Englisch", "Japanisch", "Deutsch"),
        roles=_named(
            _ROLES, "Kundschaft", "Kundendienst", "Marketing", "Betrugsabwehr", "Datenschutzstelle", "Verwaltung"
        ),
        kind=_named(_KINDS, "Passkey", "Authenticator", "Wiederherstellungscodes"),
        how=_named(_HOW, "mit dem Passwort", "mit einem Passkey"),
        by=_named(_BY, "Link aus der Mail", "Code aus der Mail", "neues Passwort", "die Verwaltung des Ladens"),
        which=_named(_WHICH, "alle anderen", "alle"),
        seen=_named(_SEEN, "das Konto", "Käufer und Adresse einer Bestellung", "Ihre Reklamation"),
        returned=_named(_RETURNED, "niemand ist dort", "kam nicht an", "als Spam gemeldet"),
        topics=_named(_TOPICS, "Sonderangebote", "Gewinnspiele", "neue Produkte"),
        source=_named(_SOURCES, "ein Programm", "Seite des Newsletters", "Bestellung"),
        about=_named(
            _ABOUT, "Newsletter bestätigen", "Beleg", "Adresse bestätigen", "Konto besteht schon", "neues Passwort",
            "Anmeldung in einem neuen Browser", "kopiertes Anmelde-Cookie", "Passwort geändert",
            "neue Adresse bestätigen", "der neuen Adresse zustimmen", "Adresse geändert", "zweiter Faktor geändert",
            "Kopie der Daten liegt bereit", "Konto gelöscht",
        ),
    ),
)  # fmt: skip
_JA = Words(
    language="ja",
    title="{shop} が保存しているお客様のデータ",
    gathered="作成日時",
    machines="機械で読める形式:data.json にすべてが、サービスごとのファイルにその一部が入っています。"
    "そこでの金額は各通貨の最小単位、日時はUTCです。",
    nothing="保存されているものはありません。",
    yes="はい",
    no="いいえ",
    services=_named(_SERVICES, "アカウント", "注文", "メール", "保証"),
    sections=_named(
        _SECTIONS, "プロフィール", "ログイン中の端末", "記憶済みのブラウザー", "二段階認証", "アカウントの履歴", "注文",
        "ニュースレターの購読", "月ごとのニュースレター", "送信したニュースレター", "アカウントと注文に関するメール",
        "購入した時計", "お申し出", "お申し出の写真",
    ),
    fields=_named(
        _FIELDS, "名前", "メールアドレス", "言語", "作成", "アドレス確認", "端末", "最終利用", "状態", "通貨", "商品",
        "購入者", "配送先", "カード", "カード有効期限", "合計", "送料", "単価", "数量", "住所1", "住所2", "市区町村",
        "都道府県", "郵便番号", "国", "ニュースレター希望", "テーマ", "同意", "申込元", "文面", "申込", "確認", "変更",
        "月", "ニュースレター", "状態", "購入日", "保証期限", "保証月数", "月数", "注文番号", "番号", "内容", "日時",
        "詳細", "役割", "更新", "完了", "期限", "使用", "用件", "結果", "号", "理由",
        "以前のメールアドレス", "アカウント番号", "パスワード入力", "記憶済み", "終了", "種類", "残り", "回数",
        "担当者", "閲覧番号", "部門", "対象", "見つかったアカウント", "データの写し", "消去", "方法", "手段", "範囲",
        "請求", "商品番号", "購入番号", "規則", "停止期限", "月に一通まで", "お申し出", "場所", "写真", "購入後の配信",
        "予定日時", "返送",
    ),
    codes=_coded(
        _named(
            _STATES, "決済中", "支払い済み", "カード会社による拒否", "失敗(請求なし)", "未確認", "確認済み", "購読停止",
            "送信待ち", "送信中", "送信中", "配信されたか不明", "配信済み", "メールサーバーによる拒否",
            "期限切れ(未送信)", "未送信(調査中)",
        ),
        language=_named(_LANGUAGES, "英語", "日本語", "ドイツ語"),
        roles=_named(_ROLES, "お客様", "お客様係", "広報", "不正対策", "個人情報保護担当", "管理者"),
        kind=_named(_KINDS, "パスキー", "認証アプリ", "回復コード"),
        how=_named(_HOW, "パスワード", "パスキー"),
        by=_named(_BY, "メールのリンク", "メールのコード", "新しいパスワード", "当店の管理者"),
        which=_named(_WHICH, "ほかのすべて", "すべて"),
        seen=_named(_SEEN, "アカウント", "ご注文の購入者とお届け先", "お申し出"),
        returned=_named(_RETURNED, "宛先不明", "不着", "迷惑メールとして報告"),
        topics=_named(_TOPICS, "特別セール", "プレゼント企画", "新商品"),
        source=_named(_SOURCES, "プログラム", "ニュースレターのページ", "ご注文"),
        about=_named(
            _ABOUT, "ニュースレターの確認", "領収書", "アドレスの確認", "登録済みのアカウント", "新しいパスワード",
            "新しいブラウザーからのログイン", "複製されたログイン用Cookie", "パスワードの変更", "新しいアドレスの確認",
            "新しいアドレスの承認", "アドレスの変更", "二段階認証の変更", "データの写しの準備完了", "アカウントの消去",
        ),
    ),
)  # fmt: skip


def _with_orders(words: Words) -> Words:
    codes = {name: {**words.codes.get(name, {}), **texts} for name, texts in CODES[words.language].items()}
    return replace(words, fields={**words.fields, **FIELDS[words.language]}, codes={**words.codes, **codes})


WORDS: Mapping[str, Words] = {each.language: _with_orders(each) for each in (_EN, _DE, _JA)}
