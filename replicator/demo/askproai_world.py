"""The plan of the sample data: how many tenants, who belongs to whom, and what all the tables draw from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Protocol, TypeVar

from replicator.demo import askproai_words as words

TODAY = date(2026, 11, 1)
"""The present of the sample data: no row was made later; appointments go two months beyond."""
HISTORY = 600
"""Days back to the first row."""

DAYS = [str(TODAY - timedelta(days=HISTORY) + timedelta(days=day)) for day in range(HISTORY + 61)]
MINUTES = [f" {minute // 60:02}:{minute % 60:02}" for minute in range(24 * 60)]
SECONDS = [f":{second:02}" for second in range(60)]

Row = tuple[Any, ...]
Element = TypeVar("Element")


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant and the ids of what belongs to it."""

    id: int
    branches: list[str]
    staff: list[str]
    services: list[int]
    customers: list[int]


@dataclass(frozen=True, slots=True)
class World:
    """How much there is of everything, and who belongs to whom."""

    companies: list[Company]
    owner: list[Company]
    """The company of customer i + 1."""
    callers: list[int]
    """The customer of call i + 1, who is also the one of appointment i + 1 where the two belong together."""
    appointments: int
    retell_webhooks: int
    webhook_logs: int
    api_call_logs: int
    locks: int
    bookings: int
    invoices: int
    periods: int
    users: int
    kunden: int

    def linked(self, number: int) -> bool:
        """Whether call and appointment of this number refer to each other."""
        return number % 2 == 0 and number <= min(len(self.callers), self.appointments)


def world(scale: float, seed: int) -> World:
    """The plan of a database of about 220,000 × `scale` rows in the nineteen tables."""
    rng = Random(seed)

    def amount(at_one: int, least: int) -> int:
        return max(least, round(at_one * scale))

    companies = [Company(number, [], [], [], []) for number in range(1, amount(24, 8) + 1)]
    for service in range(1, amount(320, 64) + 1):
        companies[service % len(companies)].services.append(service)
    for place in range(amount(80, 20)):
        companies[place % len(companies)].branches.append(uuid(rng))
    for place in range(amount(400, 48)):
        companies[place % len(companies)].staff.append(uuid(rng))
    # A few tenants have most of the customers.
    owner = [companies[int(len(companies) * rng.random() ** 2)] for _ in range(amount(14_000, 160))]
    for number, company in enumerate(owner, start=1):
        company.customers.append(number)
    return World(
        companies=companies,
        owner=owner,
        callers=[1 + int(rng.random() * len(owner)) for _ in range(amount(22_000, 120))],
        appointments=amount(24_000, 120),
        retell_webhooks=amount(36_000, 100),
        webhook_logs=amount(44_000, 100),
        api_call_logs=amount(62_000, 100),
        locks=amount(1_000, 20),
        bookings=amount(12_000, 50),
        invoices=amount(1_200, 20),
        periods=amount(1_500, 20),
        users=amount(150, 12),
        kunden=20,
    )


class Rows(Protocol):
    """A function that makes the rows of the table whose name it has."""

    __name__: str

    def __call__(self, world: World, rng: Random, /) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Source:
    """One of the nineteen tables that the new schema is made of."""

    table: str
    columns: tuple[str, ...]
    """Of the values of a row; the table's other columns take their defaults."""
    rows: Rows


def source(columns: str) -> Callable[[Rows], Source]:
    """Make a Source of a generator of rows; `columns` names their values in order, separated by spaces."""
    return lambda rows: Source(rows.__name__, tuple(columns.split()), rows)


def uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def pick(rng: Random, among: Sequence[Element]) -> Element:
    return among[int(rng.random() * len(among))]


def full_name(rng: Random) -> str:
    return f"{pick(rng, words.FIRST_NAMES)} {pick(rng, words.LAST_NAMES)}"


def past(rng: Random) -> str:
    """A time in the history, any of its days, UTC."""
    random = rng.random
    return DAYS[int(random() * HISTORY)] + MINUTES[int(random() * 1440)] + SECONDS[int(random() * 60)]


def sentences(rng: Random, count: int) -> str:
    return " ".join([pick(rng, words.SENTENCES) for _ in range(count)])
