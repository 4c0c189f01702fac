"""Money and days as people write them, by Babel."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, get_currency_precision


def format_money(minor: int, currency: str, language: str) -> str:
    """An amount in minor units, such as ￥12,300 or $ 99.00. The number of decimals follows from the currency."""
    amount = Decimal(minor).scaleb(-get_currency_precision(currency))
    return format_currency(amount, currency, locale=language)


def format_day(moment: date | datetime, language: str, time_zone: str) -> str:
    """A calendar day in words; an aware moment is first brought to `time_zone`."""
    if isinstance(moment, datetime):
        moment = moment.astimezone(ZoneInfo(time_zone)).date()
    return format_date(moment, format="long", locale=language)


def format_moment(moment: datetime, language: str, time_zone: str) -> str:
    """Day and time to the second, in `time_zone` and naming it."""
    return format_datetime(moment, format="long", tzinfo=ZoneInfo(time_zone), locale=language)
