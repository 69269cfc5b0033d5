"""What the target must hold, by plain SQL on a replayed source.

The target's `marker` row tells which prefix of the history it stands for. The writer's log is run up to there in a scratch
database, where the server's own foreign keys act again, and schemas/NAME/oracle/TABLE.sql is evaluated in it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.differential.shape import MARKER, Connection

_SHOWN = 5
"""Differing rows of a table that are printed."""


class Difference(AssertionError):
    """The target is not what the oracle says."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A look at the target that was right."""

    transactions: int
    """Committed ones that it stands for."""
    rows: int


class Oracle:
    """Follows the target, never ahead of it.

    `source` and `target` are sessions on the two servers; `scratch` and `expected` databases on the source's, made here.
    """

    def __init__(
        self,
        source: Connection,
        target: Connection,
        *,
        database: str,
        target_database: str,
        scratch: str,
        expected: str,
        folder: Path,
        log: Path,
        story: str,
        ddl: dict[str, str],
    ) -> None:
        self._source = source
        self._target = target
        self._database = database
        self._target_database = target_database
        self._scratch = scratch
        self._expected = expected
        self._queries = {path.stem: path.read_text() for path in sorted((folder / "oracle").glob("*.sql"))}
        self._log = log
        self._story = story
        self._done = 0
        self._read_from = 0
        self._waiting: list[tuple[int, int, list[str]]] = []
        self._markers = {1: 0, 2: 0}
        """Of the replayed prefix."""
        self._same_server = _value(source, "SELECT @@port, @@hostname") == _value(target, "SELECT @@port, @@hostname")
        self._prepare(ddl)

    def _prepare(self, ddl: dict[str, str]) -> None:
        statement = f"SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = '{self._database}'"
        ((collation,),) = _rows(self._source, statement)
        # Nothing of this concerns the engine, so it stays out of its binlog.
        for statement in (
            "SET sql_log_bin = 0",
            "SET SESSION group_concat_max_len = 1 << 24",
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'",
            "SET NAMES utf8mb4",
            f"CREATE DATABASE {self._scratch} COLLATE {collation}",
            f"USE {self._scratch}",
        ):
            _execute(self._source, statement)
        run_script(self._source, ddl["source"])
        _execute(self._source, "SET foreign_key_checks = 0")
        for table in tables_of(self._source, self._database):
            _execute(self._source, f"INSERT INTO {table} SELECT * FROM {self._database}.{table}")
        _execute(self._source, "SET foreign_key_checks = 1")
        _execute(self._source, f"CREATE DATABASE {self._expected} COLLATE {collation}")
        _execute(self._source, f"USE {self._expected}")
        run_script(self._source, ddl["target"])
        self._tables = {name: _columns(self._source, self._expected, name) for name in self._queries}
        assert set(self._tables) == set(tables_of(self._source, self._expected)), "every target table needs its oracle"
        _execute(self._source, f"USE {self._scratch}")

    # Checkpoints ------------------------------------------------------------------------------------------

    def check(self) -> Checkpoint:
        """Compare the target as it stands now; raises Difference."""
        target = self._target
        _execute(target, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        _execute(target, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        try:
            _execute(target, f"USE {self._target_database}")
            markers = {
                int(session): int(serial) for session, serial in _rows(target, f"SELECT session, serial FROM {MARKER}")
            }
            self._replay(markers)
            total, wrong = 0, []
            for name, query in self._queries.items():
                _execute(self._source, f"DELETE FROM {self._expected}.{name}")
                _execute(self._source, f"INSERT INTO {self._expected}.{name} {query}")
                digest = self._digest(name)
                expected = _rows(self._source, f"{digest} FROM {self._expected}.{name}")[0]
                found = _rows(target, f"{digest} FROM {name}")[0]
                total += int(expected[0])
                if expected != found:
                    wrong += list(self._differences(name))
            if wrong:
                raise Difference(self._described(markers, wrong))
            return Checkpoint(self._done, total)
        finally:
            target.rollback()

    def reached(self) -> bool:
        """Whether the target stands for all that the log tells of."""
        self._read_log()
        last = self._markers | {session: serial for serial, session, _ in self._waiting}
        self._target.rollback()
        found = _rows(self._target, f"SELECT session, serial FROM {self._target_database}.{MARKER}")
        return {int(session): int(serial) for session, serial in found} == last

    def source_replayed(self) -> None:
        """The replay of the whole log gives the source: otherwise this test itself is wrong, or the server.

        Only when the writer has ended.
        """
        self._read_log()
        while self._waiting:
            self._replay_next()
        for table in tables_of(self._source, self._scratch):
            columns = _columns(self._source, self._scratch, table)
            digest = _digest(columns)
            found = [_rows(self._source, f"{digest} FROM {schema}.{table}")[0] for schema in (self._scratch, self._database)]
            assert found[0] == found[1], f"{self._story}: the log does not tell all that happened to {table}"

    def _replay(self, markers: dict[int, int]) -> None:
        """Run the log until the scratch database stands where the target stands."""
        deadline = time.monotonic() + 30
        while markers != self._markers:
            if not self._waiting:
                # The writer logs a commit after it; the engine may be faster.
                self._read_log()
                if not self._waiting and time.monotonic() > deadline:
                    raise Difference(
                        f"{self._story}: the target's marker is {markers}, which never was the source's: behind transaction"
                        f" {self._done} it was {self._markers}"
                    )
                if not self._waiting:
                    time.sleep(0.01)
                continue
            self._replay_next()

    def _replay_next(self) -> None:
        serial, session, statements = self._waiting.pop(0)
        _execute(self._source, "BEGIN")
        for statement in statements:
            try:
                _execute(self._source, statement)
            except pymysql.MySQLError as error:
                raise AssertionError(f"{self._story}: transaction {serial} replayed: {error}: {statement[:300]}") from None
        self._source.commit()
        self._markers[session] = serial
        self._done += 1

    def _read_log(self) -> None:
        with self._log.open() as log:
            log.seek(self._read_from)
            text = log.read()
        whole = text[: text.rfind("\n") + 1]
        self._read_from += len(whole.encode())
        self._waiting += [tuple(json.loads(line)) for line in whole.splitlines()]

    # Comparing --------------------------------------------------------------------------------------------

    def _digest(self, name: str) -> str:
        # Across servers JSON is text on one side only: it is left to the row by row comparison.
        columns = {
            column: kind for column, kind in self._tables[name].items() if self._same_server or kind not in ("json", "longtext")
        }
        return _digest(columns)

    def _differences(self, name: str) -> Iterator[str]:
        columns = self._tables[name]
        key = _key(self._source, self._expected, name)
        shown = ", ".join(_exact(column, kind) for column, kind in columns.items())
        places = [list(columns).index(column) for column in key]
        sides = [
            {tuple(row[place] for place in places): row for row in _rows(session, f"SELECT {shown} FROM {table}")}
            for session, table in ((self._source, f"{self._expected}.{name}"), (self._target, name))
        ]
        expected, found = sides
        different = [row for row in {**expected, **found} if expected.get(row) != found.get(row)]
        for number, row in enumerate(sorted(different)):
            if number == _SHOWN:
                yield f"  … and {len(different) - _SHOWN} more rows of {name}"
                break
            names = list(columns)
            yield f"  {name} {dict(zip(key, map(_readable, row), strict=True))}"
            for side, rows in (("expected", expected), ("found   ", found)):
                values = rows.get(row)
                yield f"    {side} {dict(zip(names, map(_readable, values), strict=True)) if values else 'no row'}"

    def _described(self, markers: dict[int, int], wrong: Sequence[str]) -> str:
        text = "\n".join(wrong)
        return f"{self._story}: behind {self._done} transactions (markers {markers}) the target differs:\n{text}"


def _digest(columns: dict[str, str]) -> str:
    text = "CONCAT_WS('|', " + ", ".join(_exact(column, kind) for column, kind in columns.items()) + ")"
    number = f"CAST(CONV(LEFT(SHA2({text}, 256), 16), 16, 10) AS UNSIGNED)"
    return f"SELECT COUNT(*), COALESCE(BIT_XOR({number}), 0)"


def _exact(column: str, kind: str) -> str:
    """A text that is the same exactly when the value is: of texts every byte, of numbers every digit."""
    texts = ("char", "varchar", "text", "longtext", "binary", "varbinary", "blob")
    return f"COALESCE({f'HEX({column})' if kind in texts else f'CAST({column} AS CHAR)'}, 'NULL')"


def _readable(value: str) -> str:
    try:
        text = bytes.fromhex(value).decode()
    except ValueError:
        return value
    return f"{value} = {text!r}" if text.isprintable() and not value.isdecimal() else value


def tables_of(connection: Connection, schema: str) -> list[str]:
    """Names of all tables."""
    statement = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}' ORDER BY table_name"
    return [name for (name,) in _rows(connection, statement)]


def run_script(connection: Connection, text: str) -> None:
    """Run statements that end in a semicolon at the end of a line."""
    for statement in text.split(";\n"):
        if statement.strip():
            _execute(connection, statement)


def _columns(connection: Connection, schema: str, table: str) -> dict[str, str]:
    statement = (
        "SELECT column_name, data_type FROM information_schema.columns"
        f" WHERE table_schema = '{schema}' AND table_name = '{table}' ORDER BY ordinal_position"
    )
    return dict(_rows(connection, statement))


def _key(connection: Connection, schema: str, table: str) -> list[str]:
    statement = (
        "SELECT column_name FROM information_schema.statistics WHERE index_name = 'PRIMARY'"
        f" AND table_schema = '{schema}' AND table_name = '{table}' ORDER BY seq_in_index"
    )
    return [name for (name,) in _rows(connection, statement)]


def _execute(connection: Connection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _rows(connection: Connection, statement: str) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return found


def _value(connection: Connection, statement: str) -> tuple[Any, ...]:
    return _rows(connection, statement)[0]
