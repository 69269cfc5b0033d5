"""What there is to copy: one job a table, walked in ranges of its key.

`copy:TABLE` reads a source table once, for staging and for every direct transform of it; `build:TARGET:SOURCE` computes
the units of one staged transform from staging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replicator.mysql.catalog import Column, Table
from replicator.transform.plan import MigrationPlan, PlannedTransform

_UNORDERED = {"enum", "set", "float", "double", "json"}
"""Types whose order is not that of their literals, or whose literals need not compare equal to what they came from."""


@dataclass(frozen=True, slots=True)
class Job:
    """One table to walk."""

    name: str
    table: Table
    """The source table; a build walks its staging copy."""
    key: tuple[Column, ...]
    """Columns whose ranges are the chunks; () makes one chunk of the table."""
    transform: PlannedTransform | None
    """The transform whose units are built; None copies."""

    @property
    def nullable(self) -> bool:
        """Whether rows without a key have to be a chunk of their own: they lie in no range."""
        return any(column.nullable for column in self.key)


def copy_jobs(plan: MigrationPlan) -> list[Job]:
    """One for each source table of which anything is written and that may be copied at any moment; see silent.py."""
    silent = {name for group in plan.silent for name in group}
    return [
        copy_job(source.table)
        for name, source in plan.sources.items()
        if name not in silent and (source.direct or source.staged is not None)
    ]


def copy_job(table: Table) -> Job:
    """The copy of one source table."""
    return Job(f"copy:{_escaped(table.name)}", table, _chunk_key(table, table.row_key), None)


def build_jobs(plan: MigrationPlan) -> list[Job]:
    """One for each staged transform."""
    jobs: dict[str, Job] = {}
    for transform in plan.staged:
        first = name = f"build:{_escaped(transform.target.name)}:{_escaped(transform.source.name)}"
        number = 1
        while name in jobs:  # the same two tables once more, told apart by a constant in the key
            number += 1
            name = f"{first}:{number}"
        jobs[name] = Job(name, transform.source, _chunk_key(transform.source, transform.unit_columns), transform)
    return list(jobs.values())


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace(":", "%3A")


def _chunk_key(table: Table, columns: Sequence[str]) -> tuple[Column, ...]:
    """The longest prefix whose ranges hold every row once; rows equal in it always stay together."""
    key: list[Column] = []
    for name in columns:
        column = table.by_name[name]
        if column.type in _UNORDERED or (column.nullable and key):
            break
        key.append(column)
        if column.nullable:
            break
    return tuple(key)
