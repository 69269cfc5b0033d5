"""What differs between two tables, found by the server alone: no value passes through a codec of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replicator.mysql.connection import Connection, rows
from replicator.mysql.sql import quote


def compare(
    connection: Connection,
    source: str,
    target: str,
    key: Sequence[str],
    shown: Sequence[tuple[str, str]],
    types: Mapping[str, str],
    way: str,
) -> tuple[int, list[str]]:
    """Number of values compared, and a line for each column that differs. `shown`: name and template of each column.

    `source` and `target` are quoted; their rows are paired by the key, whose bytes are compared with all the rest.
    """
    on = " AND ".join(f"s.{quote(name)} = t.{quote(name)}" for name in key)
    equal = [f"{form.format('s.' + quote(name))} <=> {form.format('t.' + quote(name))}" for name, form in shown]
    sums = ", ".join(f"COALESCE(SUM(NOT ({condition})), 0)" for condition in equal)
    counts = rows(connection, f"SELECT (SELECT COUNT(*) FROM {source}), (SELECT COUNT(*) FROM {target})")[0]
    paired, *wrong = rows(connection, f"SELECT COUNT(*), {sums} FROM {source} AS s JOIN {target} AS t ON {on}")[0]
    problems = []
    if not counts[0] == counts[1] == paired or not paired:
        problems.append(f"{way}: {source} has {counts[0]} rows, {target} {counts[1]}, and {paired} are pairs by {types}"[:500])
    for (name, form), number, condition in zip(shown, wrong, equal, strict=True):
        if number:
            texts = ", ".join(form.format(f"{side}.{quote(name)}") for side in "st")
            keys = ", ".join(f"HEX(s.{quote(column)})" for column in key)
            pairs = f"{source} AS s JOIN {target} AS t ON {on}"
            sample = rows(connection, f"SELECT {keys}, {texts} FROM {pairs} WHERE NOT ({condition}) LIMIT 3")
            what = f"{number} values of {target}.{quote(name)} ({types[name]}) differ"
            problems.append(f"{way}: {what}, as (key, source, target) {sample}")
    return int(paired) * len(shown), problems
