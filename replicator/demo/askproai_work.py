"""One transaction of the demo's application: what its operations are written with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from pymysql.cursors import Cursor

from replicator.demo.askproai_ledger import TOKENS, Fact, Key, Values
from replicator.demo.askproai_world import uuid
from replicator.mysql.sql import quote, quote_list


class Skip(Exception):
    """There is nothing to do for this operation now: another one is chosen."""


class Keys:
    """A set of keys that one can pick from at random."""

    def __init__(self) -> None:
        self._list: list[Key] = []
        self._place: dict[Key, int] = {}

    def add(self, key: Key) -> None:
        """Does nothing where it is in already."""
        if key not in self._place:
            self._place[key] = len(self._list)
            self._list.append(key)

    def discard(self, key: Key) -> None:
        """Does nothing where it is not in."""
        place = self._place.pop(key, None)
        if place is not None:
            last = self._list.pop()
            if last != key:
                self._list[place] = last
                self._place[last] = place

    def pick(self, rng: Random) -> Key:
        """Any of them. Raises Skip if there is none."""
        if not self._list:
            raise Skip
        return rng.choice(self._list)

    def __len__(self) -> int:
        return len(self._list)


@dataclass(slots=True)
class Tenant:
    """A company, which one client alone writes to, and the keys of its rows, by tables of the new schema.

    That only one client writes to a row is what makes the ledger exact: the order of its own acknowledgements is the
    order of the row's values.
    """

    id: int
    keys: dict[str, Keys] = field(default_factory=dict)

    def of(self, table: str) -> Keys:
        """The keys of a table."""
        return self.keys.setdefault(table, Keys())

    def learn(self, facts: list[Fact]) -> None:
        """What a committed transaction has made and removed."""
        for fact in facts:
            if fact.values is None:
                self.of(fact.table).discard(fact.key)
            else:
                self.of(fact.table).add(fact.key)


@dataclass(slots=True)
class Work:
    """A transaction under way."""

    rng: Random
    tenant: Tenant
    token: str
    """The mark that it leaves in every row it writes."""
    cascades: bool
    """Whether it may leave the deletion of children to the server."""
    cursor: Cursor = field(init=False)
    apart: bool = False
    """Its rows are not for other operations to pick."""
    _facts: dict[tuple[str, Key], Values | None] = field(default_factory=dict)

    @property
    def facts(self) -> list[Fact]:
        """What it makes of each row, one fact a row."""
        return [Fact(table, key, values) for (table, key), values in self._facts.items()]

    @property
    def now(self) -> str:
        """UTC, to the second."""
        return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")

    def slot(self) -> tuple[str, str]:
        """Start and end of an appointment in the next two months."""
        start = datetime.now(UTC).replace(minute=0, second=0) + timedelta(
            days=self.rng.randrange(60), minutes=15 * self.rng.randrange(40)
        )
        return start.strftime("%Y-%m-%d %H:%M:%S"), (start + timedelta(minutes=45)).strftime("%Y-%m-%d %H:%M:%S")

    def uuid(self) -> str:
        """A new one."""
        return uuid(self.rng)

    def chance(self, share: float) -> bool:
        """True in that share of the cases."""
        return self.rng.random() < share

    def pick(self, table: str) -> Any:
        """The id of any row of the tenant in a table of the new schema. Raises Skip if there is none."""
        return self.tenant.of(table).pick(self.rng)[-1]

    def pick_or_none(self, table: str, share: float) -> Any:
        """The same in that share of the cases; None in the others and if there is none."""
        return self.pick(table) if self.chance(share) and self.tenant.of(table) else None

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        self.cursor.execute(sql, values)
        return list(self.cursor.fetchall())

    def ids(self, sql: str, *values: Any) -> list[Any]:
        """The first column of a query."""
        return [row[0] for row in self.rows(sql, *values)]

    def insert(self, table: str, **values: Any) -> int:
        """Insert a row and return the number that the server gave it, if it did."""
        sql = f"INSERT INTO {quote(table)} ({quote_list(values)}) VALUES ({', '.join(['%s'] * len(values))})"
        self.cursor.execute(sql, tuple(values.values()))
        return self.cursor.lastrowid or 0

    def update(self, table: str, id: int | str, **values: Any) -> None:  # noqa: A002
        """Set columns of the row with this id. Raises Skip where there is no such row any more."""
        assignments = ", ".join(f"{quote(name)} = %s" for name in values)
        self.cursor.execute(f"UPDATE {quote(table)} SET {assignments} WHERE `id` = %s", (*values.values(), id))
        if self.cursor.rowcount != 1:  # the token is new, so that a row that is found is also changed
            raise Skip

    def delete(self, table: str, id: int | str) -> None:  # noqa: A002
        """Delete the row with this id. Raises Skip where there is no such row any more."""
        if self.cursor.execute(f"DELETE FROM {quote(table)} WHERE `id` = %s", (id,)) != 1:
            raise Skip

    def says(self, table: str, id: int | str, **values: Any) -> None:  # noqa: A002
        """The row now carries the token, and these values."""
        self.knows(table, (id,), **{TOKENS[table]: self.token}, **values)

    def knows(self, table: str, key: Key, **values: Any) -> None:
        """The row is there, with these values."""
        self._facts[table, key] = {**(self._facts.get((table, key)) or {}), **values}

    def vanished(self, table: str, key: Key) -> None:
        """The row with this key is no more."""
        self._facts[table, key] = None

    def gone(self, table: str, *ids: int | str) -> None:
        """These rows are no more."""
        self._facts |= {(table, (key,)): None for key in ids}
