"""What the copy and the stream must carry of each source table, so that all transforms can be made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from replicator.mysql.catalog import CASCADING, ForeignKey, Table
from replicator.transform.plan import PlannedTransform, SourceTable, StagedTable, ordered


def cascades_to(foreign_keys: Sequence[ForeignKey], read: set[str]) -> tuple[ForeignKey, ...]:
    """Foreign keys through which an unlogged change can reach a table that is read, nearest first."""
    reached, found = set(read), dict[str, ForeignKey]()
    while True:
        more = [
            key
            for key in foreign_keys
            if key.table in reached
            and (key.on_delete in CASCADING or key.on_update in CASCADING)
            and f"{key.table}.{key.name}" not in found
        ]
        if not more:
            return tuple(found.values())
        for key in more:
            found[f"{key.table}.{key.name}"] = key
            reached.add(key.parent)


def source_tables(
    transforms: Sequence[PlannedTransform], tables: Mapping[str, Table], cascades: Sequence[ForeignKey]
) -> dict[str, SourceTable]:
    """What each source table must carry, and what is staged of it."""
    columns: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    staged: dict[str, set[str]] = {}
    indexes: dict[str, set[tuple[str, ...]]] = {}
    direct: dict[str, list[PlannedTransform]] = {}

    def note(where: dict[str, set[str]], table: str, names: Iterable[str]) -> None:
        where.setdefault(table, set()).update(names)

    for transform in transforms:
        name = transform.source.name
        note(columns, name, transform.columns)
        note(before, name, (*transform.source.row_key, *transform.unit_columns))
        if not transform.staged:
            direct.setdefault(name, []).append(transform)
            continue
        note(staged, name, transform.columns)
        indexes.setdefault(name, set()).add(transform.unit_columns)
        for related in transform.related:
            owners = {"": name} | {join.name: join.table for join in related.path}
            note(staged, related.table.name, related.columns)
            for join in related.path:
                own = tuple(column for column, _, _ in join.on)
                note(staged, join.table, own)
                note(before, join.table, (*tables[join.table].row_key, *own))
                indexes.setdefault(join.table, set()).add(own)
                for owner in {owner for _, owner, _ in join.on}:
                    theirs = tuple(column for _, known, column in join.on if known == owner)
                    note(staged, owners[owner], theirs)
                    note(before, owners[owner], theirs)
                    indexes.setdefault(owners[owner], set()).add(theirs)
    for key in cascades:
        child, parent = tables[key.table], tables.get(key.parent)
        note(staged, child.name, (*child.row_key, *key.columns, *columns.get(child.name, ())))
        note(before, child.name, (*child.row_key, *key.columns))
        indexes.setdefault(child.name, set()).add(key.columns)
        if parent is not None:
            note(columns, parent.name, (*parent.row_key, *key.parent_columns))
            note(before, parent.name, (*parent.row_key, *key.parent_columns))
    for key in cascades:
        note(staged, key.table, columns.get(key.table, ()))
    for name, names in staged.items():
        note(columns, name, (*names, *tables[name].row_key))
    result: dict[str, SourceTable] = {}
    for name in columns:
        table = tables[name]
        wanted = ordered(table, columns[name])
        kept = staged.get(name)
        result[name] = SourceTable(
            table=table,
            columns=wanted,
            before=ordered(table, before.get(name, set(table.row_key))),
            direct=tuple(direct.get(name, ())),
            staged=None
            if kept is None
            else StagedTable(
                table,
                ordered(table, kept | set(table.row_key)),
                tuple(sorted(index for index in indexes.get(name, ()) if index != table.row_key[: len(index)])),
            ),
        )
    return result
