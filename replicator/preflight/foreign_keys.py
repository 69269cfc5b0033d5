"""Foreign keys: what they would do to the rename, and what the server does because of them without a word in the log."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql

from replicator.mysql.catalog import CASCADING, INTEGER_TYPES, Column, ForeignKey
from replicator.mysql.connection import account, describe, rows
from replicator.mysql.sql import quote
from replicator.preflight.context import Context, End
from replicator.preflight.result import Finding, failed, listed, ok, warning


def check(context: Context) -> Iterator[Finding]:
    """No foreign key follows a table into the archive, and every cascade can be seen or derived."""
    source = context.source
    yield from _followers(context)
    reads = context.plan.sources
    for key in source.foreign_keys:
        silent = not source.server.logs_cascades and {key.on_delete, key.on_update} & CASCADING
        if silent and key.schema == source.database and key.parent_schema != source.database and key.table in reads:
            yield failed(
                f"{source}: {key.table} is changed by the foreign key {key.name} when rows of {key.parent_schema}."
                f"{key.parent} go, which is another database and not in the log",
                _drop(key) + ", and let the application do what it did",
            )
    for key in context.plan.cascades:
        yield from _translated(context, key)
    derived = [f"{key.table}.{key.name}" for key in context.plan.cascades]
    if derived:
        yield ok(f"{source} does not log what foreign keys change; derived from staging: {listed(derived)}")


def _translated(context: Context, key: ForeignKey) -> Iterator[Finding]:
    """InnoDB compares and copies the bytes of a value: a column of another type takes them for something else."""
    source = context.source
    child, parent = source.tables[key.table], source.tables.get(key.parent)
    if parent is None or key.parent_schema != source.database:
        return
    for name, parent_name in zip(key.columns, key.parent_columns, strict=True):
        ours, theirs = child.by_name[name], parent.by_name[parent_name]
        if _kind(key, ours) != _kind(key, theirs):
            yield failed(
                f"{source}: {key.table}.{name} is {ours.full_type}, and follows {key.parent}.{parent_name}, which is"
                f" {theirs.full_type}, by the foreign key {key.name}: equal bytes are not the same value in both, and what it"
                " does is not in the log",
                f"give both columns one type, or {_drop(key)} and let the application do what it did",
            )


def _kind(key: ForeignKey, column: Column) -> str:
    """What makes equal bytes equal values: members are numbered, and CHAR is padded, which VARCHAR keeps."""
    if column.type in ("char", "varchar"):
        same = key.on_update != "CASCADE" and not any(sign in str(column.collation) for sign in ("nopad", "_0900_"))
        return "text" if same else column.type
    return column.type if column.type in INTEGER_TYPES | {"varbinary"} else column.full_type


def _followers(context: Context) -> Iterator[Finding]:
    source, moved = context.source, context.moved()
    for key in source.foreign_keys:
        inside = key.parent_schema == source.database and key.schema == source.database
        if inside and key.table not in moved and key.parent in moved:
            yield _follows(key)
        elif inside and key.table in moved and key.parent not in moved:
            yield failed(
                f"{key.table} goes to the archive and refers to {key.parent}, which stays, by the foreign key {key.name}: "
                "rows of the archive would then hinder changes, or follow them",
                _drop(key),
            )
    try:
        for schema, table, name, parent in _from_elsewhere(context.target, source.database):
            if parent in moved:
                yield _follows(ForeignKey(name, schema, table, (), source.database, parent, (), "", ""))
    except pymysql.MySQLError as error:
        yield warning(
            f"{context.target}: foreign keys of other databases cannot be seen ({describe(error)})",
            f"GRANT PROCESS ON *.* TO {account(context.target.connection)}",
        )


def _from_elsewhere(end: End, database: str) -> Iterator[tuple[str, str, str, str]]:
    """(database, table, key, parent) of foreign keys from other databases to this one, whoever may read those."""
    view = "innodb_foreign" if end.server.flavour == "mysql" else "innodb_sys_foreign"
    for name, child, parent in rows(end.connection, f"SELECT id, for_name, ref_name FROM information_schema.{view}"):
        schema, _, table = str(child).partition("/")
        parent_schema, _, parent_table = str(parent).partition("/")
        if _decoded(parent_schema) == database and _decoded(schema) != database:
            yield _decoded(schema), _decoded(table), str(name).partition("/")[2], _decoded(parent_table)


def _decoded(name: str) -> str:
    """InnoDB writes names as file names: `@0024` is a dollar sign. Letters of other scripts stay in that form."""
    parts = name.split("@")
    return parts[0] + "".join(chr(int(part[:4], 16)) + part[4:] if _is_code(part) else "@" + part for part in parts[1:])


def _is_code(part: str) -> bool:
    return len(part) >= 4 and all(digit in "0123456789abcdef" for digit in part[:4])


def _follows(key: ForeignKey) -> Finding:
    return failed(
        f"{key.schema}.{key.table} stays and refers to {key.parent} by the foreign key {key.name}, which would follow the "
        "old table into the archive at the cutover",
        _drop(key) + "; add it again after the cutover",
    )


def _drop(key: ForeignKey) -> str:
    return f"ALTER TABLE {quote(key.schema, key.table)} DROP FOREIGN KEY {quote(key.name)}"
