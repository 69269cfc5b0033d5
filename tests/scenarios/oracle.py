"""What the target has to hold, said by plain SELECTs on the source, and compared as the bytes that the server sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pymysql

from replicator.demo.servers import Server
from replicator.mysql.sql import quote

_SHOWN = 4

RawRow = tuple[bytes | None, ...]


def differences(server: Server, source: str, target: str, queries: Mapping[str, str]) -> list[str]:
    """One line for each target table that is not what its query gives; [] when all are.

    A table without a query is compared with the source's table of its name, column by column.
    """
    found = []
    with _session(server, target) as held, _session(server, source) as original:
        for table in _tables(held, target):
            columns = _columns(held, target, table)
            actual = Counter(_rows(held, f"SELECT {_selected(columns)} FROM {quote(target, table)}"))
            query = queries.get(table) or f"SELECT {_selected(columns)} FROM {quote(source, table)}"
            expected = Counter(_rows(original, query))
            if actual != expected:
                missing, extra = list((expected - actual).elements()), list((actual - expected).elements())
                found.append(
                    f"{table}: {len(missing)} rows are missing: {missing[:_SHOWN]}; {len(extra)} are too many: {extra[:_SHOWN]}"
                )
        assert set(queries) <= set(_tables(held, target)), f"oracle.sql: {set(queries) - set(_tables(held, target))}"
    return found


def _session(server: Server, database: str) -> pymysql.Connection[Any]:
    """Values as the server sends them: a conversion could hide a difference."""
    return pymysql.connect(
        **server.connect_args(database), autocommit=True, conv={}, use_unicode=False, init_command="SET time_zone = '+00:00'"
    )


def _rows(connection: pymysql.Connection[Any], query: str) -> list[RawRow]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _tables(connection: pymysql.Connection[Any], database: str) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
    return sorted(name.decode() for (name,) in _rows(connection, query) if name is not None)


def _columns(connection: pymysql.Connection[Any], database: str, table: str) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = DATABASE()"
            " AND table_name = %s ORDER BY ordinal_position",
            (table,),
        )
        return [(name.decode(), kind.decode()) for name, kind in cursor.fetchall()]


def _selected(columns: list[tuple[str, str]]) -> str:
    """A FLOAT is printed with six digits, so it is read as the double that it is."""
    return ", ".join(f"CAST({quote(name)} AS DOUBLE)" if kind == "float" else quote(name) for name, kind in columns)
