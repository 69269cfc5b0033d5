"""The transforms applied in the simplest way that could be right: all rows in memory, no engine."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from replicator.mysql.connection import Connection
from replicator.mysql.sql import quote, quote_list
from replicator.transform.declarations import Related, Transform
from replicator.transform.loader import load
from replicator.transform.row import Row, row_class

TRANSFORMS = load(Path(__file__).parents[2] / "transforms")


def build(connection: Connection, source: str, target: str) -> dict[str, int]:
    """Fill the empty tables of `target` from those of `source`. Returns the number of rows of each fed table."""
    tables: dict[str, list[Row]] = {}

    def rows_of(table: str) -> list[Row]:
        if table not in tables:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {quote(source, table)} ORDER BY 1")
                kind = row_class(table, [column[0] for column in cursor.description or ()])
                tables[table] = [kind(row) for row in cursor.fetchall()]
        return tables[table]

    counts: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00', foreign_key_checks = 0, sql_mode = 'STRICT_ALL_TABLES'")
        for transform in TRANSFORMS.transforms:
            made = list(_made(transform, rows_of))
            counts[transform.target] = counts.get(transform.target, 0) + len(made)
            if made:
                names = list(made[0])
                cursor.executemany(
                    f"INSERT INTO {quote(target, transform.target)} ({quote_list(names)})"
                    f" VALUES ({', '.join(['%s'] * len(names))})",
                    [tuple(_written(row[name]) for name in names) for row in made],
                )
    return counts


def _made(transform: Transform, rows_of: Any) -> Iterable[dict[str, Any]]:
    source: list[Row] = rows_of(transform.source)
    if transform.function is None:
        for row in source:
            names = [name for name in type(row).__places__ if name not in transform.omit]
            yield {transform.rename.get(name, name): row[name] for name in names}
        return
    for unit in _units(transform, source):
        members = unit if isinstance(unit, list) else [unit]
        related = {name: _related(how, members, rows_of(how.table)) for name, how in transform.related.items()}
        result = transform.function(unit, **related)
        yield from [] if result is None else [result] if isinstance(result, dict) else result


def _units(transform: Transform, rows: list[Row]) -> Iterable[Row | list[Row]]:
    if not transform.group_by:
        return rows
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in transform.group_by)].append(row)
    return list(groups.values())


def _related(how: Related, members: Sequence[Row], rows: list[Row]) -> Any:
    wanted = {tuple(row[own] for _, own in how.where) for row in members}
    found = [row for row in rows if tuple(row[theirs] for theirs, _ in how.where) in wanted]
    return found if how.kind == "many" else found[0] if found else None


def _written(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, dict | list) else value
