"""One declaration held against the two schemas."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping

from replicator.mysql.catalog import Table
from replicator.mysql.literals import encoder
from replicator.mysql.sql import quote
from replicator.transform.comparing import comparable_columns, type_text
from replicator.transform.declarations import Const, Related, Transform
from replicator.transform.plan import Join, PlannedRelated, PlannedTransform, ordered
from replicator.transform.reads import columns_read


class Resolver:
    """Resolves one declaration, gathering problems instead of stopping at the first."""

    def __init__(self, declaration: Transform, source: Mapping[str, Table], target: Mapping[str, Table]) -> None:
        self.declaration = declaration
        self.sources = source
        self.targets = target
        self.problems: list[str] = []
        """Each with its place."""

    def problem(self, text: str) -> None:
        """Note what is wrong with the declaration; its place is put in front."""
        self.problems.append(f"{self.declaration.place}: transform of {self.declaration.name}: {text}")

    def resolve(self) -> PlannedTransform | None:
        """None where nothing can be said without a table; where there are `problems` what is returned is worth nothing."""
        declaration = self.declaration
        source, target = self.sources.get(declaration.source), self.targets.get(declaration.target)
        if source is None:
            self.problem(f'source table "{declaration.source}" does not exist{hint(declaration.source, self.sources)}')
        elif not source.row_key:
            self.problem(
                f'source table "{source.name}" has no primary key and no unique key without NULLs: add one, its rows'
                " cannot be told apart otherwise"
            )
        if target is None:
            self.problem(f'target table "{declaration.target}" does not exist{hint(declaration.target, self.targets)}')
        elif not target.primary_key:
            self.problem(f'target table "{target.name}" has no primary key: add one')
        elif generated := [name for name in target.primary_key if target.by_name[name].generated]:
            self.problem(
                f'the primary key of target table "{target.name}" has the generated column {generated[0]}, which no transform'
                " writes: make it an ordinary column, and return its value"
            )
        if source is None or target is None or self.problems:
            return None
        reads = self.reads(source, target)
        unit, key_columns, constants = self._key(source, target)
        related = self.related(source, reads)
        needed = set(source.row_key) | set(unit) | set(declaration.group_by)
        needed |= self.own_reads(source, reads)
        for item in related:
            needed |= {column for join in item.path for _, owner, column in join.on if owner == ""}
        for column in declaration.group_by:
            if source.column(column) is None:
                self.problem(f'group_by: no column "{column}" in {source.name}{hint(column, source.by_name)}')
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
        """Parameter → columns read, None where it may be all; the transform's own row goes by ""."""
        declaration = self.declaration
        if declaration.function is None:
            return {"": self._copied(source, target)}
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

    def _copied(self, source: Table, target: Table) -> frozenset[str]:
        declaration = self.declaration
        for name in (*declaration.rename, *declaration.omit):
            if name not in source.by_name:
                self.problem(f'no column "{name}" in source table {source.name}{hint(name, source.by_name)}')
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
        """Columns read of the transform's own row; each that is not there is a problem."""
        return self._known(source, reads.get("", frozenset()))

    def _known(self, table: Table, columns: frozenset[str] | None) -> set[str]:
        if columns is None:
            return set(table.by_name)
        for name in sorted(columns - set(table.by_name)):
            self.problem(f'no column "{name}" in {table.name}{hint(name, table.by_name)}')
        return set(columns & set(table.by_name))

    # Key --------------------------------------------------------------------------------------------------

    def _key(self, source: Table, target: Table) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str | int], ...]]:
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
        for name in dict.fromkeys((*target.primary_key, *(name for name, _ in key))):
            if name in target.by_name and target.by_name[name].generated:
                self.problem(f"{target.name}.{name} is generated and part of a key: rows are known by columns that are written")
        for name, origin in key:
            if name not in target.by_name:
                self.problem(f'key: no column "{name}" in target table {target.name}{hint(name, target.by_name)}')
            elif target.by_name[name].generated:
                self.problem(f"key: {target.name}.{name} is generated: name columns that the transform writes")
            if isinstance(origin, str) and origin not in source.by_name:
                self.problem(f'key: no column "{origin}" in {source.name}{hint(origin, source.by_name)}')
            column = target.by_name.get(name)
            if isinstance(origin, Const) and column is not None:
                try:
                    encoder(column)(origin.value)
                except ValueError as error:
                    self.problem(f"key: const({origin.value!r}) for {target.name}.{name}: {error}")
        pairs = [(name, origin) for name, origin in key if isinstance(origin, str)]
        unit = tuple(origin for _, origin in pairs)
        if declaration.group_by:
            if set(unit) != set(declaration.group_by):
                self.problem(f"key must map exactly the group_by columns ({', '.join(declaration.group_by)})")
        elif not self.problems:
            # Rows with NULLs in a unique key are many; where the target takes no NULL there, they have no target rows.
            present = [
                origin for name, origin in pairs if not (source.by_name[origin].nullable and target.by_name[name].nullable)
            ]
            if not source.covers_unique(present):
                self.problem(
                    f"key ({', '.join(unit)}) does not name one row of {source.name}: use columns that hold a unique key, each"
                    " NOT NULL in the source or in the target"
                )
        return (
            unit,
            tuple(name for name, _ in pairs),
            tuple((name, origin.value) for name, origin in key if isinstance(origin, Const)),
        )

    # Related ----------------------------------------------------------------------------------------------

    def related(self, source: Table, reads: Mapping[str, frozenset[str] | None]) -> tuple[PlannedRelated, ...]:
        """The related parameters in the order of the declaration; none where one of them leads nowhere."""
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
                    self.problem(f'related "{name}": table "{related.table}" {why}{hint(related.table, self.sources)}')
                    return ()
                tables[name] = table
                joins[name] = self._path(name, related, tables, joins)
        return tuple(
            PlannedRelated(
                name,
                related.kind == "many",
                tables[name],
                ordered(
                    tables[name],
                    self._known(tables[name], reads.get(name, frozenset())) | set(tables[name].row_key) | set(related.order_by),
                ),
                (*related.order_by, *(column for column in tables[name].row_key if column not in related.order_by)),
                joins[name],
            )
            for name, related in self.declaration.related.items()
        )

    def _path(
        self, name: str, related: Related, tables: Mapping[str, Table], joins: Mapping[str, tuple[Join, ...]]
    ) -> tuple[Join, ...]:
        on: list[tuple[str, str, str]] = []
        for column, origin in related.where:
            owner, _, owner_column = origin.rpartition(".")
            ends = ((tables[name], column), (tables[owner], owner_column))
            for table, wanted in ends:
                if wanted not in table.by_name:
                    self.problem(f'related "{name}": no column "{wanted}" in {table.name}{hint(wanted, table.by_name)}')
            if all(wanted in table.by_name for table, wanted in ends):
                self._joined(name, *ends)
            on.append((column, owner, owner_column))
        for column in related.order_by:
            if column not in tables[name].by_name:
                self.problem(f'related "{name}": order_by: no column "{column}" in {related.table}')
        before: list[Join] = []
        for owner in dict.fromkeys(owner for _, owner, _ in on if owner):
            before += [join for join in joins[owner] if join not in before]
        return (*before, Join(name, related.table, tuple(on)))

    def _joined(self, name: str, found: tuple[Table, str], owner: tuple[Table, str]) -> None:
        """The two columns of a join have to compare in one way."""
        ends = [(table, table.by_name[column]) for table, column in (found, owner)]
        (_, ours), (_, theirs) = ends
        if comparable_columns(ours, theirs):
            return
        types = ", ".join(f"{table.name}.{column.name} is {type_text(column)}" for table, column in ends)
        if not all(comparable_columns(column, column) for column in (ours, theirs)):
            fix = "such a column joins with none: use another one"
        else:
            if theirs.is_text and not ours.is_text:
                ends.reverse()
            (table, column), (_, other) = ends
            alter = f"ALTER TABLE {table.sql} MODIFY {quote(column.name)} {type_text(other)}"
            fix = f"give one of them the type of the other: {alter}, or the other way round"
        self.problem(f'related "{name}": {types}, which the server compares in more than one way: {fix}')


def _owners(related: Related) -> set[str]:
    return {origin.rpartition(".")[0] for _, origin in related.where}


def hint(name: str, known: Iterable[str]) -> str:
    """To be put behind a message: the known name that may have been meant; nothing where none is close."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f': did you mean "{close[0]}"?' if close else ""
