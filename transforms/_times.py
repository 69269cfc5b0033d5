"""Opening hours of a week."""

from collections.abc import Iterable
from datetime import timedelta

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""What the legacy day_of_week counts from 1."""


def weekly(hours: Iterable[tuple[int, timedelta, timedelta]]) -> dict[str, list[dict[str, str]]]:
    """The distinct intervals of each weekday, ordered by opening, then closing; an empty list for a closed day.

    Several of the staff with the same hours make one interval. Days outside 1 … 7 are no weekday and are left out.
    """
    distinct = sorted(set(hours))
    return {
        day: [{"open": clock(start), "close": clock(end)} for number, start, end in distinct if number == place]
        for place, day in enumerate(DAYS, start=1)
    }


def clock(time: timedelta) -> str:
    """A TIME as 09:00; with its seconds only where it has some, so that none are lost."""
    sign = "-" if time < timedelta(0) else ""
    minutes, seconds = divmod(int(abs(time).total_seconds()), 60)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
