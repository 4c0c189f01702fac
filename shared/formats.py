"""Money and days as people write them, by Babel."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_datetime_format, get_timezone_location
from babel.numbers import format_currency, format_percent, get_currency_precision


def format_money(minor: int, currency: str, language: str) -> str:
    """An amount in minor units, such as ￥12,300 or $ 99.00. The number of decimals follows from the currency."""
    amount = Decimal(minor).scaleb(-get_currency_precision(currency))
    return format_currency(amount, currency, locale=language)


def format_rate(basis_points: int, language: str) -> str:
    """A rate in basis points, such as 19% or 25,5 %."""
    return format_percent(Decimal(basis_points).scaleb(-4).normalize(), locale=language, decimal_quantization=False)


def format_day(moment: date | datetime, language: str, time_zone: str) -> str:
    """A calendar day in words; an aware moment is first brought to `time_zone`."""
    if isinstance(moment, datetime):
        moment = moment.astimezone(ZoneInfo(time_zone)).date()
    return format_date(moment, format="long", locale=language)


def format_moment(moment: datetime, language: str, time_zone: str) -> str:
    """Day and time to the minute in `time_zone`, which the page names once (`name_zone`)."""
    local = moment.astimezone(ZoneInfo(time_zone))
    day, time = format_date(local, format="long", locale=language), format_time(local, format="short", locale=language)
    return str(get_datetime_format("medium", locale=language)).format(time, day)


def name_zone(time_zone: str, language: str) -> str:
    """The city whose time a zone is, such as "Tokyo" or "Tokio"."""
    return get_timezone_location(ZoneInfo(time_zone), locale=language, return_city=True)
