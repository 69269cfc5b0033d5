"""The transforms give what plain SQL gives; and what SQL cannot say, to the letter."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from replicator.demo.servers import Server
from replicator.transform.row import row_class
from tests.askproai import oracle, reference
from tests.askproai.conftest import ROOT, Connect

sys.path.insert(0, str(ROOT / "transforms"))
try:
    from _nested import nested  # type: ignore[import-not-found]
    from _times import clock, weekly  # type: ignore[import-not-found]
finally:
    sys.path.remove(str(ROOT / "transforms"))

FUNCTIONS = {transform.name: transform.function for transform in reference.TRANSFORMS.transforms}


def call(name: str, *arguments: Any, **related: Any) -> Any:
    function = FUNCTIONS[name]
    assert function is not None
    return function(*arguments, **related)


def row(table: str, /, **values: Any) -> Any:
    return row_class(table, list(values))(values.values())


def test_transforms_and_sql_agree(server: Server, filled: str, new: str, connect: Connect, database: Any) -> None:
    connection = connect(server)
    by_sql = database(server, "by_sql")
    counts = reference.build(connection, filled, new)
    for table in oracle.TABLES:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {by_sql}.{table} LIKE {new}.{table}")
        rows = oracle.build(connection, filled, by_sql, table)
        assert oracle.differences(connection, table, new, by_sql) == []
        assert rows == counts.get(table, 0)
    assert all(counts.values())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (None, None),
        ("null", None),
        ("", ""),
        ("kein JSON", "kein JSON"),
        ('{"a": ', '{"a": '),
        (' {"b" : [1, 2.50, true, null]} ', {"b": [1, 2.5, True, None]}),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551616", "18446744073709551616"),  # a double to MySQL
        ("9" * 5000, "9" * 5000),  # more digits than Python reads at once
        ("0.1", 0.1),
        ("0.1234567890123456789", "0.1234567890123456789"),  # no double is that
        ("1e400", "1e400"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud83d"', '"\\ud83d"'),
        ('{"\\udc00": 1}', '{"\\udc00": 1}'),
        ("\ufeff{}", "\ufeff{}"),
        ('"\\u0000"', "\0"),
        ("[" * 31 + "]" * 31, "[" * 31 + "]" * 31),
        ("[" * 100_000, "[" * 100_000),
        ("{" + '"' + "x" * 70_000 + '":1}', "{" + '"' + "x" * 70_000 + '":1}'),
    ],
)
def test_nested_json_says_what_the_text_said(text: str | None, value: Any) -> None:
    found = nested(text)
    assert found == value
    assert type(found) is type(value)


def test_both_servers_store_nested_json_and_give_it_back(
    server: Server, connect: Connect, database: Callable[..., str]
) -> None:
    texts = ("[" * 30 + "]" * 30, "0.1", "1e300", "18446744073709551615", '"\\u0000"', '{"b":[1,2.5,true]}', "-0.0", "5e-324")
    with connect(server, database(server)).cursor() as cursor:
        cursor.execute("CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, value json)")
        for text in texts:
            value = {"preferences": nested(text), "skills": None}
            cursor.execute("INSERT INTO t (value) VALUES (%s)", (json.dumps(value, ensure_ascii=False),))
            cursor.execute("SELECT value FROM t ORDER BY id DESC LIMIT 1")
            stored = cursor.fetchone()
            assert stored is not None
            assert json.loads(stored[0]) == value


def test_opening_hours_are_distinct_and_ordered_by_time() -> None:
    def hours(*minutes: int) -> tuple[timedelta, timedelta]:
        return timedelta(minutes=minutes[0]), timedelta(minutes=minutes[1])

    late, early = hours(13 * 60, 17 * 60), hours(9 * 60, 12 * 60)
    week = weekly([(1, *late), (1, *early), (1, *early), (1, *hours(540, 600)), (7, *hours(600, 6060)), (0, *late), (8, *late)])
    assert week["monday"] == [
        {"open": "09:00", "close": "10:00"},
        {"open": "09:00", "close": "12:00"},
        {"open": "13:00", "close": "17:00"},
    ]
    assert week["sunday"] == [{"open": "10:00", "close": "101:00"}]
    assert week["tuesday"] == []
    assert list(week) == ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def test_times_lose_nothing() -> None:
    assert clock(timedelta(hours=9)) == "09:00"
    assert clock(timedelta(hours=9, seconds=5)) == "09:00:05"
    assert clock(timedelta(hours=-1, minutes=-30)) == "-01:30"


def test_equal_dates_of_assignments_are_decided_by_the_id() -> None:
    def assignment(id: int, service: int, created: datetime | None) -> Any:  # noqa: A002
        return row("a", id=id, staff_id="s", service_id=service, created_at=created, updated_at=None)

    moment = datetime(2026, 1, 1)
    living, dead = row("services", id=1, deleted_at=None), row("services", id=2, deleted_at=moment)
    name = "staff_event_type_assignments (from staff_service_assignments)"
    made = call(
        name,
        [assignment(7, 1, moment), assignment(5, 1, moment), assignment(3, 2, moment), assignment(4, 9, None)],
        services=[living, dead],
    )
    assert [(m["id"], m["is_primary"]) for m in made] == [(5, True), (7, False)]
    made = call(name, [assignment(5, 1, moment), assignment(9, 1, None), assignment(8, 1, None)], services=[living])
    assert [(m["id"], m["is_primary"]) for m in made] == [(8, True), (9, False), (5, False)]


@pytest.mark.parametrize(
    ("seconds", "sec", "minutes", "expected"),
    [
        (0, 5, Decimal("1.00"), 0),
        (None, 4294967295, Decimal("1.00"), 4294967295),
        (None, None, Decimal("1.33"), Decimal("79.80")),
        (None, None, Decimal("99999999.99"), Decimal("5999999999.40")),
        (None, None, None, None),
    ],
)
def test_durations_keep_their_fractions(seconds: Any, sec: Any, minutes: Any, expected: Any) -> None:
    names = columns_of("calls")
    values = {**dict.fromkeys(names), "duration_seconds": seconds, "duration_sec": sec, "duration_minutes": minutes}
    assert call("calls", row("calls", **values))["duration_seconds"] == expected


@pytest.mark.parametrize(
    ("root", "role", "expected"),
    [(1, None, "super_admin"), (0, "admin", "admin"), (0, "Admin", "staff"), (0, "admin ", "staff"), (0, None, "staff")],
)
def test_roles_are_compared_to_the_letter(root: int, role: str | None, expected: str) -> None:
    values = {**dict.fromkeys(columns_of("users")), "is_super_admin": root, "role": role}
    assert call("users", row("users", **values))["role"] == expected


def columns_of(table: str) -> list[str]:
    """The legacy columns of a table, read from its DDL."""
    text = "".join(Path(file).read_text("utf-8") for file in sorted((ROOT / "schema/source").glob("*.sql")))
    body = text.split(f"CREATE TABLE `{table}` (\n")[1].split("PRIMARY KEY")[0]
    return [line.split("`")[1] for line in body.splitlines() if line.startswith("  `")]
