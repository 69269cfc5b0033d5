"""What `replicator plan` shows: what becomes of every table and column of the source, and how long it may take."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from replicator import views
from replicator.config import Config
from replicator.errors import ConfigError
from replicator.preflight.context import Context, opened
from replicator.preflight.estimate import copy_seconds, plan_seconds, room_bytes, transform_seconds
from replicator.transform.declarations import Unmapped
from replicator.transform.plan import MigrationPlan, PlannedTransform, SourceTable

Report = dict[str, Any]


def make_plan_report(config: Config) -> Report:
    """The plan as plain data, ready for JSON; rows and bytes are the server's estimates.

    Raises SourceError or TargetError when a server cannot be reached, ConfigError listing what is wrong with the
    transforms.
    """
    with opened(config) as context:
        for error in context.unreached.values():
            raise error
        if context.problems:
            raise ConfigError(context.problems)
        return _report(context)


def _report(context: Context) -> Report:
    plan, tables = context.plan, context.source.tables
    read = read_tables(plan)
    kept, dropped = _unmapped(plan.kept, context), _unmapped(plan.dropped, context)
    counts = {
        "read": len(read),
        "kept": len(kept),
        "dropped": len([entry for entry in dropped if entry["table"] not in read]),
        "unmapped": len(plan.unmapped),
    }
    return {
        "migration": context.config.migration.name,
        "source": f"{plan.source_schema} on {context.source.server}",
        "target": f"{context.config.target.database} on {context.target.server}",
        "target_exists": context.targets.exist,
        "tables": [_transform(transform, context) for transform in plan.transforms],
        "staging": [_staging(source, plan) for source in plan.sources.values() if source.staged is not None],
        "empty": sorted(context.targets.tables.keys() - plan.targets.keys()),
        "unread": [entry for name in sorted(read) if (entry := _unread(name, context))["columns"] or entry["omitted"]],
        "kept": kept,
        "dropped": dropped,
        "unmapped": list(plan.unmapped),
        "cascades": [f"{key.table}.{key.name}" for key in plan.cascades],
        "totals": {
            "source_tables": len(tables),
            **counts,
            "target_tables": len(plan.targets),
            "rows": sum(tables[name].row_estimate for name in read),
            "bytes": sum(tables[name].data_bytes + tables[name].index_bytes for name in read),
            "seconds": round(plan_seconds(plan), 1),
            "room_bytes": room_bytes(plan),
            "text": f"{len(tables)} = " + " + ".join(f"{count} {name}" for name, count in counts.items() if count),
        },
    }


def read_tables(plan: MigrationPlan) -> set[str]:
    """Source tables whose rows reach a transform."""
    return {transform.source.name for transform in plan.transforms} | {
        join.table for transform in plan.transforms for related in transform.related for join in related.path
    }


def shape(transform: PlannedTransform) -> list[str]:
    """What kind of transform it is: one word for where its rows come from, and whether it leaves some out."""
    if transform.copied is not None:
        return ["copy"]
    words = ["group"] if transform.grouped else ["related"] if transform.related else []
    if not transform.grouped and not transform.keyed_by_primary and not _widened(transform):
        words.append("split")
    if _may_return_none(transform):
        words.append("filter")
    return words or ["row"]


def _widened(transform: PlannedTransform) -> bool:
    """Whether the primary key only has more columns than the unit's key, which is unique by itself or by a constant."""
    constants = {name for name, _ in transform.constants}
    return set(transform.key_columns) | constants >= set(transform.target.primary_key) or transform.target.partitioned


def _may_return_none(transform: PlannedTransform) -> bool:
    function = transform.declaration.function
    assert function is not None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return False
    return any(
        isinstance(node, ast.Return)
        and (node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None))
        for node in ast.walk(tree)
    )


def _transform(transform: PlannedTransform, context: Context) -> Report:
    source = transform.source
    place = transform.declaration.place
    folder = context.config.folder
    file, _, line = place.rpartition(":")
    inside = Path(file).is_relative_to(folder)
    return {
        "table": transform.target.name,
        "source": source.name,
        "shape": shape(transform),
        "with": list(dict.fromkeys(related.table.name for related in transform.related)),
        "key": {**dict(zip(transform.key_columns, transform.unit_columns, strict=True)),
                **{name: repr(value) for name, value in transform.constants}},
        "rows": source.row_estimate,
        "bytes": source.data_bytes + source.index_bytes,
        "seconds": round(transform_seconds(transform), 1),
        "place": f"{Path(file).relative_to(folder)}:{line}" if inside else place,
    }  # fmt: skip


def _staging(source: SourceTable, plan: MigrationPlan) -> Report:
    assert source.staged is not None
    name = source.table.name
    readers = [
        transform.target.name
        for transform in plan.staged
        if name == transform.source.name or any(name == join.table for item in transform.related for join in item.path)
    ]
    return {
        "table": name,
        "columns": list(source.staged.columns),
        "of_columns": len(source.table.columns),
        "rows": source.table.row_estimate,
        "seconds": round(copy_seconds(source.table), 1),
        "for": list(dict.fromkeys(readers)) or ["foreign keys that the server follows silently"],
    }


def _unread(name: str, context: Context) -> Report:
    """Columns of a table that reach no transform, and those of them that copy_table leaves out by name."""
    source = context.plan.sources[name]
    omitted = {
        column
        for transform in context.plan.transforms
        if transform.source.name == name
        for column in transform.declaration.omit
    }
    unread = [column.name for column in source.table.columns if column.name not in source.columns]
    return {
        "table": name,
        "columns": [column for column in unread if column not in omitted],
        "omitted": [column for column in unread if column in omitted],
        "of_columns": len(source.table.columns),
    }


def _unmapped(entries: Sequence[Unmapped], context: Context) -> list[Report]:
    tables = context.source.tables
    return [
        {
            "table": entry.table,
            "reason": entry.reason,
            "rows": tables[entry.table].row_estimate,
            "bytes": tables[entry.table].data_bytes + tables[entry.table].index_bytes,
        }
        for entry in sorted(entries, key=lambda entry: entry.table)
    ]


# For people ---------------------------------------------------------------------------------------------------


def render(report: Report, console: Console) -> None:
    """Print the report as tables."""
    totals = report["totals"]
    console.print(Text.assemble((report["migration"], "bold"), f": {report['source']} → {report['target']}"))
    if not report["target_exists"]:
        console.print("The target tables will be created from the schema files.")
    _section(console, "Target tables", [_transform_line(entry) for entry in report["tables"]], ("rows", "bytes", "time"))
    if report["empty"]:
        console.print(f"No transform fills: {', '.join(report['empty'])}")
    _section(console, "Staged on the target server, for transforms that see several rows", [
        {"table": entry["table"], "columns": f"{len(entry['columns'])} of {entry['of_columns']}",
         "rows": views.number(entry["rows"]), "time": _time(entry["seconds"]), "for": entry["for"],
         "which": entry["columns"]}
        for entry in report["staging"]
    ], ("columns", "rows", "time"))  # fmt: skip
    _section(console, "Source columns that no transform reads", [
        {"table": entry["table"], "columns": f"{len(entry['columns'])} of {entry['of_columns']}",
         "unread": entry["columns"], "left out by name": entry["omitted"]}
        for entry in report["unread"]
    ], ("columns",))  # fmt: skip
    _section(console, "Kept: they stay where they are", _fates(report["kept"]), ("rows", "bytes"))
    _section(console, "Dropped: they go to the archive at the cutover", _fates(report["dropped"]), ("rows", "bytes"))
    if report["cascades"]:
        console.print(f"\nDerived, because the source does not log them: {', '.join(report['cascades'])}")
    if report["unmapped"]:
        console.print(Text(f"\nNothing says what becomes of {len(report['unmapped'])} source tables:", "bold red"))
        console.print(", ".join(report["unmapped"]))
    console.print(
        f"\n{totals['text']} source tables → {totals['target_tables']} target tables; about"
        f" {views.number(totals['rows'])} rows, {views.size(totals['bytes'])} to read, up to"
        f" {views.size(totals['room_bytes'])} of room needed; about {_time(totals['seconds'])}"
    )


def _section(console: Console, title: str, lines: Sequence[Mapping[str, Any]], right: Sequence[str]) -> None:
    if lines:
        console.print()
        console.print(Text(title, "bold"))
        console.print(views.table(lines, right=right))


def _transform_line(entry: Report) -> Report:
    others = f" + {', '.join(entry['with'])}" if entry["with"] else ""
    return {
        "table": entry["table"],
        "from": f"{entry['source']}{others}",
        "shape": ", ".join(entry["shape"]),
        "rows": views.number(entry["rows"]),
        "bytes": views.size(entry["bytes"]),
        "time": _time(entry["seconds"]),
        "transform": entry["place"],
    }


def _fates(entries: Sequence[Report]) -> list[Report]:
    return [
        {"table": entry["table"], "rows": views.number(entry["rows"]), "bytes": views.size(entry["bytes"]),
         "reason": entry["reason"]}
        for entry in entries
    ]  # fmt: skip


def _time(seconds: float) -> str:
    return "< 1 s" if seconds < 1 else views.seconds(round(seconds))
