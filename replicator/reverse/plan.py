"""Inverses held against both schemas: what the stream back reads of the new tables, and which old tables it writes.

For the stream an inverse is a transform whose source is the new table; what it makes are not rows but pieces of rows of old
tables, which `edits` compares and `rows` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from replicator.errors import TransformDeclarationError
from replicator.mysql.catalog import ForeignKey, Table
from replicator.transform.carried import cascades_to, source_tables
from replicator.transform.declarations import Declarations, Inverse, Transform
from replicator.transform.plan import MigrationPlan, PlannedTransform, SourceTable, ordered
from replicator.transform.resolver import Resolver


@dataclass(frozen=True, slots=True)
class PlannedInverse:
    """The way back of one new table."""

    transform: PlannedTransform
    """As the stream sees it: what is read of the new table and of related ones. A unit is one row."""
    function: Callable[..., Any]
    place: str
    table: str | None
    """The old table that a plain dict is meant for; None where the new table comes from several."""
    part_of: frozenset[str]
    reads: frozenset[str]
    """Columns of the new table that it makes something of."""
    feeding: tuple[tuple[int, PlannedTransform], ...]
    """The transforms (index in the forward plan) that make rows of this table."""

    @property
    def name(self) -> str:
        """The new table."""
        return self.transform.source.name


@dataclass(frozen=True, slots=True)
class ReversePlan:
    """The whole way back."""

    stream: MigrationPlan
    """What the stream reads; `transforms` stand in the order of `inverses`."""
    inverses: tuple[PlannedInverse, ...]
    forward: MigrationPlan
    """The transforms from the old tables to the new ones, each wherever it is now."""
    old: Mapping[str, Table]
    foreign_keys: tuple[ForeignKey, ...]
    """Of the old tables."""
    lost: Mapping[str, frozenset[str]]
    """New table → its columns that no inverse reads: what is written there after the switch does not come back."""
    without: tuple[str, ...]
    """Tables that transforms write and no inverse brings back."""


def make_reverse_plan(
    declarations: Declarations,
    forward: MigrationPlan,
    new: Mapping[str, Table],
    old: Mapping[str, Table],
    *,
    new_keys: Sequence[ForeignKey] = (),
    old_keys: Sequence[ForeignKey] = (),
    logs_cascades: bool = True,
) -> ReversePlan:
    """Resolve the inverses; raises TransformDeclarationError with every problem found, each with its place.

    Args:
        forward: the plan of the transforms, resolved with the same tables.
        new_keys: foreign keys among the new tables.
        old_keys: foreign keys among the old ones.
        logs_cascades: whether the server writes what foreign keys do to the binlog.
    """
    problems: list[str] = []
    inverses: list[PlannedInverse] = []
    declared: dict[str, Inverse] = {}
    for one in declarations.inverses:
        if one.target in declared:
            problems.append(f'{one.place}: "{one.target}" has an inverse already, at {declared[one.target].place}')
        elif one.target not in new:
            problems.append(f'{one.place}: inverse of "{one.target}": there is no such target table')
        else:
            declared[one.target] = one
            problems += [
                f'{one.place}: inverse of {one.target}: part_of: no source table "{table}"'
                for table in one.part_of
                if table not in old
            ]
    for table in new:
        feeding = tuple((index, one) for index, one in enumerate(forward.transforms) if one.target.name == table)
        if table in declared:
            planned = _declared(declared[table], new, feeding, problems)
        else:
            planned = _copied(new[table], feeding)
        if planned is not None:
            inverses.append(planned)
    if problems:
        raise TransformDeclarationError(problems)
    read = {one.name for one in inverses}
    read |= {join.table for one in inverses for related in one.transform.related for join in related.path}
    cascades = () if logs_cascades else cascades_to([key for key in new_keys if key.parent in new], read)
    transforms = tuple(one.transform for one in inverses)
    schema = next((table.schema for table in new.values()), "")
    sources = source_tables(transforms, new, cascades)
    problems += _unknown_at_the_switch(sources, forward)
    if problems:
        raise TransformDeclarationError(problems)
    stream = MigrationPlan(
        source_schema=schema,
        target_schema=forward.source_schema,
        # What an inverse said of a row before its change is computed from the image before it.
        sources={name: replace(source, before=source.columns) for name, source in sources.items()},
        transforms=transforms,
        dropped=(),
        kept=(),
        unmapped=(),
        cascades=cascades,
    )
    return ReversePlan(
        stream=stream,
        inverses=tuple(inverses),
        forward=forward,
        old=old,
        foreign_keys=tuple(old_keys),
        lost={
            one.name: frozenset(_written(forward, one.name) - one.reads - set(new[one.name].primary_key)) for one in inverses
        },
        without=tuple(sorted(set(forward.targets) - {one.name for one in inverses})),
    )


def _unknown_at_the_switch(sources: Mapping[str, SourceTable], forward: MigrationPlan) -> list[str]:
    """Rows that are staged have to be known as they were at the switch, when they were what the transforms make."""
    problems = []
    for name, source in sources.items():
        made = [one for one in forward.transforms if one.target.name == name]
        for column in () if source.staged is None else source.staged.columns:
            if not all(column in one.target_columns for one in made) or not made:
                what = f'"{name}.{column}" is generated' if made else f'no transform writes "{name}"'
                problems.append(
                    f"inverses: {what}, and it is needed as it was at the switch, for related rows or because of foreign"
                    " keys that the server follows silently: do without it"
                )
                break
    return problems


def _written(forward: MigrationPlan, table: str) -> set[str]:
    return {name for one in forward.transforms if one.target.name == table for name in one.target_columns}


def _declared(
    inverse: Inverse,
    new: Mapping[str, Table],
    feeding: tuple[tuple[int, PlannedTransform], ...],
    problems: list[str],
) -> PlannedInverse | None:
    table = new[inverse.target]
    as_transform = Transform(inverse.target, inverse.target, inverse.place, inverse.function, inverse.related)
    resolver = Resolver(as_transform, new, new)
    if not table.row_key:
        resolver.problem("the table has no primary key: its rows cannot be told apart")
        problems += [text.replace("transform of", "inverse of", 1) for text in resolver.problems]
        return None
    reads = resolver.reads(table, table)
    own = resolver.own_reads(table, reads)
    related = resolver.related(table, reads)
    if resolver.problems:
        problems += [text.replace("transform of", "inverse of", 1) for text in resolver.problems]
        return None
    needed = own | {column for item in related for join in item.path for _, owner, column in join.on if owner == ""}
    sources = {one.source.name for _, one in feeding}
    return PlannedInverse(
        _as_transform(as_transform, table, needed, related, feeding),
        inverse.function,
        inverse.place,
        next(iter(sources)) if len(sources) == 1 else None,
        frozenset(inverse.part_of),
        frozenset(needed),
        feeding,
    )


def needed_to_insert(table: Table, named: Collection[str]) -> list[str]:
    """Columns that are not `named`, and without which the table takes no new row."""
    return [
        column.name
        for column in table.columns
        if not (column.nullable or column.has_default or column.auto_increment or column.generated or column.name in named)
    ]


def _copied(table: Table, feeding: tuple[tuple[int, PlannedTransform], ...]) -> PlannedInverse | None:
    """The inverse that a copy by names has by itself: none where the source takes no row without a column that is left out."""
    if len(feeding) != 1 or feeding[0][1].copied is None:
        return None
    (_, copy), = feeding
    assert copy.copied is not None
    writable = [
        (origin, name)
        for origin, name in zip(copy.copied, copy.target_columns, strict=True)
        if not copy.source.by_name[origin].generated
    ]
    if needed_to_insert(copy.source, {origin for origin, _ in writable}):
        return None

    def back(row: Any) -> dict[str, Any]:
        return {origin: row[name] for origin, name in writable}

    declaration = Transform(table.name, table.name, copy.declaration.place, back)
    return PlannedInverse(
        _as_transform(declaration, table, {name for _, name in writable}, (), feeding),
        back,
        copy.declaration.place,
        copy.source.name,
        frozenset(),
        frozenset(name for _, name in writable),
        feeding,
    )


def _as_transform(
    declaration: Transform, table: Table, needed: set[str], related: Any, feeding: tuple[tuple[int, PlannedTransform], ...]
) -> PlannedTransform:
    names = {name for _, one in feeding for name in one.key_columns} | {name for _, one in feeding for name, _ in one.constants}
    return PlannedTransform(
        declaration=declaration,
        source=table,
        target=table,
        columns=ordered(table, needed | names | set(table.row_key)),
        target_columns=(),
        unit_columns=table.row_key,
        key_columns=table.row_key,
        constants=(),
        related=related,
    )
