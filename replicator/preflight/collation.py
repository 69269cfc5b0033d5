"""Keys that are different in the source must be different in the target."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from replicator.mysql.catalog import Column
from replicator.mysql.connection import rows
from replicator.mysql.sql import quote
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed
from replicator.transform.comparing import collation_parts, pads
from replicator.transform.plan import PlannedTransform


def check(context: Context) -> Iterator[Finding]:
    """Text keys are told apart by the target's collations wherever the source tells them apart."""
    known = _known(context)
    for transform in context.plan.transforms:
        # Of two units that are one key to the target, a change of either would take the other's rows.
        keys = dict.fromkeys(transform.key_columns, "the key of its rows")
        for index in transform.target.indexes:
            keys |= {name: f"the unique key {index.name}" for name in index.columns if index.unique and name is not None}
        source_of = _origins(transform)
        for name in sorted(keys.keys() & source_of.keys()):
            column, origin = transform.target.by_name[name], source_of[name]
            if column.is_text and origin.is_text and not _as_fine(column, origin):
                yield _coarser(transform, keys[name], column, origin, known)
    yield from _staging(context, known)


def _origins(transform: PlannedTransform) -> dict[str, Column]:
    """Target column → the source column whose value it holds, where that is declared."""
    names = dict(zip(transform.key_columns, transform.unit_columns, strict=True))
    if transform.copied is not None:
        names |= dict(zip(transform.target_columns, transform.copied, strict=True))
    return {name: transform.source.by_name[origin] for name, origin in names.items()}


def _as_fine(target: Column, source: Column) -> bool:
    """Whether texts that differ in the source's collation surely differ in the target's."""
    ours, theirs = collation_parts(target), collation_parts(source)
    if ours == theirs:
        return True
    if not pads(source) and pads(target):
        return False  # 'a' and 'a ' are two keys there and one here
    charset, order = ours
    # utf8mb3 is the first plane of utf8mb4, and its collations weigh the characters there alike.
    return order.endswith("bin") or (order == theirs[1] and (charset, theirs[0]) == ("utf8mb4", "utf8mb3"))


def _coarser(transform: PlannedTransform, key: str, column: Column, origin: Column, known: Collection[str]) -> Finding:
    table, charset = transform.target, column.charset
    others = [
        replace(column, collation=name)
        for name in (origin.collation or "", f"{charset}_bin", f"{charset}_nopad_bin", f"{charset}_0900_bin")
        if name in known
    ]
    own = collation_parts(column)[0]
    fine = [one.collation for one in others if collation_parts(one)[0] == own and _as_fine(one, origin)]
    return failed(
        f"target {table.name}.{column.name}, part of {key}, compares by {column.collation}; its "
        f"source {transform.source.name}.{origin.name} by {origin.collation}: two rows there may be one key here",
        f"ALTER TABLE {table.sql} MODIFY {quote(column.name)} {column.full_type} CHARACTER SET {charset} COLLATE "
        f"{[*fine, f'{charset}_bin'][0]}{'' if column.nullable else ' NOT NULL'}, and the same in the schema file",
    )


def _known(context: Context) -> set[str]:
    """The collations of the target's server."""
    applicable = "information_schema.collation_character_set_applicability"
    known = {name for (name,) in rows(context.target.connection, f"SELECT collation_name FROM {applicable}")}
    if context.target.server.flavour == "mariadb" and context.target.server.version >= (10, 10, 0):
        known |= {name for (name,) in rows(context.target.connection, f"SELECT full_collation_name FROM {applicable}")}
    return known


def _staging(context: Context, known: Collection[str]) -> Iterator[Finding]:
    if context.same_server:
        return
    for source in context.plan.sources.values():
        for name in source.staged.columns if source.staged is not None else ():
            column = source.table.by_name[name]
            if column.collation and column.collation not in known:
                yield failed(
                    f"source column {source.table.name}.{name} has to be staged on the target, which does not know its "
                    f"collation {column.collation}",
                    f"ALTER TABLE {source.table.sql} MODIFY the column to a collation that both servers have, such as "
                    "utf8mb4_unicode_ci",
                )
