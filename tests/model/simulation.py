"""One history: the engine migrates while an application writes, and processes and connections die.

What runs is `Migration` with its copy, its stream and its applier, as they are. The model has the two servers, the clock (there
is none: threads run at once, where they are started) and the moments: in front of every statement the history may have
the application commit, the daemon killed, or a connection lost. And it looks at every commit of the target.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from replicator.errors import ConnectionLost
from replicator.mysql.position import Position
from replicator.staging import staging_name
from replicator.transform.plan import MigrationPlan
from replicator.verify.compare import Comparer
from replicator.verify.snapshots import Snapshots
from tests.model.draw import Draw
from tests.model.engine import CONFIG, NAME, STATE, AtOnce, Life, running, servers
from tests.model.server import Crash, Fault
from tests.model.shop import COLUMNS, SOURCE, TARGET, Row, Tables, Variant, expected, plan
from tests.model.source import Change, Writing, version_at

_LIVES = 60
"""More deaths than any history has."""


class Violation(BaseException):
    """The promise is broken. No Exception: nobody in the engine may take it for something to try again."""


class Simulation:
    """See the module."""

    def __init__(self, data: bytes) -> None:
        self._draw = draw = Draw(data)
        self.told: list[str] = []
        """What happened, for whoever reads a failure."""
        self.variant: Variant = draw.of(("plain", "silent"))
        self.plan = plan(self.variant)
        self._all_tables = _all_tables(self.plan)
        self.source, self.target = servers()
        self.target.others = lambda: 0
        self.source.moment = self.target.moment = lambda commits: None
        self.target.committed = lambda: None
        self._daemon = self.source.daemon
        self._daemon.dead = False
        self.source.begin(self.variant)
        self.target.empty()
        self.chunk_rows = draw.of((100, 3, 100, 1))
        self.batch_rows = draw.of((1, 3, 8, 500))
        self.piece_events = draw.of((1000, 1, 2))
        self._gap = draw.of((0, 20, 30, 60, 30, 10, 120, 300))
        self._parallel = draw.below(2) == 1
        self._verified = draw.below(4) == 0
        self._over = False
        self._at_commit: Fault | None = None
        """Befalls the next one that commits: it will not hear that it has."""
        self._checked: int | None = None
        """The version that was found right while catching up."""
        self._known: dict[int, dict[str, set[Row]]] = {}
        self.deaths = self.commits = self.exact = 0
        for _ in range(draw.below(8)):
            self._write(seen=draw.below(4) != 3)

    # What happens beside the engine -----------------------------------------------------------------------

    def moment(self, commits: bool) -> Fault | None:
        """In front of a statement."""
        if self._at_commit is not None and commits:
            fault, self._at_commit = self._at_commit, None
            return fault
        if self._over or self._draw.over:
            return None
        if self._gap:
            self._gap -= 1
            return None
        return self._act()

    def _act(self) -> Fault | None:
        draw = self._draw
        self._gap = draw.of((0, 0, 1, 3, 10, 30, 100, 200))
        kind = draw.below(16)
        if kind == 11:
            self.source.commit([], seen=False)  # of no concern here
        elif kind < 11:
            for _ in range(draw.of((1, 1, 2, 4))):
                self._write(seen=kind < 8)
        else:
            how = draw.of(_MOMENTS)
            which: Literal["crash", "lost"] = "crash" if kind >= 14 else "lost"
            self.told.append(f"{which} ({how})")
            if how != "commit":
                return which, how
            self._at_commit = (which, "after")
        return None

    def _write(self, *, seen: bool) -> None:
        changes = Writing(self.source, self._draw).run()
        self.source.commit(changes, seen=seen)
        self.told.append(f"{len(self.source.log)}{'' if seen else ' (not visible yet)'}: {_text(changes)}")

    def more(self, read: Position, *, exact: bool) -> bool:
        """The stream has applied everything up to `read`: whether it goes on. Before it is `exact`, it is ended some time."""
        if not exact and self._draw.below(2):
            return False
        ahead = version_at(read) + 1 + self._draw.of((0, 0, 0, 1, 3))
        while not self._draw.over and len(self.source.log) < ahead:
            fault = self._act()
            if fault is not None and fault[0] == "crash":
                self._daemon.dead = True
                raise Crash
        return len(self.source.log) > version_at(read)

    # The daemon -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """All of it. Raises Violation, and what the engine raises for rows that are no bad ones."""
        self.target.committed = self._committed
        self.source.moment = self.target.moment = self.moment
        if self._parallel:
            self.source.stale = lambda: max(0, self._draw.below(12) - 7)
            self.target.others = lambda: max(0, self._draw.below(4) - 2)
        with running(self):
            for _ in range(_LIVES):
                try:
                    Life(self).go_on()
                    break
                except Crash:
                    self.deaths += 1
                except ConnectionLost:
                    self.deaths += 1  # the service manager starts it again
                self._daemon.dead = False
                self.target.restart()
            else:
                raise Violation("the migration does not end")
            self._over = True
            self.source.visible = len(self.source.log)
            self._check(len(self.source.log), whole=True)
            if self._verified:
                self._verify()

    # The promise ------------------------------------------------------------------------------------------

    def _committed(self) -> None:
        """Look at what a commit leaves, before it is one."""
        self.commits += 1
        found = self.target.sql.execute(
            f"SELECT m.phase, m.facts, c.file, c.pos FROM {STATE}.migration m LEFT JOIN {STATE}.checkpoint c ON"
            " c.migration = m.name"
        ).fetchone()
        if found is None or found[3] is None:
            return
        phase, facts, file, pos = found
        try:
            version = version_at(Position(file, pos))
        except ValueError as error:
            raise Violation(f"the checkpoint is inside a transaction: {error}") from None
        if version > len(self.source.log):
            raise Violation("the checkpoint is behind the end of the binlog")
        if phase == "replicating":
            self.exact += 1
            self._check(version, whole=True)
        elif phase == "catching_up" and self._checked != version and self._past_high(version, facts):
            self._check(version, whole=False)
            self._checked = version

    def _past_high(self, version: int, facts: str) -> bool:
        return version >= version_at(Position(**json.loads(facts)["high"]))

    def _check(self, version: int, *, whole: bool) -> None:
        """Staging is the source at the checkpoint; so are all rows that need none; with `whole` everything is."""
        state = self.source.states[version]
        wanted = self._known.get(version)
        if wanted is None:
            wanted = self._known[version] = {**expected(state), **_staged(self.plan, state)}
        there: dict[str, set[Row]] = {name: set() for name in wanted}
        for name, width, *row in self.target.sql.execute(self._all_tables):
            there[name].add(tuple(row[:width]))
        for name in wanted if whole else wanted.keys() - _BUILT:
            if there[name] != wanted[name]:
                missing, extra = wanted[name] - there[name], there[name] - wanted[name]
                raise Violation(f"{name} at {version}: missing {missing}, too much {extra}")

    def _verify(self) -> None:
        """The engine's own comparison finds nothing, and it finds what is planted."""
        on = self._snapshots()
        comparers = [
            Comparer(CONFIG, index, transform, lambda name: f"`{SOURCE}`.`{name}`")
            for index, transform in enumerate(self.plan.transforms)
        ]
        for comparer in comparers:
            found = comparer.between(on, "TRUE", "TRUE" + comparer.constant_condition)
            if found.differences:
                raise Violation(f"the verification finds what is not there: {found.differences}")
        for comparer in comparers:
            condition = "TRUE" + comparer.constant_condition
            table = f"{TARGET}.{comparer.table}"
            (place,) = self.target.sql.execute(f"SELECT min(rowid) FROM {table} WHERE {condition}").fetchone()
            column = comparer.transform.target_columns[-1]
            for spoil in (f"DELETE FROM {table} WHERE rowid = ?", f"UPDATE {table} SET {column} = 77 WHERE rowid = ?"):
                self.target.sql.execute("SAVEPOINT planted")
                self.target.sql.execute(spoil, (place,))
                found = comparer.between(on, "TRUE", condition)
                self.target.sql.execute("ROLLBACK TO planted")
                self.target.sql.execute("RELEASE planted")
                if place is not None and not found.differences:
                    raise Violation(f"the verification does not see {spoil}")

    def _snapshots(self) -> Snapshots:
        return Snapshots(
            self.source.connect(autocommit=True),  # type: ignore[arg-type]
            self.target.connect(autocommit=True),  # type: ignore[arg-type]
            Position("", 0),
            "mariadb",
            AtOnce(),
        )


def _staged(plan: MigrationPlan, state: Tables) -> dict[str, set[Row]]:
    """What staging has to hold."""
    return {
        staging_name(NAME, name): {
            tuple([row[COLUMNS[name].index(column)] for column in source.staged.columns]) for row in state[name].values()
        }
        for name, source in plan.sources.items()
        if source.staged is not None
    }


def _all_tables(plan: MigrationPlan) -> str:
    """Every row of the target and of staging, behind the name of its table, as wide as the widest."""
    tables = [(f"{TARGET}.{name}", name, len(table.columns)) for name, table in plan.targets.items()]
    for name, source in plan.sources.items():
        if source.staged is not None:
            staging = staging_name(NAME, name)
            tables.append((f"{STATE}.`{staging}`", staging, len(source.staged.columns)))
    return " UNION ALL ".join(
        f"SELECT '{name}', {width}, *{', NULL' * (_WIDEST - width)} FROM {sql}" for sql, name, width in tables
    )


def _text(changes: Sequence[Change]) -> str:
    return "; ".join(f"{change.table} {change.before or ''} → {change.after or ''}" for change in changes)


_MOMENTS: tuple[Literal["before", "after", "commit"], ...] = ("before", "after", "commit", "commit")
"""Of a fault: around the next statement, or behind the next commit."""
_WIDEST = 4
_BUILT = frozenset({"member", "total", "line", "roster"})
"""Tables that come of staging."""
