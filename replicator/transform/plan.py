"""Declarations held against the two schemas: what each transform reads, what must be staged, what the stream must carry.

A transform is *direct* when it sees only its own row: it is applied straight from the row image. It is *staged* when it
sees other rows too: the columns it needs are kept on the target server, and its units are computed from there.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from replicator.errors import TransformDeclarationError
from replicator.mysql.catalog import Column, ForeignKey, Table
from replicator.transform.declarations import Const, Declarations, LegacyView, Related, Transform, Unmapped
from replicator.transform.reads import columns_read

_CASCADING = {"CASCADE", "SET NULL"}


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
        left = dict.fromkeys(key.table for key in self.cascades if key.table in parents_of or key.on_update in _CASCADING)
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


def make_plan(
    declarations: Declarations,
    source: Mapping[str, Table],
    target: Mapping[str, Table],
    foreign_keys: Sequence[ForeignKey] = (),
    *,
    logs_cascades: bool = True,
) -> MigrationPlan:
    """Resolve the declarations; raises TransformDeclarationError with every problem found, each with its place."""
    problems: list[str] = []
    transforms: list[PlannedTransform] = []
    for declaration in declarations.transforms:
        resolver = Resolver(declaration, source, target)
        planned = resolver.resolve()
        problems += resolver.problems
        if planned is not None and not resolver.problems:
            transforms.append(planned)
    problems += _unit_problems(transforms)
    problems += _naming_problems(declarations, source)
    problems += _view_problems(declarations, target)
    if problems:
        raise TransformDeclarationError(problems)
    read = {transform.source.name for transform in transforms}
    read |= {related.table.name for transform in transforms for related in transform.related}
    read |= {join.table for transform in transforms for related in transform.related for join in related.path}
    cascades = () if logs_cascades else cascades_to(foreign_keys, read)
    named = {transform.source.name for transform in transforms}
    named |= {unmapped.table for unmapped in (*declarations.dropped, *declarations.kept)}
    schemas = {table.schema for table in source.values()}
    return MigrationPlan(
        source_schema=next(iter(schemas), ""),
        target_schema=next((table.schema for table in target.values()), ""),
        sources=source_tables(transforms, source, cascades),
        transforms=tuple(transforms),
        dropped=tuple(declarations.dropped),
        kept=tuple(declarations.kept),
        views=tuple(declarations.views),
        unmapped=tuple(sorted(set(source) - named - read)),
        cascades=cascades,
        logs_cascades=logs_cascades,
        targets={transform.target.name: transform.target for transform in transforms},
        beside=tuple(sorted(set(target) - {transform.target.name for transform in transforms})),
    )


class Resolver:
    """Resolves one declaration, gathering problems instead of stopping at the first."""

    def __init__(self, declaration: Transform, source: Mapping[str, Table], target: Mapping[str, Table]) -> None:
        self.declaration = declaration
        self.sources = source
        self.targets = target
        self.problems: list[str] = []

    def problem(self, text: str) -> None:
        self.problems.append(f"{self.declaration.place}: transform of {self.declaration.name}: {text}")

    def resolve(self) -> PlannedTransform | None:
        declaration = self.declaration
        source, target = self.sources.get(declaration.source), self.targets.get(declaration.target)
        if source is None:
            self.problem(f'source table "{declaration.source}" does not exist{_hint(declaration.source, self.sources)}')
        elif not source.row_key:
            self.problem(
                f'source table "{source.name}" has no primary key and no unique key without NULLs: add one, its rows'
                " cannot be told apart otherwise"
            )
        if target is None:
            self.problem(f'target table "{declaration.target}" does not exist{_hint(declaration.target, self.targets)}')
        elif not target.primary_key:
            self.problem(f'target table "{target.name}" has no primary key: add one')
        if source is None or target is None or self.problems:
            return None
        reads = self.reads(source, target)
        unit, key_columns, constants = self.key(source, target)
        related = self.related(source, reads)
        needed = set(source.row_key) | set(unit) | set(declaration.group_by)
        needed |= self.own_reads(source, reads)
        for item in related:
            needed |= {column for join in item.path for _, owner, column in join.on if owner == ""}
        for column in declaration.group_by:
            if source.column(column) is None:
                self.problem(f'group_by: no column "{column}" in {source.name}{_hint(column, source.by_name)}')
        return PlannedTransform(
            declaration=declaration,
            source=source,
            target=target,
            columns=ordered(source, needed),
            target_columns=tuple(column.name for column in target.columns if not column.generated),
            unit_columns=unit,
            key_columns=key_columns,
            constants=constants,
            related=related,
        )

    # What the function reads ------------------------------------------------------------------------------

    def reads(self, source: Table, target: Table) -> dict[str, frozenset[str] | None]:
        """Parameter → columns read; the transform's own row goes by ""."""
        declaration = self.declaration
        if declaration.function is None:
            return {"": self.copied(source, target)}
        parameters = list(inspect.signature(declaration.function).parameters)
        expected = 1 + len(declaration.related)
        if len(parameters) != expected or set(parameters[1:]) != set(declaration.related):
            names = ", ".join(["rows" if declaration.group_by else "row", *declaration.related])
            self.problem(f"the function takes ({', '.join(parameters)}), it will be given ({names})")
            return {}
        many = {parameters[0]: bool(declaration.group_by)}
        many |= {name: related.kind == "many" for name, related in declaration.related.items()}
        found = columns_read(declaration.function, many)
        found[""] = found.pop(parameters[0])
        return found

    def copied(self, source: Table, target: Table) -> frozenset[str]:
        declaration = self.declaration
        for name in (*declaration.rename, *declaration.omit):
            if name not in source.by_name:
                self.problem(f'no column "{name}" in source table {source.name}{_hint(name, source.by_name)}')
        names = {column: declaration.rename.get(column, column) for column in source.by_name}
        wanted = {column.name for column in target.columns if not column.generated}
        for column, name in names.items():
            generated = name in target.by_name and target.by_name[name].generated
            if column not in declaration.omit and name not in wanted and not generated:
                self.problem(f'column "{column}" has no "{name}" in {target.name}: rename it or list it in omit')
        copied = {name: column for column, name in names.items() if column not in declaration.omit}
        for name in sorted(wanted - set(copied)):
            self.problem(f'target column "{target.name}.{name}" gets no value: write a transform function')
        return frozenset(column for name, column in copied.items() if name in wanted)

    def own_reads(self, source: Table, reads: Mapping[str, frozenset[str] | None]) -> set[str]:
        return self.known(source, reads.get("", frozenset()))

    def known(self, table: Table, columns: frozenset[str] | None) -> set[str]:
        if columns is None:
            return set(table.by_name)
        for name in sorted(columns - set(table.by_name)):
            self.problem(f'no column "{name}" in {table.name}{_hint(name, table.by_name)}')
        return set(columns & set(table.by_name))

    # Key --------------------------------------------------------------------------------------------------

    def key(self, source: Table, target: Table) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str | int], ...]]:
        declaration = self.declaration
        key = declaration.key
        if key is None:
            renamed = {name: column for column, name in declaration.rename.items()}
            key = tuple((name, renamed.get(name, name)) for name in target.primary_key)
            if any(column not in source.by_name for _, column in key):
                self.problem(
                    f"the target's primary key ({', '.join(target.primary_key)}) is not in {source.name}: say which rows"
                    " belong to a source row with key={target column: source column}"
                )
                return (), (), ()
        for name, origin in key:
            if name not in target.by_name:
                self.problem(f'key: no column "{name}" in target table {target.name}{_hint(name, target.by_name)}')
            if isinstance(origin, str) and origin not in source.by_name:
                self.problem(f'key: no column "{origin}" in {source.name}{_hint(origin, source.by_name)}')
        pairs = [(name, origin) for name, origin in key if isinstance(origin, str)]
        unit = tuple(origin for _, origin in pairs)
        if declaration.group_by:
            if set(unit) != set(declaration.group_by):
                self.problem(f"key must map exactly the group_by columns ({', '.join(declaration.group_by)})")
        elif not self.problems and not source.covers_unique(unit):
            self.problem(f"key ({', '.join(unit)}) does not name one row of {source.name}: use columns that hold a unique key")
        return (
            unit,
            tuple(name for name, _ in pairs),
            tuple((name, origin.value) for name, origin in key if isinstance(origin, Const)),
        )

    # Related ----------------------------------------------------------------------------------------------

    def related(self, source: Table, reads: Mapping[str, frozenset[str] | None]) -> tuple[PlannedRelated, ...]:
        joins: dict[str, tuple[Join, ...]] = {}
        tables: dict[str, Table] = {"": source}
        pending = dict(self.declaration.related)
        while pending:
            ready = [name for name, related in pending.items() if _owners(related) <= tables.keys()]
            if not ready:
                self.problem(f"related {', '.join(pending)}: reaches through a name that is not declared")
                return ()
            for name in ready:
                related = pending.pop(name)
                table = self.sources.get(related.table)
                if table is None or not table.row_key:
                    why = "does not exist" if table is None else "has no primary key"
                    self.problem(f'related "{name}": table "{related.table}" {why}{_hint(related.table, self.sources)}')
                    return ()
                tables[name] = table
                joins[name] = self.path(name, related, tables, joins)
        return tuple(
            PlannedRelated(
                name,
                related.kind == "many",
                tables[name],
                ordered(
                    tables[name],
                    self.known(tables[name], reads.get(name, frozenset())) | set(tables[name].row_key) | set(related.order_by),
                ),
                (*related.order_by, *(column for column in tables[name].row_key if column not in related.order_by)),
                joins[name],
            )
            for name, related in self.declaration.related.items()
        )

    def path(
        self, name: str, related: Related, tables: Mapping[str, Table], joins: Mapping[str, tuple[Join, ...]]
    ) -> tuple[Join, ...]:
        on: list[tuple[str, str, str]] = []
        for column, origin in related.where:
            owner, _, owner_column = origin.rpartition(".")
            for table, wanted in ((tables[name], column), (tables[owner], owner_column)):
                if wanted not in table.by_name:
                    self.problem(f'related "{name}": no column "{wanted}" in {table.name}{_hint(wanted, table.by_name)}')
            on.append((column, owner, owner_column))
        for column in related.order_by:
            if column not in tables[name].by_name:
                self.problem(f'related "{name}": order_by: no column "{column}" in {related.table}')
        before: list[Join] = []
        for owner in dict.fromkeys(owner for _, owner, _ in on if owner):
            before += [join for join in joins[owner] if join not in before]
        return (*before, Join(name, related.table, tuple(on)))


def _owners(related: Related) -> set[str]:
    return {origin.rpartition(".")[0] for _, origin in related.where}


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f': did you mean "{close[0]}"?' if close else ""


def ordered(table: Table, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns that are named, in table order."""
    wanted = set(names)
    return tuple(column.name for column in table.columns if column.name in wanted)


def _unit_problems(transforms: Sequence[PlannedTransform]) -> list[str]:
    """Two transforms that feed one target must have disjoint keys."""
    problems = []
    for index, first in enumerate(transforms):
        for second in transforms[index + 1 :]:
            if first.target.name != second.target.name:
                continue
            right, by_name = dict(second.constants), first.target.by_name
            if not any(name in right and _differ(by_name[name], value, right[name]) for name, value in first.constants):
                problems.append(
                    f"{second.declaration.place}: {first.name} and {second.name} feed the same table: give both a key with a"
                    " different const(...) in the same column, so that their rows cannot meet"
                )
    return problems


def _differ(column: Column, one: object, other: object) -> bool:
    """Whether the column tells the two constants apart for certain: what equals a text beyond ASCII only the server knows."""
    if not (column.is_text and isinstance(one, str) and isinstance(other, str)):
        return one != other
    if (column.collation or "").endswith("_bin"):
        return one.rstrip(" ") != other.rstrip(" ")
    plain = all(text.isascii() and text.isprintable() for text in (one, other))
    return plain and one.lower().rstrip(" ") != other.lower().rstrip(" ")


def _naming_problems(declarations: Declarations, source: Mapping[str, Table]) -> list[str]:
    problems = []
    seen: dict[str, str] = {}
    used = {declaration.source for declaration in declarations.transforms}
    for unmapped in (*declarations.dropped, *declarations.kept):
        if unmapped.table not in source:
            problems.append(f'{unmapped.place}: no source table "{unmapped.table}"{_hint(unmapped.table, source)}')
        if unmapped.table in seen or unmapped.table in used:
            problems.append(f'{unmapped.place}: "{unmapped.table}" is already named elsewhere: a table has one fate')
        if not unmapped.reason.strip():
            problems.append(f'{unmapped.place}: "{unmapped.table}" needs a reason')
        seen[unmapped.table] = unmapped.place
    return problems


def _view_problems(declarations: Declarations, target: Mapping[str, Table]) -> list[str]:
    problems, seen = [], dict.fromkeys(target, "is a target table")
    seen |= {kept.table: "stays where it is" for kept in declarations.kept}
    for view in declarations.views:
        if view.name in seen:
            problems.append(f'{view.place}: the name of the legacy view "{view.name}" is taken: it {seen[view.name]}')
        if not view.query.upper().startswith(("SELECT", "WITH")):
            problems.append(f'{view.place}: the legacy view "{view.name}" needs a SELECT on the new tables')
        seen[view.name] = "is a legacy view already"
    return problems


def cascades_to(foreign_keys: Sequence[ForeignKey], read: set[str]) -> tuple[ForeignKey, ...]:
    """Foreign keys through which an unlogged change can reach a table that is read, nearest first."""
    reached, found = set(read), dict[str, ForeignKey]()
    while True:
        more = [
            key
            for key in foreign_keys
            if key.table in reached
            and (key.on_delete in _CASCADING or key.on_update in _CASCADING)
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
