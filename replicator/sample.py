"""What `replicator sample` shows: one row's way from the source, through the transform, to the target."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.text import Text

from replicator import quarantine, state, views
from replicator.config import Config
from replicator.errors import BadRow, ConfigError
from replicator.mysql.catalog import BINARY_TYPES, INTEGER_TYPES, Table
from replicator.mysql.connection import Connection, execute, rows
from replicator.mysql.literals import select_expression
from replicator.mysql.sql import quote, quote_list
from replicator.preflight.context import Context, opened
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import RowEncoder, Values
from replicator.transform.units import TargetRows, Units

Report = dict[str, Any]

_INTEGER = re.compile(r"[+-]?\d+")


def sample(config: Config, table: str, key: str | None) -> Report:
    """One source row of the target table (or of the source table) `table`, once for each of its transforms.

    `key` is the source row's key, its columns separated by commas, binary ones as 0x…; None takes the first row.
    Raises ConfigError when there is no such table or row, SourceError or TargetError when a server cannot be reached.
    """
    with opened(config) as context:
        for error in context.unreached.values():
            raise error
        if context.known_plan is None:
            raise ConfigError(context.problems)
        transforms = context.plan.transforms
        chosen = [transform for transform in transforms if transform.target.name == table]
        chosen = chosen or [transform for transform in transforms if transform.source.name == table]
        if not chosen:
            names = ", ".join(sorted(context.plan.targets))
            raise ConfigError(context.problems or f"no transform makes or reads a table {table}: there are {names}")
        samples = []
        source = context.source.connection
        execute(source, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        try:
            for transform in chosen:
                found = _source_row(source, transform.source, key)
                if found is not None:
                    samples.append(_sampled(context, transform, found))
        finally:
            execute(source, "ROLLBACK")
        if not samples:
            tables = ", ".join(dict.fromkeys(transform.source.name for transform in chosen))
            raise ConfigError(f"{tables}: no row" + (f" with key {key}: name the source row's key" if key else " at all"))
        return {"table": table, "phase": _phase(context), "samples": samples}


def _phase(context: Context) -> str | None:
    known = state.of(context.config)
    target = context.target.connection
    return known.phase(target) if known.exists(target) else None


def _source_row(connection: Connection, table: Table, key: str | None) -> dict[str, Any] | None:
    names = table.row_key
    if key is None:
        return next(_read(connection, table, f"TRUE ORDER BY {quote_list(names)} LIMIT 1"), None)
    parts = key.split(",", len(names) - 1)
    if len(parts) != len(names):
        raise ConfigError(f"--key {key}: the key of {table.name} is {', '.join(names)}: give {len(names)} values")
    values = [_key_value(table, name, part) for name, part in zip(names, parts, strict=True)]
    condition = " AND ".join(f"{quote(name)} = %s" for name in names)
    return next(_read(connection, table, condition, tuple(values)), None)


def _key_value(table: Table, name: str, text: str) -> str | bytes:
    if table.by_name[name].type in BINARY_TYPES and text.startswith("0x"):
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            raise ConfigError(f"--key: {text} is not hexadecimal, as {table.name}.{name} needs it") from None
    if table.by_name[name].type in INTEGER_TYPES and not _INTEGER.fullmatch(text.strip()):  # the server would take 5x for 5
        raise ConfigError(f"--key {text}: {table.name}.{name} is a whole number")
    return text.strip() if not table.by_name[name].is_text else text


def _read(
    connection: Connection, table: Table, condition: str, arguments: tuple[Any, ...] = ()
) -> Iterator[dict[str, Any]]:
    columns = [column.name for column in table.columns]
    selected = ", ".join(select_expression(column, quote(column.name)) for column in table.columns)
    for found in rows(connection, f"SELECT {selected} FROM {table.sql} AS t0 WHERE {condition}", arguments):
        yield dict(zip(columns, found, strict=True))


def _sampled(context: Context, transform: PlannedTransform, row: Mapping[str, Any]) -> Report:
    source = context.source
    units = Units(transform, lambda table: quote(source.database, table))
    unit = tuple(row[name] for name in transform.unit_columns)
    condition = units.condition([unit])
    own = list(_read(source.connection, transform.source, condition)) if transform.grouped else [dict(row)]
    related = [
        {"name": item.name, "table": item.table.name,
         "rows": [_plain(dict(zip(item.columns, found, strict=True))) for found in dict.fromkeys(
             found for _, found in units.related_rows(source.connection, item, condition))]}
        for item in transform.related
    ]  # fmt: skip
    report: Report = {
        "transform": transform.name,
        "place": transform.declaration.place,
        "source": transform.source.name,
        "key": _plain(dict(zip(transform.unit_columns, unit, strict=True))),
        "rows": [_plain(one) for one in own],
        "related": related,
        "error": None,
        "quarantine": _reason(context, transform, unit),
    }
    try:
        made = list(units.of_keys(source.connection, [unit]))
        encoder = RowEncoder(transform.target, transform.target_columns)
        for values in made:
            encoder.encode(values)
        standing = list(TargetRows(transform).of_keys(context.target.connection, [unit])) if context.targets.exist else []
    except BadRow as error:
        return {**report, "target": [], "error": str(error)}
    return {**report, "target": list(_compared(encoder, made, standing))}


def _reason(context: Context, transform: PlannedTransform, unit: Values) -> str | None:
    """Why the unit is in quarantine; None where it is not."""
    known, target = state.of(context.config), context.target.connection
    return quarantine.reason(known, target, transform, unit) if known.exists(target) else None


def _compared(encoder: RowEncoder, made: Sequence[Values], standing: Sequence[Values]) -> Iterator[Report]:
    """The target rows by primary key: what is made, what stands there, and the columns in which they differ."""
    ours = {encoder.key_of(encoder.compare(values)): values for values in made}
    theirs = {encoder.key_of(encoder.compare(values)): values for values in standing}
    for key in dict.fromkeys([*ours, *theirs]):
        our, their = ours.get(key), theirs.get(key)
        differing = list(encoder.names)
        if our is not None and their is not None:
            pairs = zip(encoder.names, encoder.compare(our), encoder.compare(their), strict=True)
            differing = [name for name, one, other in pairs if one != other]
        yield {
            "key": ", ".join(key),
            "made": None if our is None else _plain(dict(zip(encoder.names, our, strict=True))),
            "stands": None if their is None else _plain(dict(zip(encoder.names, their, strict=True))),
            "differing": differing,
        }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in row.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return f"0x{bytes(value).hex()}"
    if isinstance(value, timedelta):
        return _time_text(value)
    return str(value) if isinstance(value, Decimal | date | datetime) else value


def _time_text(value: timedelta) -> str:
    """As the server prints a TIME."""
    sign, positive = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(positive.days * 86400 + positive.seconds, 60)
    fraction = f".{positive.microseconds:06d}" if positive.microseconds else ""
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{fraction}"


# For people ---------------------------------------------------------------------------------------------------


def render(report: Report, console: Console) -> None:
    """Print the rows one below the other, with the differences marked."""
    for number, one in enumerate(report["samples"]):
        if number:
            console.print()
        console.print(Text.assemble((one["transform"], "bold"), f"  {one['place']}"))
        _source(console, one["source"], one["rows"])
        for item in one["related"]:
            count = len(item["rows"])
            console.print(Text(f"\n{item['name']}: {count} of {item['table']}", "bold"))
            if count:
                console.print(views.table(item["rows"]))
        if one["quarantine"]:
            console.print(Text(f"\nin quarantine: {one['quarantine']}", "red"))
        if one["error"]:
            console.print(Text(f"\n{one['error']}", "red"))
            continue
        _made(console, report, one)


def _made(console: Console, report: Report, one: Report) -> None:
    for entry in one["target"]:
        made, stands = entry["made"] or {}, entry["stands"] or {}
        lines = [
            {"": Text("≠" if name in entry["differing"] else " ", "red"), "column": name,
             "made": _shown(made.get(name)), "stands": _shown(stands.get(name))}
            for name in made or stands
        ]  # fmt: skip
        console.print(Text(f"\ntarget {one['transform']}, key {entry['key']}", "bold"))
        console.print(views.table(lines))
        if not stands:
            console.print(Text("The row is not in the target.", "red"))
        if not made:
            console.print(Text("The row should not be in the target.", "red"))
    if not one["target"]:
        console.print("\nThe transform makes no target row of it, and none stands in the target.")
    elif not any(entry["differing"] for entry in one["target"]):
        console.print(Text("\nThe target stands as the transform makes it.", "green"))
    elif report["phase"] != "replicating":
        phase = f"is {report['phase']}" if report["phase"] else "has not begun"
        console.print(Text(f"The migration {phase}: the target need not be there yet.", "dim"))


def _source(console: Console, table: str, found: Sequence[Mapping[str, Any]]) -> None:
    if len(found) == 1:
        console.print(Text(f"\nsource {table}", "bold"))
        console.print(views.table([{"column": name, "value": value} for name, value in found[0].items()]))
    else:
        console.print(Text(f"\nsource: {len(found)} of {table}", "bold"))
        console.print(views.table(found))


def _shown(value: Any) -> Any:
    """As it is written."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return int(value) if isinstance(value, bool) else value
