"""What foreign keys of the old schema do to rows that the way back knows nothing of.

Our sessions check no foreign keys, and a table that no transform makes target rows of has nobody who would delete its rows
for a parent that is gone. So where the old application's DELETE would have taken such children along, so does ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pymysql
from pymysql.constants import ER

from replicator.mysql.catalog import CASCADING, ForeignKey
from replicator.mysql.connection import Connection, error_code, execute, rows
from replicator.mysql.sql import quote
from replicator.reverse.plan import ReversePlan
from replicator.reverse.rows import Follow
from replicator.transform.units import Relation

_DEEPEST = 8


class Followers:
    """The foreign keys whose children follow."""

    def __init__(self, reverse: ReversePlan, staging: Relation) -> None:
        self._staging = staging
        made = {transform.source.name for transform in reverse.forward.transforms}
        self._keys: dict[str, list[ForeignKey]] = defaultdict(list)
        for key in reverse.foreign_keys:
            child, parent = reverse.old.get(key.table), reverse.old.get(key.parent)
            if child is None or parent is None or (key.schema, key.parent_schema) != (child.schema, parent.schema):
                continue
            if key.table not in made and key.on_delete in CASCADING:
                self._keys[key.parent].append(key)
        self._reverse = reverse
        children = {key.table for keys in self._keys.values() for key in keys}
        self._places = {child: reverse.old[child].sql for child in children}

    def of(self, table: str) -> Follow | None:
        """What to do before rows of this table go."""
        if table not in self._keys:
            return None

        def follow(connection: Connection, condition: str) -> None:
            chosen = f"SELECT * FROM {self._reverse.old[table].sql} WHERE {condition}"
            try:
                self._go(connection, table, chosen, ())
            except pymysql.MySQLError as error:
                if error_code(error) != ER.NO_SUCH_TABLE:
                    raise
                self._look(connection)
                self._go(connection, table, chosen, ())

        return follow

    def _look(self, connection: Connection) -> None:
        """Where the children are: dropped tables go to the archive behind a cutover, and come back before a rollback."""
        archive, in_use = self._reverse.forward.source_schema, self._reverse.stream.source_schema
        for schema, table in rows(
            connection,
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN (%s, %s)",
            (archive, in_use),
        ):
            if table in self._places and (schema == archive or table not in self._reverse.forward.new_tables):
                self._places[table] = quote(schema, table)

    def _go(self, connection: Connection, table: str, chosen: str, path: Sequence[str]) -> None:
        """`chosen` selects the rows of `table` that go."""
        for key in self._keys.get(table, ()):
            name = f"{key.table}.{key.name}"
            if name in path or len(path) == _DEEPEST:
                continue
            child = self._places[key.table]
            on = " AND ".join(
                f"c.{quote(own)} = p.{quote(theirs)}" for own, theirs in zip(key.columns, key.parent_columns, strict=True)
            )
            places = [child, *self._staged(key.table)]
            if key.on_delete == "SET NULL":
                nulls = ", ".join(f"c.{quote(column)} = NULL" for column in key.columns)
                for place in places:
                    execute(connection, f"UPDATE {place} AS c JOIN ({chosen}) AS p ON {on} SET {nulls}")
                continue
            self._go(connection, key.table, f"SELECT c.* FROM {child} AS c JOIN ({chosen}) AS p ON {on}", (*path, name))
            for place in places:
                execute(connection, f"DELETE c FROM {place} AS c JOIN ({chosen}) AS p ON {on}")

    def _staged(self, table: str) -> list[str]:
        """The copy that the stream forward keeps of a child; it has the columns of the foreign keys that matter there."""
        source = self._reverse.forward.sources.get(table)
        return [] if source is None or source.staged is None else [self._staging(table)]


