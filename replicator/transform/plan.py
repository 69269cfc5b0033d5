"""A migration resolved: what each transform reads, what must be staged, what the stream must carry. `planner` makes it.

A transform is *direct* when it sees only its own row: it is applied straight from the row image. It is *staged* when it
sees other rows too: the columns it needs are kept on the target server, and its units are computed from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from replicator.mysql.catalog import CASCADING, ForeignKey, Table
from replicator.transform.declarations import LegacyView, Transform, Unmapped


@dataclass(frozen=True, slots=True)
class Join:
    """One step from a row to a related one: `column` of `table` equals `owner_column` of the row known as `owner`."""

    name: str
    table: str
    on: tuple[tuple[str, str, str], ...]
    """(column of `table`, name of the owner — "" is the transform's own row —, column of the owner)."""


@dataclass(frozen=True, slots=True)
class PlannedRelated:
    """A related parameter: how to get there and what is read of it."""

    name: str
    many: bool
    table: Table
    columns: tuple[str, ...]
    order: tuple[str, ...]
    path: tuple[Join, ...]
    """Joins from the transform's own row; the last one is this table."""


@dataclass(frozen=True, slots=True)
class PlannedTransform:
    """A transform with everything known about both ends."""

    declaration: Transform
    source: Table
    target: Table
    columns: tuple[str, ...]
    """Source columns it needs: read by the function, by the key, by related rows, and the row key."""
    target_columns: tuple[str, ...]
    """All but the generated columns, in table order: the order of every produced row."""
    unit_columns: tuple[str, ...]
    """Source columns that name a unit."""
    key_columns: tuple[str, ...]
    """Target columns that hold `unit_columns`, in the same order."""
    constants: tuple[tuple[str, str | int], ...]
    """Target columns that have one value in every row of this transform."""
    related: tuple[PlannedRelated, ...]

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.declaration.name

    @property
    def staged(self) -> bool:
        """Whether it sees more than its own row."""
        return bool(self.related or self.declaration.group_by)

    @property
    def grouped(self) -> bool:
        """Whether its units are groups of source rows."""
        return bool(self.declaration.group_by)

    @property
    def spelled(self) -> bool:
        """Whether a unit may go by several spellings of its key: a group by text."""
        return self.grouped and any(self.source.by_name[name].is_text for name in self.unit_columns)

    @property
    def respelled(self) -> bool:
        """Whether the target tells spellings apart that are one group in the source."""
        source, target = self.source.by_name, self.target.by_name
        pairs = zip(self.unit_columns, self.key_columns, strict=True)
        return self.spelled and any(source[one].collation != target[other].collation for one, other in pairs)

    @property
    def keyed_by_primary(self) -> bool:
        """Whether a unit is at most one target row, named by the primary key."""
        return set(self.key_columns) == set(self.target.primary_key)

    @property
    def copied(self) -> tuple[str, ...] | None:
        """For a copy by names: the source column of each target column."""
        if self.declaration.function is not None:
            return None
        names = {target: source for source, target in self.declaration.rename.items()}
        return tuple(names.get(column, column) for column in self.target_columns)


@dataclass(frozen=True, slots=True)
class StagedTable:
    """Columns of a source table kept on the target server."""

    table: Table
    columns: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class SourceTable:
    """What the copy and the stream must carry of one source table."""

    table: Table
    columns: tuple[str, ...]
    """Of after-images and of the copy."""
    before: tuple[str, ...]
    """Of before-images."""
    direct: tuple[PlannedTransform, ...]
    staged: StagedTable | None


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """The whole migration, resolved."""

    source_schema: str
    target_schema: str
    sources: Mapping[str, SourceTable]
    transforms: tuple[PlannedTransform, ...]
    dropped: tuple[Unmapped, ...]
    kept: tuple[Unmapped, ...]
    unmapped: tuple[str, ...]
    """Source tables that nothing names."""
    cascades: tuple[ForeignKey, ...] = ()
    """Foreign keys whose actions the source does not log and whose child is read here."""
    targets: Mapping[str, Table] = field(default_factory=dict)
    """Target tables that transforms write."""
    logs_cascades: bool = True
    """Whether the source writes what foreign keys do to its binlog."""
    beside: tuple[str, ...] = ()
    """Tables of the target schema that no transform writes: they come along empty, or as they are."""
    views: tuple[LegacyView, ...] = ()

    def source_sql(self, table: str) -> str:
        """The quoted name of a source table, wherever it is now."""
        return self.sources[table].table.sql

    @property
    def new_tables(self) -> tuple[str, ...]:
        """All that is in the source schema after a cutover, besides the kept tables."""
        return tuple(sorted((*self.targets, *self.beside)))

    @property
    def silent(self) -> tuple[tuple[str, ...], ...]:
        """Source tables that have to be copied at one position because of what foreign keys do to them unlogged, in
        groups: parents before their children, and together those whose foreign keys go round in a circle.

        A child that is nobody's parent, and whose own key nobody updates, is not among them: a deletion that is derived
        too much is mended by the logged event that brought the row to that parent, and nothing follows from it.
        """
        parents_of = {key.parent for key in self.cascades}
        left = dict.fromkeys(key.table for key in self.cascades if key.table in parents_of or key.on_update in CASCADING)
        parents = {table: {key.parent for key in self.cascades if key.table == table} - {table} for table in left}
        groups: list[tuple[str, ...]] = []
        while left:
            ready = [table for table in left if not parents[table] & left.keys()]
            groups += [(table,) for table in ready] or [tuple(left)]
            for table in ready or list(left):
                del left[table]
        return tuple(groups)

    @property
    def staged(self) -> tuple[PlannedTransform, ...]:
        """Transforms computed from staging."""
        return tuple(transform for transform in self.transforms if transform.staged)


def ordered(table: Table, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns that are named, in table order."""
    wanted = set(names)
    return tuple(column.name for column in table.columns if column.name in wanted)
