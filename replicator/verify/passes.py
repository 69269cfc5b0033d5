"""How a verification goes over its units: in windows of snapshots, and in rounds over what is in motion."""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from replicator import state
from replicator.config import Config
from replicator.errors import ConfigError, ConnectionLost, VerificationFailed
from replicator.mysql.connection import connected
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.progress import Progress
from replicator.quarantine import equal_units, set_aside, unit_name
from replicator.state import Direction
from replicator.transform.plan import MigrationPlan
from replicator.transform.produce import Literals, Values
from replicator.transform.units import batches
from replicator.verify.compare import UNITS_AT_ONCE, Alike, Comparer, Found
from replicator.verify.report import DIFFERENCES_KEPT, Difference, Report, TableReport
from replicator.verify.snapshots import Snapshots, snapshots, unless_stopped
from replicator.verify.stream import Touched, TouchedLog
from replicator.verify.walk import Place, StrayWalk, UnitsLook, Walk, full_pass

WINDOW = 30.0
"""Seconds after which snapshots are renewed, so that neither server has to keep old rows or block DDL for long."""
ROUNDS = 10
"""Times that units in motion are looked at again at most."""
NO_FEWER = 3
"""Times after which it is given up when they do not become fewer: they are hot."""
TRIES = 5
"""Times that a window is tried when connections break."""
SUSPECTS_KEPT = 20_000
"""Differences that are gathered before it is decided which of them are certain."""


class Forgotten(Exception):
    """The log no longer knows what was touched since a mark: it was too much, or the target broke off in a commit."""


Opened = Callable[[], AbstractContextManager[Snapshots]]
Keys = Mapping[int, Collection[Values]]
"""Transform (index in the plan) → unit keys."""


@dataclass(frozen=True, slots=True)
class Way:
    """Which stream keeps the two sides equal, and what it does not carry."""

    direction: Direction = "forward"
    alike: Mapping[int, Alike] = field(default_factory=dict)
    """Transform (index in the plan) → what else counts as no difference."""


FORWARD = Way()


@dataclass(slots=True)
class Findings:
    """What is known so far."""

    rows: Counter[str] = field(default_factory=Counter)
    looked: Counter[str] = field(default_factory=Counter)
    """Steps that compared something of the table, even if it was found empty on both sides."""
    suspects: dict[tuple[str, str, str], Difference] = field(default_factory=dict)
    """Differences of units that may just be in motion."""
    certain: dict[tuple[str, str, str], Difference] = field(default_factory=dict)
    uncounted: Counter[str] = field(default_factory=Counter)
    """Certain ones beyond DIFFERENCES_KEPT."""
    quarantined: Counter[str] = field(default_factory=Counter)
    """Units in quarantine at the last look."""
    aside: dict[tuple[str, str, str], Difference] = field(default_factory=dict)
    """Rows that are missing because their units are in quarantine."""

    def suspect(self, differences: Iterable[Difference]) -> None:
        """Note differences whose units may be in motion; a row of no unit is nothing that the stream would move."""
        for one in differences:
            if one.transform is None:
                self.convict(one)
            else:
                self.suspects[one.table, one.key, one.kind] = one

    def convict(self, one: Difference) -> None:
        """Note a difference that is certain."""
        name = one.table, one.key, one.kind
        if len(self.certain) < DIFFERENCES_KEPT or name in self.certain:
            self.certain[name] = one
        else:
            self.uncounted[one.table] += 1


class Run:
    """One verification on its way."""

    def __init__(
        self,
        config: Config,
        plan: MigrationPlan,
        log: TouchedLog,
        progress: Progress,
        stop: threading.Event,
        tables: Collection[str] | None = None,
        comparers: Mapping[int, Comparer] | None = None,
        way: Way = FORWARD,
    ) -> None:
        unknown = sorted(set(tables or ()) - set(plan.targets))
        if unknown:
            raise ConfigError(f"no transform writes {', '.join(unknown)}; verified are {', '.join(plan.targets)}")
        self._config = config
        self._plan = plan
        self._log = log
        self._progress = progress
        self._stop = stop
        self._way = way
        self._comparers = {
            index: comparer
            for index, comparer in (comparers or all_comparers(config, plan, way)).items()
            if tables is None or comparer.table in tables
        }
        self._tables = list(dict.fromkeys(comparer.table for comparer in self._comparers.values()))
        self.findings = Findings()
        self.position: Position | None = None
        """The target's checkpoint at the last look."""
        self._started = datetime.now(UTC)

    @property
    def source_rows(self) -> int:
        """About how many rows a full pass reads, by the server's estimate."""
        return sum(comparer.transform.source.row_estimate for comparer in self._comparers.values())

    # Going over units -------------------------------------------------------------------------------------

    def walk(self, mark: int) -> None:
        """Compare everything once. The caller has set the mark, and looks with `rounds` at what was touched since."""
        with connected(self._config.source) as source, connected(self._config.target) as target:
            same_flavour = identify(source).flavour == identify(target).flavour
        walks = full_pass(self._config, self._comparers.values(), self._plan.source_sql, same_flavour=same_flavour)
        self._go(walks, self._snapshots, mark)
        never = [table for table in self._tables if not self.findings.looked[table]]
        if never or not self._tables:
            raise VerificationFailed(f"nothing was compared of {', '.join(never) or 'any table'}: this proves nothing")

    def rounds(self, base: int | None, also: Keys, most: int = ROUNDS) -> int:
        """Look at what was touched since `base`, and `also` at these units, until nothing of it is in motion.

        Units that still are after `most` rounds, or that do not become fewer, stay suspects.

        Returns a mark since which every other unit is known. `base` stays, for a caller who has to begin again; raises
        Forgotten when too much was touched since.
        """
        previous, number = base, 0
        fewest, since = math.inf, 0
        while True:
            mark = self._log.begin()
            try:
                touched = {} if previous is None else self._log.since(previous)
                if touched is None:
                    raise Forgotten
                suspects = units(self.findings.suspects.values())
                self.findings.suspects = {}
                self.look(self._snapshots, joined(touched, also, suspects))
                self._settle(mark)
            except BaseException:
                self._log.forget(mark)
                raise
            finally:
                if previous is not None and previous != base:
                    self._log.forget(previous)
            previous, also, number = mark, {}, number + 1
            left = len(self.findings.suspects)
            fewest, since = (left, 0) if left < fewest else (fewest, since + 1)
            if not left or number == most or since == NO_FEWER:
                return mark
            unless_stopped(self._stop)
            self._stop.wait(0.05 * number)

    def strays(self, tables: Collection[str]) -> None:
        """Look for rows of these target tables that belong to no transform."""
        walks: list[Walk] = []
        for table in tables:
            transforms = [one.transform for one in self._comparers.values() if one.table == table]
            walks.append(StrayWalk(self._config, transforms))
        if walks:
            self._go(walks, self._snapshots, None)

    def look(self, opened: Opened, keys: Keys) -> None:
        """Compare the units with these keys once; what differs becomes suspect."""
        walks: list[Walk] = [
            UnitsLook(comparer, part)
            for index, comparer in self._comparers.items()
            for part in batches(keys.get(index, ()), UNITS_AT_ONCE)
        ]
        self._go(walks, opened, None)

    def convict(self) -> None:
        """Nothing was in motion: what is suspect is certain."""
        for one in self.findings.suspects.values():
            self.findings.convict(one)
        self.findings.suspects = {}

    def _go(self, walks: Sequence[Walk], opened: Opened, mark: int | None) -> None:
        waiting = deque(walks)
        failures = 0
        while True:
            begun: list[tuple[Walk, Place]] = []
            try:
                seen = self._window(waiting, begun, opened)
            except ConnectionLost as error:
                failures += 1
                if failures == TRIES:
                    raise
                for walk, place in begun:
                    if walk.place.finished:
                        waiting.appendleft(walk)
                    walk.place = place
                self._progress.retried("verify", error)
                self._stop.wait(0.5 * failures)
                continue
            failures = 0
            for table, found in seen.items():
                self.findings.rows[table] += found.rows
                self.findings.looked[table] += 1
                self.findings.suspect(found.differences)
            if not waiting:
                return
            if mark is not None and len(self.findings.suspects) > SUSPECTS_KEPT:
                self._settle(mark)

    def _window(self, waiting: deque[Walk], begun: list[tuple[Walk, Place]], opened: Opened) -> dict[str, Found]:
        """As many steps as fit under one pair of snapshots; nothing counts unless all of them and the audits succeed."""
        seen: dict[str, Found] = {}
        with opened() as on:
            self.position = on.position
            end = monotonic() + WINDOW
            differences = 0
            present: Counter[int] = Counter()
            while waiting:
                unless_stopped(self._stop)
                walk = waiting[0]
                if not begun or begun[-1][0] is not walk:
                    begun.append((walk, walk.place))
                found = walk.step(on)
                present[id(walk)] += found.present
                differences += len(found.differences)
                seen.setdefault(walk.table, Found()).add(found)
                self._progress.compared(walk.table, found.rows)
                if walk.place.finished:
                    waiting.popleft()
                if monotonic() > end or differences > SUSPECTS_KEPT:
                    break
            for walk, place in begun:
                walk.audit(on, place, present[id(walk)])
            self._leave_out(on, seen)
        return seen

    def _leave_out(self, on: Snapshots, seen: Mapping[str, Found]) -> None:
        """Rows of units that are in quarantine, as the target's snapshot has it, should not be there."""
        if self._way.direction == "reverse":
            return  # nobody is cut over while there are any, and nothing is set aside on the way back
        aside = set_aside(state.of(self._config), on.target)
        tables = {unit_name(one.transform): one.table for one in self._comparers.values()}
        self.findings.quarantined = Counter({
            table: sum(len(units) for name, units in aside.items() if tables.get(name) == table) for table in self._tables
        })
        for found in seen.values() if aside else ():
            differences = found.differences
            found.differences = []
            excused = self._in_quarantine(on, differences, aside)
            for one in differences:
                if one.kind == "missing" and one.transform is not None and (one.transform, one.unit) in excused:
                    self.findings.aside[one.table, one.key, one.kind] = one
                else:
                    found.differences.append(one)

    def _in_quarantine(
        self, on: Snapshots, differences: Iterable[Difference], aside: Mapping[str, set[Literals]]
    ) -> set[tuple[int, Values]]:
        """Those units of differences that are aside, by whichever spelling of their keys."""
        found: set[tuple[int, Values]] = set()
        for index, keys in units(differences).items():
            comparer = self._comparers[index]
            there = aside.get(unit_name(comparer.transform), set())
            known = {key: comparer.identity(key) for key in keys}
            if there and comparer.transform.spelled:
                there = there | equal_units(on.target, comparer.transform, [*known.values()], there).keys()
            found.update((index, key) for key, unit in known.items() if unit in there)
        return found

    # Deciding ---------------------------------------------------------------------------------------------

    def _settle(self, mark: int) -> None:
        """Suspects of units that were not touched since the mark are certain."""
        touched = self._log.since(mark)
        if touched is None:
            return
        findings = self.findings
        suspects = list(findings.suspects.items())
        moving = self._moving([one for _, one in suspects], touched)
        findings.suspects = {}
        for place, (name, one) in enumerate(suspects):
            if place in moving:
                findings.suspects[name] = one
            else:
                findings.convict(one)

    def _moving(self, suspects: Sequence[Difference], touched: Touched) -> set[int]:
        """Places of the suspects of which a unit was touched."""
        by_transform: dict[int, list[tuple[int, Values]]] = {}
        for place, one in enumerate(suspects):
            if one.transform is not None:
                by_transform.setdefault(one.transform, []).extend((place, unit) for unit in one.units)
        moving: set[int] = set()
        for index, found in by_transform.items():
            places = self._comparers[index].touched_among([unit for _, unit in found], touched.get(index, ()))
            moving |= {found[place][0] for place in places}
        return moving

    # The result -------------------------------------------------------------------------------------------

    def report(self, *, whole: bool) -> Report:
        """What came out; `whole` says that every table was gone through."""
        findings = self.findings
        mismatched = Counter(one.table for one in findings.certain.values()) + findings.uncounted
        pending = Counter(one.table for one in findings.suspects.values())
        tables = {
            table: TableReport(findings.rows[table], mismatched[table], pending[table], findings.quarantined[table])
            for table in self._tables
            if whole or findings.looked[table]
        }
        if whole:
            for name, table in tables.items():
                self._progress.verified(name, table.rows, table.mismatched)
        assert self.position is not None
        return Report(
            tables,
            tuple(findings.certain.values()),
            self.position,
            self._started,
            datetime.now(UTC),
            tuple(findings.suspects.values()),
            tuple(findings.aside.values())[:DIFFERENCES_KEPT],
        )

    def _snapshots(self) -> AbstractContextManager[Snapshots]:
        return snapshots(self._config, self._log, self._stop, self._way.direction)


def all_comparers(config: Config, plan: MigrationPlan, way: Way = FORWARD) -> dict[int, Comparer]:
    """One for each transform; they are worth keeping where every millisecond counts."""
    return {
        index: Comparer(config, index, transform, plan.source_sql, way.alike.get(index))
        for index, transform in enumerate(plan.transforms)
    }


def joined(*parts: Keys) -> dict[int, set[Values]]:
    """All keys of all parts."""
    keys: dict[int, set[Values]] = {}
    for part in parts:
        for index, some in part.items():
            keys.setdefault(index, set()).update(some)
    return keys


def units(differences: Iterable[Difference]) -> dict[int, set[Values]]:
    """The units of differences, by transform."""
    keys: dict[int, set[Values]] = {}
    for one in differences:
        if one.transform is not None:
            keys.setdefault(one.transform, set()).update(one.units)
    return keys
