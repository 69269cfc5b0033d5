"""Gates on tables and what hangs on them: names, engines, triggers, foreign keys, views, events, orphans."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import pymysql

from replicator.cutover.moves import Moves
from replicator.mysql.catalog import ForeignKey, read_foreign_keys
from replicator.mysql.connection import Connection, describe, execute, rows, value
from replicator.mysql.sql import quote
from replicator.progress import Gate
from replicator.transform.plan import MigrationPlan


def schema_gates(connection: Connection, plan: MigrationPlan, moves: Moves) -> Iterator[Gate]:
    """All of them but the orphans, which take long."""
    there = {
        (schema, table): str(engine or "VIEW")
        for schema, table, engine in rows(
            connection,
            "SELECT table_schema, table_name, engine FROM information_schema.tables WHERE table_schema IN (%s, %s, %s)",
            (moves.source, moves.target, moves.archive),
        )
    }
    kept = {unmapped.table for unmapped in plan.kept}
    if moves.direction == "reverse":  # dropped tables that could not be moved to the archive yet stay where they should be
        kept |= {unmapped.table for unmapped in plan.dropped}
    in_source = {table for schema, table in there if schema == moves.source}
    views = {table for (schema, table), engine in there.items() if schema == moves.source and engine == "VIEW"}
    in_source -= set(moves.outdated)
    yield _names(
        "tables", [f"{s}.{t}" for s, t in _all(moves) if (s, t) not in there], "are missing", "Start again: the plan is old."
    )
    yield _names(
        "unmapped",
        sorted(in_source - views - set(moves.leaving) - kept),
        "have no fate",
        "Name each in drop_table(…) (it moves to the archive) or keep_table(…) (it stays).",
    )
    yield _names(
        "names",
        sorted((in_source - set(moves.leaving)) & set(moves.arriving)),
        "stay, and new tables need their names",
        "Use drop_table instead of keep_table, or drop the view.",
    )
    yield _names(
        "archive",
        sorted(table for schema, table in there if schema == moves.archive and table in moves.leaving),
        f"are in {moves.archive} already",
        "Set another archive_database below [cutover], or drop them.",
    )
    yield _names(
        "engines",
        [f"{s}.{t} ({there[s, t]})" for s, t in _all(moves) if there.get((s, t), "InnoDB") != "InnoDB"],
        "are not InnoDB: they could not be renamed atomically",
        "ALTER TABLE … ENGINE = InnoDB.",
    )
    yield _triggers(connection, moves)
    yield _foreign_keys(connection, moves)
    yield _views(connection, moves)
    yield _code(connection, moves)


def _names(name: str, found: Collection[str], what: str, fix: str) -> Gate:
    shown = ", ".join(list(found)[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
    return Gate(name, not found, f"{shown} {what}" if found else "none", "none", fix)


def _all(moves: Moves) -> list[tuple[str, str]]:
    return [*((moves.source, table) for table in moves.leaving), *((moves.target, table) for table in moves.arriving)]


def _triggers(connection: Connection, moves: Moves) -> Gate:
    found = [
        f"{name} on {schema}.{table}"
        for schema, table, name in rows(
            connection,
            "SELECT event_object_schema, event_object_table, trigger_name FROM information_schema.triggers"
            " WHERE event_object_schema IN (%s, %s)",
            (moves.source, moves.target),
        )
        if (schema, table) in _all(moves)
    ]
    fix = "SHOW CREATE TRIGGER, let the application do what it does, DROP TRIGGER."
    return _names("triggers", found, "hinder the rename into another database", fix)


def _foreign_keys(connection: Connection, moves: Moves) -> Gate:
    """Keys between a table that moves and one that stays would tie the archive to what lives on."""
    found = []
    for key in read_foreign_keys(connection, moves.source):
        child = key.schema == moves.source and key.table in moves.leaving
        parent = key.parent_schema == moves.source and key.parent in moves.leaving
        if child != parent:
            found.append(f"{key.name} of {key.schema}.{key.table} to {key.parent_schema}.{key.parent}")
    return _names(
        "foreign keys",
        found,
        "tie a table that stays to one that moves to the archive",
        "ALTER TABLE … DROP FOREIGN KEY, and add it again after the cutover if it is wanted.",
    )


def _views(connection: Connection, moves: Moves) -> Gate:
    """Each view has to work on the tables as they will be. It is tried: prepared with the new tables in place of the old."""
    problems = []
    for schema, view, definition in rows(
        connection,
        "SELECT table_schema, table_name, view_definition FROM information_schema.views"
        " WHERE table_schema NOT IN ('sys', 'mysql', 'information_schema', 'performance_schema')",
    ):
        text = str(definition or "")
        old = [table for table in moves.leaving if quote(moves.source, table) in text]
        gone = sorted(set(old) - set(moves.new))
        leaving = [table for table in moves.arriving if quote(moves.target, table) in text]
        if schema == moves.source and view in moves.outdated:
            continue
        if leaving:
            problems.append(f"{schema}.{view} reads {leaving[0]} in {moves.target}, which it leaves")
        elif gone:
            problems.append(f"{schema}.{view} reads {', '.join(gone)}, gone to the archive then")
        elif old:
            for table in old:
                text = text.replace(quote(moves.source, table), quote(moves.target, table))
            try:
                execute(connection, "PREPARE replicator_view FROM %s", (text,))
                execute(connection, "DEALLOCATE PREPARE replicator_view")
            except pymysql.MySQLError as error:
                problems.append(f"{schema}.{view} does not work on the new tables ({describe(error)})")
    return Gate(
        "views",
        not problems,
        "; ".join(problems) or "none hindered",
        "none hindered",
        "DROP VIEW, or bring it to a form that works on both; create it again after the cutover.",
    )


def _code(connection: Connection, moves: Moves) -> Gate:
    """Events, and triggers of tables that stay, must not name a table that is gone without one of its name coming."""
    gone = sorted(set(moves.leaving) - set(moves.new))
    bodies = rows(
        connection,
        "SELECT CONCAT('event ', event_name), event_definition FROM information_schema.events"
        " WHERE event_schema = %s AND status = 'ENABLED'",
        (moves.source,),
    ) + rows(
        connection,
        "SELECT CONCAT('trigger ', trigger_name), action_statement FROM information_schema.triggers"
        " WHERE event_object_schema = %s",
        (moves.source,),
    )
    found = []
    for name, body in bodies:
        for table in gone:
            place = (
                rf"(?:{re.escape(moves.source)}\.|`{re.escape(moves.source)}`\.)?(?:`{re.escape(table)}`|{re.escape(table)}\b)"
            )
            if re.search(rf"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+{place}", str(body), re.IGNORECASE):
                found.append(f"{name} (uses {table})")
    fix = "ALTER EVENT … DISABLE or DROP TRIGGER, or write them so that they do without these tables."
    return _names("events", found, "would fail, their tables are in the archive then", fix)


def legacy_views_gate(connection: Connection, target: str, views: Sequence[tuple[str, str]]) -> Gate:
    """Each legacy view is tried on the new tables."""
    problems = []
    execute(connection, f"USE {quote(target)}")
    for name, query in views:
        try:
            execute(connection, "PREPARE replicator_view FROM %s", (query,))
            execute(connection, "DEALLOCATE PREPARE replicator_view")
        except pymysql.MySQLError as error:
            problems.append(f"{name} does not work ({describe(error)})")
    fix = "Correct the SELECT of legacy_view(…): it names new tables without their database."
    return Gate("legacy views", not problems, "; ".join(problems) or f"{len(views)} work", "all work", fix)


def orphan_gate(connection: Connection, target: str) -> Gate:
    """Rows of the target whose parent is missing: foreign keys are not checked while rows are applied."""
    found = [
        f"{key.table}.{key.name}: {count} rows"
        for key in read_foreign_keys(connection, target)
        if key.schema == target and (count := _orphans(connection, key))
    ]
    return _names(
        "orphans",
        found,
        "without the row that they refer to",
        "Correct the source rows, or let the transform write NULL; then wait for the lag to be 0.",
    )


def _orphans(connection: Connection, key: ForeignKey) -> int:
    on = " AND ".join(
        f"p.{quote(theirs)} = c.{quote(own)}" for own, theirs in zip(key.columns, key.parent_columns, strict=True)
    )
    given = " AND ".join(f"c.{quote(column)} IS NOT NULL" for column in key.columns)
    return int(
        value(
            connection,
            f"SELECT COUNT(*) FROM {quote(key.schema, key.table)} c WHERE {given}"
            f" AND NOT EXISTS (SELECT 1 FROM {quote(key.parent_schema, key.parent)} p WHERE {on})",
        )
    )
