"""What the application was promised: every write whose COMMIT was acknowledged, and what must stand in the new tables.

The clients write the ledger themselves, as they go, to a file that is only ever appended to. It knows nothing of the
engine, of its transforms or of the legacy tables: it is in the words of the new schema, so that the new tables can be
held against it. A line is one of

    {"write": token, "facts": [[table, key, values], …]}    COMMIT is about to be sent
    {"done": token}                                          it was acknowledged, or found out to have happened
    {"undone": token}                                        it failed, or was found out not to have happened
    {"taken_back": [[table, key, values], …]}                the application rolled it back itself

A write without an answer (the client was killed in between) may or may not have happened: both are right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

import pymysql
from pymysql.cursors import Cursor

from replicator.mysql.sql import quote, quote_list

Scalar = int | str | None
Key = tuple[int | str, ...]
Values = Mapping[str, Any]
"""Columns that are known of a row: numbers, texts and null, or lists and dicts in a JSON column."""

KEYS = {"webhook_events": ("source", "source_id")}
"""The key of a table, where it is not `id`."""

TOKENS = {
    "companies": "website",
    "branches": "website",
    "phone_numbers": "retell_agent_id",
    "company_pricing": "notes",
    "staff": "phone",
    "users": "remember_token",
    "customers": "notes",
    "calcom_event_types": "description",
    "appointments": "notes",
    "appointment_locks": "holder_id",
    "calcom_bookings": "calcom_uid",
    "calls": "summary",
    "webhook_events": "error_message",
    "invoices": "stripe_invoice_id",
    "billing_periods": "stripe_invoice_id",
    "api_call_logs": "correlation_id",
}
"""The column that holds the mark of the transaction that wrote the row last."""

JSON_COLUMNS = {"business_hours", "preferences", "extracted_data"}

_AT_ONCE = 500
_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Fact:
    """What a transaction makes of one row of the new schema."""

    table: str
    key: Key
    values: Values | None
    """The columns it sets; None: the row is gone."""

    @property
    def token(self) -> str | None:
        """The mark of the transaction, if it leaves one in the row."""
        token: str | None = (self.values or {}).get(TOKENS.get(self.table, ""))
        return token


class Ledger:
    """The file, appended to by all clients of a process. A line is handed to the system before the method returns, so
    that a killed process loses none."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = Lock()

    def write(self, token: str, facts: Sequence[Fact]) -> None:
        """Call before COMMIT is sent."""
        self._append({"write": token, "facts": [[fact.table, fact.key, fact.values] for fact in facts]})

    def done(self, token: str) -> None:
        """The write was acknowledged."""
        self._append({"done": token})

    def undone(self, token: str) -> None:
        """The write did not happen."""
        self._append({"undone": token})

    def taken_back(self, facts: Sequence[Fact]) -> None:
        """A transaction ended without COMMIT."""
        self._append({"taken_back": [[fact.table, fact.key, fact.values] for fact in facts]})

    def _append(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        with self._lock:
            self._file.write(text)
            self._file.flush()


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The new tables held against the ledger. All of `missing`, `wrong` and `resurrected` must be 0."""

    writes: int
    """Acknowledged commits."""
    unknown: int
    """Commits whose outcome the clients never learned; either outcome was accepted."""
    rows: int
    """Rows looked at."""
    missing: int
    """Rows that were written and are not there."""
    wrong: int
    """Rows with another value than the last acknowledged one."""
    resurrected: int
    """Rows that were deleted, or never committed, and are there."""
    examples: tuple[str, ...]
    """The first few of them, for a person to look at."""

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing changed, nothing risen; and something was looked at."""
        return self.writes > 0 and self.rows > 0 and not (self.missing or self.wrong or self.resurrected)


@dataclass(slots=True)
class _Expected:
    """What may stand in one row."""

    states: list[dict[str, Any] | None] = field(default_factory=list)
    """Several after a write of unknown outcome; none where nothing is known of the row."""
    forbidden: set[Scalar] = field(default_factory=set)
    """Marks of transactions that were never committed."""

    def set(self, fact: Fact, *, surely: bool) -> None:
        """Apply what a write made of the row; where that is not sure, what it was before may stand as well."""
        before = self.states
        if not before and not surely:
            return
        after = [None if fact.values is None else {**(state or {}), **fact.values} for state in before or [None]]
        self.states = after if surely else before + [state for state in after if state not in before]


def check_ledger(connection: Mapping[str, Any], database: str, ledger: Path) -> LedgerReport:
    """Hold the new tables in `database` against the ledger.

    Args:
        connection: keyword arguments of `pymysql.connect`.
        ledger: the file that the traffic has written; nobody may be writing any more.
    """
    lines = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines(keepends=True) if line[-1] == "\n"]
    expected, writes, unknown = _expectations(lines)
    found: dict[str, int] = {"missing": 0, "wrong": 0, "resurrected": 0}
    examples: list[str] = []
    settings = {**connection, "database": database, "charset": "utf8mb4"}
    with closing(pymysql.connect(**settings)) as opened, opened.cursor() as cursor:
        for table, rows in expected.items():
            for key, fault, text in _faults(cursor, table, rows):
                found[fault] += 1
                if len(examples) < _EXAMPLES:
                    examples.append(f"{table} {'/'.join(map(str, key))} is {fault}: {text}")
    rows_seen = sum(len(rows) for rows in expected.values())
    return LedgerReport(writes, unknown, rows_seen, **found, examples=tuple(examples))


def _expectations(lines: Sequence[Mapping[str, Any]]) -> tuple[dict[str, dict[Key, _Expected]], int, int]:
    """Per table and key what must stand there, the number of commits, and of those with an unknown outcome."""
    expected: dict[str, dict[Key, _Expected]] = {}
    answered = {line.get("done") or line.get("undone") for line in lines}
    asked: dict[str, list[Fact]] = {}
    writes = unknown = 0

    def row(fact: Fact) -> _Expected:
        return expected.setdefault(fact.table, {}).setdefault(fact.key, _Expected())

    def forbid(facts: Iterable[Fact]) -> None:
        for fact in facts:
            if fact.token is not None:
                row(fact).forbidden.add(fact.token)

    for line in lines:
        match line:
            case {"write": token, "facts": facts}:
                asked[token] = _facts(facts)
                if token not in answered:
                    unknown += 1
                    for fact in asked[token]:
                        row(fact).set(fact, surely=False)
            case {"done": token}:
                writes += 1
                for fact in asked.pop(token):
                    row(fact).set(fact, surely=True)
            case {"undone": token}:
                forbid(asked.pop(token))
            case {"taken_back": facts}:
                forbid(_facts(facts))
    return expected, writes, unknown


def _facts(facts: Sequence[Sequence[Any]]) -> list[Fact]:
    return [Fact(table, tuple(key), values) for table, key, values in facts]


def _faults(cursor: Cursor, table: str, rows: Mapping[Key, _Expected]) -> Iterator[tuple[Key, str, str]]:
    """(key, kind of fault, explanation) of each row that is not as expected."""
    key_columns = KEYS.get(table, ("id",))
    wanted = {column for expected in rows.values() for state in expected.states if state for column in state}
    columns = sorted(wanted | {TOKENS[table]} if table in TOKENS else wanted)
    select = f"SELECT {quote_list([*key_columns, *columns])} FROM {quote(table)} WHERE ({quote_list(key_columns)}) IN "
    keys = iter(rows)
    while some := list(islice(keys, _AT_ONCE)):
        cursor.execute(f"{select} ({', '.join(['%s'] * len(some))})", some)
        there = {
            tuple(row[: len(key_columns)]): dict(zip(columns, row[len(key_columns) :], strict=True))
            for row in cursor.fetchall()
        }
        for key in some:
            if fault := _fault(rows[key], there.get(key), TOKENS.get(table)):
                yield key, *fault


def _fault(expected: _Expected, there: dict[str, Any] | None, token: str | None) -> tuple[str, str] | None:
    if there is not None and token is not None and there[token] in expected.forbidden:
        return "resurrected", f"{there[token]} was never committed"
    if not expected.states or any(_agrees(state, there) for state in expected.states):
        return None
    last = expected.states[0]
    if there is None:
        return "missing", f"{last} was written"
    if last is None:
        return "resurrected", f"it was deleted, and {there} stands there"
    return "wrong", f"{last} was written, { {name: there[name] for name in last} } stands there"


def _agrees(state: dict[str, Any] | None, there: dict[str, Any] | None) -> bool:
    if state is None or there is None:
        return state is there
    return all((json.loads(there[name]) if name in JSON_COLUMNS else there[name]) == value for name, value in state.items())
