"""Transforms run on rows that are there: they must succeed, fit the target, and do the same twice."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pymysql

from replicator.errors import BadRow
from replicator.mysql.catalog import BINARY_TYPES, INTEGER_TYPES
from replicator.mysql.connection import Connection, describe, error_code, execute, row, rows
from replicator.mysql.sql import quote, quote_list
from replicator.preflight.context import Context, End
from replicator.preflight.fitting import Fitting
from replicator.preflight.result import Finding, failed, listed, ok, warning
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import Values
from replicator.transform.units import Units, batches

ENDS, BETWEEN = 100, 100
"""Rows from the beginning and from the end of a table, and from in between."""
_UNITS_AT_ONCE = 20
_SECONDS = 10.0
"""Spent on one transform at most: a unit may have a hundred thousand related rows."""
_STATEMENT_SECONDS = 30.0
"""Allowed for one statement: without an index each look for a group reads the whole table."""
_TOO_LONG = {1969, 3024}
"""max_statement_time (MariaDB) and max_execution_time (MySQL) exceeded."""
_MOST_ERRORS = 3


def check(context: Context) -> Iterator[Finding]:
    """The transforms succeed on samples, twice alike, and what they make fits the target."""
    set_aside = context.config.stream.on_bad_row == "quarantine"
    source = context.source
    _limit(source, _STATEMENT_SECONDS)
    sampled, without = 0, list[str]()
    for transform in context.plan.transforms:
        # One snapshot for both runs: the rows may change in between.
        execute(source.connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        try:
            keys = sample_keys(source.connection, transform)
            yield from _run(source, Fitting(context, transform), keys, set_aside=set_aside)
            sampled += len(keys)
            without += [] if keys else [transform.name]
        except pymysql.MySQLError as error:
            if error_code(error) not in _TOO_LONG:
                raise
            yield _too_long(transform)
        finally:
            execute(source.connection, "ROLLBACK")
    _limit(source, 0)
    note = f"; without rows to try: {listed(without)}" if without else ""
    yield ok(f"{len(context.plan.transforms)} transforms were run twice on {sampled} sampled units{note}")


def _limit(source: End, seconds: float) -> None:
    """Of each SELECT of the session; 0 is none."""
    if source.server.flavour == "mariadb":
        execute(source.connection, f"SET SESSION max_statement_time = {seconds}")
    else:
        execute(source.connection, f"SET SESSION max_execution_time = {round(seconds * 1000)}")


def sample_keys(connection: Connection, transform: PlannedTransform) -> list[Values]:
    """Units of the first rows, of the last ones, and of some in between, each once."""
    table, key = transform.source, transform.source.row_key
    select = f"SELECT {quote_list(transform.unit_columns)} FROM {table.sql}"
    backwards = ", ".join(f"{quote(name)} DESC" for name in key)
    found = dict.fromkeys(rows(connection, f"{select} ORDER BY {quote_list(key)} LIMIT {ENDS}"))
    if len(found) == ENDS or table.row_estimate > ENDS:
        found |= dict.fromkeys(rows(connection, f"{select} ORDER BY {backwards} LIMIT {ENDS}"))
        for probe in _probes(connection, transform):
            one = row(connection, f"{select} WHERE {quote(key[0])} >= {probe} ORDER BY {quote_list(key)} LIMIT 1")
            found |= {one: None} if one is not None else {}
    return list(found)


def _probes(connection: Connection, transform: PlannedTransform) -> Iterator[str]:
    """Literals spread over the range of the key's first column, where that can be told from its type."""
    table = transform.source
    first = table.by_name[table.row_key[0]]
    if first.type in INTEGER_TYPES:
        ends = row(connection, f"SELECT MIN({quote(first.name)}), MAX({quote(first.name)}) FROM {table.sql}")
        if ends is not None and ends[0] is not None:
            low, high = ends
            yield from dict.fromkeys(str(low + (high - low) * step // BETWEEN) for step in range(1, BETWEEN))
    elif first.type in ("char", "varchar"):
        yield from (f"'{one}{two}'" for one in "0123456789abcdefghijklmnopqrstuvwxyz" for two in "08g")
    elif first.type in BINARY_TYPES:
        yield from (f"x'{byte:02x}'" for byte in range(0, 256, 256 // BETWEEN))


def _run(source: End, fitting: Fitting, keys: Sequence[Values], *, set_aside: bool) -> Iterator[Finding]:
    connection, transform = source.connection, fitting.transform
    units = Units(transform, lambda table: quote(source.database, table))
    reasons: dict[str, str] = {}
    deadline = time.monotonic() + _SECONDS
    for part in batches(keys, _UNITS_AT_ONCE):
        if time.monotonic() > deadline or len(reasons) >= _MOST_ERRORS:
            break
        if _error(connection, units, fitting, part) is None:
            continue
        for key in part:  # one by one, so that each bad row is named
            if (error := _error(connection, units, fitting, [key])) is not None:
                reason = error.reason if isinstance(error, BadRow) else describe(error)
                text = str(error) if isinstance(error, BadRow) else f"{transform.name}: {reason}"
                reasons.setdefault(reason, text)
    correct = f"correct the transform at {transform.declaration.place} or the row in the source"
    for text in list(reasons.values())[:_MOST_ERRORS]:
        if set_aside:
            yield warning(f"{text}; such rows will be in quarantine, which keeps the cutover closed", correct)
        else:
            yield failed(text, f'{correct}, or have such rows set aside with on_bad_row = "quarantine" below [stream]')


def _error(
    connection: Connection, units: Units, fitting: Fitting, keys: Sequence[Values]
) -> BadRow | pymysql.MySQLError | None:
    """What is wrong with the first bad row of these units."""
    try:
        first = list(units.of_keys(connection, keys))
        second = list(units.of_keys(connection, keys))
    except BadRow as error:
        return error
    except pymysql.MySQLError as error:
        if error_code(error) in _TOO_LONG:
            raise
        return error
    try:
        fitting.check(first)
    except BadRow as error:
        return error
    if len(first) != len(second):
        return _impure(units.transform, keys[0], None)
    for values, again in zip(first, second, strict=True):
        for name, value, other in zip(units.transform.target_columns, values, again, strict=True):
            if _differ(value, other):
                return _impure(units.transform, keys[0], name)
    return None


def _differ(value: Any, other: Any) -> bool:
    try:
        return bool(value != other)
    except Exception:  # of an object of any type
        return True


def _too_long(transform: PlannedTransform) -> Finding:
    columns = quote_list(transform.unit_columns)
    return warning(
        f"rows of {transform.source.name} could not be sampled within {_STATEMENT_SECONDS:g} s: looking for {columns}, or for "
        "related rows, reads whole tables",
        f"ALTER TABLE {transform.source.sql} ADD INDEX ({columns}), and index the columns by which related rows are found",
    )


def _impure(transform: PlannedTransform, key: Values, column: str | None) -> BadRow:
    text = ", ".join(f"{name}={value!r}" for name, value in zip(transform.unit_columns, key, strict=True))
    what = "another value" if column else "another number of rows"
    reason = f"the transform gave {what} when it ran again on the same rows: it may use nothing but the rows it is given"
    return BadRow(transform.target.name, text, reason, column)
