"""The words of the shop's pages in its three languages."""

from collections.abc import Mapping

from services.orders.life.steps import Status

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "watches": "Watches", "buy": "Buy", "sold_out": "Sold out", "few_left": "Only {count} left",
        "warranty": "{months} months of warranty", "checkout": "Checkout", "quantity": "Quantity",
        "contact": "Who buys", "name": "Name", "email": "E-mail", "shipping": "Where to", "line1": "Address",
        "line2": "Address, second line", "city": "City", "region": "Region, prefecture or state",
        "postcode": "Postcode", "country": "Country", "card": "Card", "card_number": "Card number",
        "expiry": "Good until (MM/YY)", "cvc": "Verification code", "holder": "Name on the card",
        "card_note": "The number is used for this one charge and never kept.",
        "newsletter": "Send me the newsletter. I will be asked to confirm by mail.", "optional": "optional",
        "pay": "Pay now", "shipping_costs": "Shipping", "zone_japan": "Japan", "zone_asia": "Asia",
        "zone_europe": "Europe", "zone_world": "elsewhere", "please_correct": "Please look at the marked fields.",
        "order": "Order", "total": "Total", "card_ending": "card ending {ending}", "ordered_on": "Ordered on",
        "keep_link": "Keep this page's address: it shows you your order. It is also in the mail with your receipt.",
        "look_again": "Look again", "to_the_bank": "Go on at your bank",
        "empty": "Nothing is for sale at the moment.", "back": "Back to the shop",
        "unknown_title": "Your payment is being confirmed",
        "unknown": "Your bank has not answered in time. You are charged at most once, or not at all. "
                   "Your order's page will say which within a minute.",
        "in_flight": "This purchase is already being worked on. Please wait a moment, and do not pay again.",
    },
    "ja": {
        "watches": "腕時計", "buy": "購入する", "sold_out": "完売", "few_left": "残り{count}点",
        "warranty": "保証期間 {months}か月", "checkout": "ご購入手続き", "quantity": "数量",
        "contact": "ご購入者", "name": "お名前", "email": "メールアドレス", "shipping": "お届け先", "line1": "住所",
        "line2": "建物名・部屋番号", "city": "市区町村", "region": "都道府県",
        "postcode": "郵便番号", "country": "国", "card": "カード", "card_number": "カード番号",
        "expiry": "有効期限 (MM/YY)", "cvc": "セキュリティコード", "holder": "カード名義",
        "card_note": "番号は今回のお支払いにのみ使用し、保存いたしません。",
        "newsletter": "ニュースレターを希望する(確認メールをお送りします)", "optional": "任意",
        "pay": "支払う", "shipping_costs": "送料", "zone_japan": "日本", "zone_asia": "アジア",
        "zone_europe": "ヨーロッパ", "zone_world": "その他", "please_correct": "印のついた項目をご確認ください。",
        "order": "ご注文", "total": "合計", "card_ending": "末尾 {ending} のカード", "ordered_on": "ご注文日",
        "keep_link": "このページのアドレスを保存してください。ご注文内容を確認できます。領収メールにも記載しています。",
        "look_again": "再表示", "to_the_bank": "本人認証へ進む",
        "empty": "現在販売中の商品はありません。", "back": "ショップへ戻る",
        "unknown_title": "お支払いを確認しています",
        "unknown": "銀行からの応答がまだありません。二重に請求されることはありません。"
                   "結果は一分以内にご注文ページに表示されます。",
        "in_flight": "このご購入は処理中です。しばらくお待ちください。再度のお支払いは不要です。",
    },
    "de": {
        "watches": "Uhren", "buy": "Kaufen", "sold_out": "Ausverkauft", "few_left": "Nur noch {count} da",
        "warranty": "{months} Monate Garantie", "checkout": "Kasse", "quantity": "Anzahl",
        "contact": "Wer kauft", "name": "Name", "email": "E-Mail", "shipping": "Wohin", "line1": "Adresse",
        "line2": "Adresse, zweite Zeile", "city": "Ort", "region": "Region oder Bundesland",
        "postcode": "Postleitzahl", "country": "Land", "card": "Karte", "card_number": "Kartennummer",
        "expiry": "Gültig bis (MM/JJ)", "cvc": "Prüfziffer", "holder": "Name auf der Karte",
        "card_note": "Die Nummer dient nur dieser einen Zahlung und wird nie gespeichert.",
        "newsletter": "Schickt mir den Newsletter. Ich bestätige das per E-Mail.", "optional": "freiwillig",
        "pay": "Jetzt zahlungspflichtig bestellen", "shipping_costs": "Versand", "zone_japan": "Japan",
        "zone_asia": "Asien", "zone_europe": "Europa", "zone_world": "anderswo",
        "please_correct": "Bitte sehen Sie sich die markierten Felder an.",
        "order": "Bestellung", "total": "Summe", "card_ending": "Karte mit Endziffern {ending}",
        "ordered_on": "Bestellt am",
        "keep_link": "Merken Sie sich die Adresse dieser Seite: Sie zeigt Ihre Bestellung. "
                     "Sie steht auch in der Mail mit Ihrem Beleg.",
        "look_again": "Noch einmal nachsehen", "to_the_bank": "Bei Ihrer Bank fortfahren",
        "empty": "Zurzeit wird nichts verkauft.", "back": "Zurück zum Laden",
        "unknown_title": "Ihre Zahlung wird bestätigt",
        "unknown": "Ihre Bank hat nicht rechtzeitig geantwortet. Sie zahlen höchstens einmal. "
                   "Auf der Seite Ihrer Bestellung steht innerhalb einer Minute, wie es ausging.",
        "in_flight": "Dieser Kauf wird schon bearbeitet. Bitte warten Sie, und zahlen Sie nicht noch einmal.",
    },
}  # fmt: skip

STATUSES: Mapping[str, Mapping[Status, str]] = {
    "en": {
        Status.CHARGING: "The payment is being confirmed.",
        Status.NEEDS_ACTION: "Your bank wants to hear from you before the payment goes on.",
        Status.PAID: "Paid. Thank you!",
        Status.DECLINED: "The card was declined, and nothing was charged.",
        Status.FAILED: "The payment was not completed, and nothing was charged.",
    },
    "ja": {
        Status.CHARGING: "お支払いを確認しています。",
        Status.NEEDS_ACTION: "お支払いを続けるには、カード会社での本人認証が必要です。",
        Status.PAID: "お支払い済みです。ありがとうございます。",
        Status.DECLINED: "カードが承認されませんでした。請求は発生していません。",
        Status.FAILED: "お支払いは完了しませんでした。請求は発生していません。",
    },
    "de": {
        Status.CHARGING: "Die Zahlung wird bestätigt.",
        Status.NEEDS_ACTION: "Ihre Bank möchte von Ihnen hören, bevor die Zahlung weitergeht.",
        Status.PAID: "Bezahlt. Vielen Dank!",
        Status.DECLINED: "Die Karte wurde abgelehnt, es wurde nichts abgebucht.",
        Status.FAILED: "Die Zahlung kam nicht zustande, es wurde nichts abgebucht.",
    },
}
