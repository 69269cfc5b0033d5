"""Opening hours of a week."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""What the legacy day_of_week counts from 1."""

_CLOCK = re.compile(r"(-?)(\d{2,3}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


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


def hours(text: str) -> Iterator[tuple[int, timedelta, timedelta]]:
    """The way back from the JSON of `weekly`: number of the day, opening, closing. What is no time of day is left out."""
    week = json.loads(text)
    for number, day in enumerate(DAYS, start=1):
        intervals = week.get(day) if isinstance(week, dict) else None
        for interval in intervals if isinstance(intervals, list) else ():
            if isinstance(interval, dict):
                start, end = time(interval.get("open")), time(interval.get("close"))
                if start is not None and end is not None:
                    yield number, start, end


def time(clock: Any) -> timedelta | None:
    """The way back from `clock`; None where it is none."""
    match = _CLOCK.fullmatch(clock) if isinstance(clock, str) else None
    if match is None:
        return None
    sign, hour, minute, second = match.groups()
    span = timedelta(hours=int(hour), minutes=int(minute), seconds=int(second or 0))
    return -span if sign else span
