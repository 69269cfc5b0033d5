"""The source: tables, transactions, and a binlog of row images that is ahead of what SELECTs see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from replicator.binlog.events import BinlogEvent, RowsEvent, TransactionEnd, Wanted
from replicator.mysql.position import Position
from tests.model.draw import Draw
from tests.model.server import Answer, Daemon, Database, Link
from tests.model.shop import ACTIONS, COLUMNS, SOURCE, Row, Tables, Variant, create_statements, source_tables

_FILE = "binlog.000001"
_FIRST, _STEP = 100, 10
_IDS = {"team": range(3), "person": range(-1, 4), "entry": range(6)}
_ELSEWHERE = 99
"""The key that a row has while two rows change theirs."""

Kind = Literal["insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """One row's images as the binlog has them."""

    table: str
    kind: Kind
    before: Row | None
    after: Row | None
    foreign_keys: bool


def position(version: int) -> Position:
    """The boundary behind that many transactions."""
    return Position(_FILE, _FIRST + _STEP * version)


def version_at(place: Position) -> int:
    """The inverse; raises ValueError for a position inside a transaction."""
    version, rest = divmod(place.pos - _FIRST, _STEP)
    if rest or place.file != _FILE:
        raise ValueError(f"{place} is no boundary")
    return version


class Source(Database):
    """See the module. A version is a number of transactions."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__([SOURCE], daemon)
        for statement in create_statements(source_tables().values()):
            self.sql.execute(statement)
        self.begin("plain")

    def begin(self, variant: Variant) -> None:
        """Forget everything."""
        self.empty()
        self.silent = variant == "silent"
        self.now: dict[str, dict[int, Row]] = {name: {} for name in COLUMNS}
        self.states: list[Tables] = [self._copied()]
        self.log: list[list[Change]] = []
        self.visible = 0
        """The version that SELECTs see."""
        self.oldest = 0
        """The version that the slowest reader may still see."""
        self.stale: Callable[[], int] = lambda: 0
        """How many versions ago a reader began whose rows are only now written."""
        self._shown = 0

    # Writing ----------------------------------------------------------------------------------------------

    def commit(self, changes: list[Change], *, seen: bool) -> None:
        """A transaction has been made of `now`; `seen`: it and all before it become visible."""
        self.log.append(changes)
        self.states.append(self._copied())
        if seen:
            self.visible = len(self.log)

    def _copied(self) -> Tables:
        return {name: dict(rows) for name, rows in self.now.items()}

    # Reading ----------------------------------------------------------------------------------------------

    def special(self, link: Link, statement: str) -> Answer | None:
        snapshot: int | None = getattr(link, "snapshot", None)
        if statement == "START TRANSACTION WITH CONSISTENT SNAPSHOT":
            link.snapshot = self.visible  # type: ignore[attr-defined]
            return [], []
        if statement in ("COMMIT", "ROLLBACK"):
            link.snapshot = None  # type: ignore[attr-defined]
            return [], []
        if statement.startswith("SHOW STATUS LIKE 'binlog_snapshot"):
            place = position(self.visible if snapshot is None else snapshot)
            return [("Binlog_snapshot_file", place.file), ("Binlog_snapshot_position", str(place.pos))], ["a", "b"]
        if statement == "SHOW MASTER STATUS":
            place = position(len(self.log))
            return [(place.file, place.pos, "", "")], ["File", "Position", "c", "d"]
        if statement.startswith(("SELECT BINLOG_GTID_POS", "SELECT @@GLOBAL.gtid_binlog_pos")):
            return [("",)], ["gtid"]
        if (found := super().special(link, statement)) is not None:
            return found
        self._show(max(self.oldest, self.visible - self.stale()) if snapshot is None else snapshot)
        return None

    def _show(self, version: int) -> None:
        """Have the tables hold what they did then."""
        if version == self._shown:
            return
        was, wanted = self.states[self._shown], self.states[version]
        for name, columns in COLUMNS.items():
            gone = [(key,) for key, row in was[name].items() if wanted[name].get(key) != row]
            come = [row for key, row in wanted[name].items() if was[name].get(key) != row]
            self.sql.executemany(f"DELETE FROM `{SOURCE}`.`{name}` WHERE id = ?", gone)
            self.sql.executemany(f"INSERT INTO `{SOURCE}`.`{name}` VALUES ({', '.join('?' * len(columns))})", come)
        self._shown = version

    def events(
        self, since: Position, wanted: Callable[[str, str], Wanted | None], count: Callable[[], None]
    ) -> Iterator[BinlogEvent]:
        """What stands in the binlog behind a boundary; `count` hears of every event."""
        for version in range(version_at(since), len(self.log)):
            changes = self.log[version]
            for change in changes:
                want = wanted(SOURCE, change.table)
                if want is None:
                    continue
                count()
                pair = (_picked(change, change.before, want.before), _picked(change, change.after, want.after))
                yield RowsEvent(SOURCE, change.table, change.kind, [pair], change.foreign_keys)
            yield TransactionEnd(position(version + 1), float(version + 1), len(changes))


def _picked(change: Change, row: Row | None, names: tuple[str, ...]) -> Row | None:
    columns = COLUMNS[change.table]
    return None if row is None else tuple([row[columns.index(name)] for name in names])


@dataclass(slots=True)
class Writing:
    """One transaction of an application, statement by statement."""

    source: Source
    draw: Draw
    foreign_keys: bool = True
    changes: list[Change] = field(default_factory=list)

    def run(self) -> list[Change]:
        """Some statements."""
        draw = self.draw
        size = (1, 1, 1, 2, 2, 3, 4, 6)[draw.below(8)]
        self.foreign_keys = draw.below(8) != 0
        for _ in range(size):
            table = ("entry", "entry", "person", "person", "person", "team", "team", "team")[draw.below(8)]
            self._statement(table)
        return self.changes

    def _statement(self, table: str) -> None:
        draw = self.draw
        rows = self.source.now[table]
        key = _IDS[table][draw.below(len(_IDS[table]))]
        kind = draw.below(8)
        row = rows.get(key)
        if row is None:
            self._set(table, None, self._row(table, key))
        elif kind < 3:
            fresh = self._row(table, key)
            place = 1 + draw.below(len(row) - 1)
            self._set(table, row, (*row[:place], fresh[place], *row[place + 1 :]))
        elif kind == 3:
            self._set(table, row, None)
        elif kind == 4 or (kind == 6 and table == "team"):
            self._set(table, row, None)
            self._set(table, None, self._row(table, key))
        elif kind == 5:
            self._move(table, key, _IDS[table][draw.below(len(_IDS[table]))])
        elif kind == 6:
            self._set(table, row, self._row(table, key))
        else:
            place = 1 + draw.below(len(row) - 1)
            value = self._row(table, key)[place]
            for other in list(rows.values()) if COLUMNS[table][place] != "badge" else [row]:
                self._set(table, other, (*other[:place], value, *other[place + 1 :]))

    def _row(self, table: str, key: int) -> Row:
        draw = self.draw
        if table == "team":
            return key, draw.of((None, 1, 2)), draw.of((1, 1, 0))
        if table == "person":
            return key, self._reference("team", draw.of((None, 0, 1, 2))), draw.of((None, 0, 1, 2)), draw.of((1, 2, 0, 3))
        return key, self._reference("person", draw.of((None, -1, 0, 1, 2))), draw.of((None, 0, 1, 2)), draw.of((1, 2, -1, 0))

    def _reference(self, parent: str, key: int | None) -> int | None:
        if self.source.silent and self.foreign_keys and key not in self.source.now[parent]:
            return None
        return key

    def _move(self, table: str, key: int, other: int) -> None:
        rows = self.source.now[table]
        if key == other or (table == "person" and self._referred({key, other})):
            return
        if other in rows:
            self._set(table, rows[other], (_ELSEWHERE, *rows[other][1:]))
        self._set(table, rows[key], (other, *rows[key][1:]))
        if _ELSEWHERE in rows:
            self._set(table, rows[_ELSEWHERE], (key, *rows[_ELSEWHERE][1:]))

    def _referred(self, people: set[int]) -> bool:
        """Whether the server refuses to give them other keys."""
        return self.source.silent and self.foreign_keys and any(row[1] in people for row in self.source.now["entry"].values())

    def _set(self, table: str, before: Row | None, after: Row | None) -> None:
        """Write a row, with what the server's keys make of that."""
        if before == after:
            return
        if table == "person" and after is not None and after[2] is not None:
            holder = next((row for row in self.source.now["person"].values() if row[2] == after[2]), None)
            if holder is not None and (before is None or holder[0] != before[0]):
                # Unique values are swapped.
                self._write("person", holder, (*holder[:2], None, *holder[3:]))
                self._write("person", before, after)
                if before is not None and before[2] is not None and after[0] != holder[0]:
                    self._write("person", (*holder[:2], None, *holder[3:]), (*holder[:2], before[2], *holder[3:]))
                return
        self._write(table, before, after)

    def _write(self, table: str, before: Row | None, after: Row | None, *, logged: bool = True) -> None:
        rows = self.source.now[table]
        if before is not None:
            del rows[_key(before)]
        if after is not None:
            assert _key(after) not in rows
            rows[_key(after)] = after
        if logged:
            kind: Kind = "insert" if before is None else "delete" if after is None else "update"
            self.changes.append(Change(table, kind, before, after, self.foreign_keys))
        if self.source.silent and self.foreign_keys and before is not None and (after is None or after[0] != before[0]):
            self._follow(table, before, after)

    def _follow(self, parent: str, before: Row, after: Row | None) -> None:
        """Foreign keys act, and the binlog does not say so."""
        for key in ACTIONS:
            if key.parent != parent:
                continue
            place = COLUMNS[key.table].index(key.columns[0])
            for row in [row for row in self.source.now[key.table].values() if row[place] == before[0]]:
                if after is None and key.on_delete == "CASCADE":
                    self._write(key.table, row, None, logged=False)
                else:
                    value = None if after is None else after[0]
                    self._write(key.table, row, (*row[:place], value, *row[place + 1 :]), logged=False)


def _key(row: Row) -> int:
    key = row[0]
    assert key is not None
    return key

