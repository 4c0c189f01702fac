"""The ten watches that a new shop starts with. Names and stories are invented."""

from dataclasses import dataclass

from services.orders.catalogue.domain import Product
from services.orders.catalogue.store import Products

PLENTY = 100_000
"""More than any demonstration sells."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A product and the stock that it starts with."""

    product: Product
    stock: int = PLENTY


async def seed(products: Products) -> int:
    """Put those of the ten watches into the catalogue that are not there; those that are stay as staff left them."""
    for watch in WATCHES:
        await products.add(watch.product, stock=watch.stock)
    return len(WATCHES)


def _watch(
    sku: str,
    name: tuple[str, str],
    *,
    en: str,
    ja: str,
    de: str,
    prices: tuple[int, int, int, int],
    months: int = 24,
    weight_g: int = 140,
    stock: int = PLENTY,
) -> Watch:
    latin, japanese = name
    yen, cents, euro_cents, pence = prices
    product = Product(
        sku=sku,
        names={"en": latin, "ja": japanese, "de": latin},
        descriptions={"en": en, "ja": ja, "de": de},
        prices={"JPY": yen, "USD": cents, "EUR": euro_cents, "GBP": pence},
        warranty_months=months,
        weight_g=weight_g,
    )
    return Watch(product, stock)


WATCHES: tuple[Watch, ...] = (
    _watch(
        "TF-HIKARI-04",
        ("Hikari Grid", "ヒカリ グリッド"),
        en="Sixty points of light in a steel frame: count the rows for hours, the columns for minutes.",
        ja="鋼のフレームに六十の光点。行で時を、列で分を読む腕時計です。",
        de="Sechzig Lichtpunkte im Stahlrahmen: Reihen zählen die Stunden, Spalten die Minuten.",
        prices=(15_900, 10_900, 9_900, 8_600),
    ),
    _watch(
        "TF-INAZUMA-02",
        ("Inazuma Bolt", "イナズマ ボルト"),
        en="A flash runs down the display and stops at the minute. Rechargeable through USB.",
        ja="稲妻が文字盤を走り、分で止まります。USBで充電できます。",
        de="Ein Blitz läuft über die Anzeige und hält bei der Minute. Über USB zu laden.",
        prices=(17_800, 12_200, 11_200, 9_700),
        weight_g=120,
    ),
    _watch(
        "TF-KAZE-07",
        ("Kaze Mesh", "カゼ メッシュ"),
        en="Light behind woven steel, as light on the wrist as a breeze.",
        ja="織り上げた鋼の奥に灯る光。そよ風のように軽い一本。",
        de="Licht hinter gewebtem Stahl, leicht am Handgelenk wie eine Brise.",
        prices=(13_500, 9_400, 8_600, 7_400),
        weight_g=90,
    ),
    _watch(
        "TF-KISAI-01",
        ("Kisai Orbit", "キサイ オービット"),
        en="Two rings of LEDs circle the dial: the outer one for minutes, the inner one for hours.",
        ja="二つのLEDの輪が文字盤を巡ります。外側が分、内側が時。",
        de="Zwei LED-Ringe umkreisen das Zifferblatt: außen die Minuten, innen die Stunden.",
        prices=(14_800, 9_900, 9_200, 7_900),
    ),
    _watch(
        "TF-KOORI-09",
        ("Koori Glass", "コオリ グラス"),
        en="Digits frozen in clear acrylic. The last five of the first series.",
        ja="透明なアクリルに凍る数字。初回生産の最後の五本です。",
        de="Ziffern, in klarem Acryl gefroren. Die letzten fünf der ersten Serie.",
        prices=(21_600, 14_900, 13_900, 12_000),
        stock=5,
    ),
    _watch(
        "TF-MUGEN-03",
        ("Mugen Loop", "ムゲン ループ"),
        en="One endless line of light folds itself into the time. Wooden case, each grain its own.",
        ja="終わりのない一本の光が時刻を描きます。木目の異なるウッドケース。",
        de="Eine endlose Lichtlinie faltet sich zur Uhrzeit. Holzgehäuse, jede Maserung ein Einzelstück.",
        prices=(18_900, 12_900, 11_900, 10_300),
        months=36,
        weight_g=110,
    ),
    _watch(
        "TF-NEON-05",
        ("Neon Alley", "ネオン アレイ"),
        en="Shop signs of a side street in Shinjuku at night; the brightest sign is the hour.",
        ja="夜の新宿の路地を照らす看板。いちばん明るい看板が時を告げます。",
        de="Leuchtschilder einer Gasse in Shinjuku; das hellste ist die Stunde.",
        prices=(16_400, 11_400, 10_400, 9_000),
    ),
    _watch(
        "TF-RAKU-08",
        ("Raku Tile", "ラク タイル"),
        en="Nine ceramic tiles, lit from below. Ask it the time and it answers in a pattern.",
        ja="九枚の陶のタイルが下から灯ります。時刻を尋ねると模様で答えます。",
        de="Neun Keramikkacheln, von unten beleuchtet. Fragt man nach der Zeit, antwortet ein Muster.",
        prices=(24_800, 16_900, 15_900, 13_700),
        months=36,
        weight_g=180,
    ),
    _watch(
        "TF-SHINRIN-06",
        ("Shinrin Bark", "シンリン バーク"),
        en="Maple bark over a hidden display that wakes at a turn of the wrist. Sold out for this season.",
        ja="手首を返すと目覚める、楓の樹皮に隠れた文字盤。今季は完売しました。",
        de="Ahornrinde über einer verborgenen Anzeige, die beim Drehen erwacht. In dieser Saison ausverkauft.",
        prices=(19_800, 13_600, 12_600, 10_900),
        weight_g=100,
        stock=0,
    ),
    _watch(
        "TF-TOKI-10",
        ("Toki Mono", "トキ モノ"),
        en="Black on black until asked; then a single column of light tells hours and minutes.",
        ja="尋ねるまでは漆黒。押せば一筋の光が時と分を知らせます。",
        de="Schwarz auf Schwarz, bis man fragt; dann nennt eine einzige Lichtsäule Stunde und Minute.",
        prices=(12_800, 8_900, 8_200, 7_100),
        months=12,
    ),
)
