"""The way back after the cutover."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql

from replicator.errors import BadRow, TransformDeclarationError
from replicator.mysql.connection import execute
from replicator.preflight.context import Context
from replicator.preflight.fitting import Fitting
from replicator.preflight.result import Finding, failed, listed, ok, warning
from replicator.preflight.samples import sample_keys
from replicator.reverse.laws import Trial, try_out
from replicator.reverse.plan import PlannedInverse, ReversePlan, make_reverse_plan, needed_to_insert

_MOST = 3
_SAMPLES = 100
"""Units of a transform: each is looked up in the source again."""


def check(context: Context) -> Iterator[Finding]:
    """Every target table comes back to the source after the cutover, so that a rollback loses no new writes."""
    forward, old = context.plan, context.source.tables
    new = {name: table for name, table in context.targets.tables.items() if name in forward.new_tables}
    try:
        plan = make_reverse_plan(context.declarations, forward, new, old)
    except TransformDeclarationError as error:
        for problem in error.problems:
            yield failed(problem, "correct the inverse")
        return
    if plan.without:
        yield warning(
            f"no @inverse brings these target tables back to the source, so they could not be rolled back to after new "
            f"writes: {listed(plan.without, 100)}",
            f'write @inverse("{plan.without[0]}") beside its transform, or do without a rollback for them',
        )
    yield from _tried(context, plan)
    lost = [f"{table}.{column}" for table, columns in sorted(plan.lost.items()) for column in sorted(columns)]
    if lost:
        yield ok(f"what is written to these columns after the cutover does not come back: {listed(lost, 100)}")


def _tried(context: Context, plan: ReversePlan) -> Iterator[Finding]:
    connection = context.source.connection
    whole = Trial()
    for inverse in plan.inverses:
        for _, transform in inverse.feeding:
            if inverse.transform.related:
                continue  # its related target rows are not there yet
            execute(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            try:
                keys = sample_keys(connection, transform)
                spread = keys[:: max(1, len(keys) // _SAMPLES)]
                trial = try_out(connection, transform, inverse, plan.old, spread, Fitting(context, transform).check)
            except BadRow as error:
                yield failed(str(error), f"correct the inverse at {inverse.place}")
                continue
            except pymysql.MySQLError as error:
                yield warning(f"{inverse.name} could not be brought back on samples: {error}", "see the message")
                continue
            finally:
                execute(connection, "ROLLBACK")
            for problem in trial.broken[:_MOST]:
                yield failed(problem, f"correct the inverse at {inverse.place}: what it writes must give the same target row")
            yield from _unnamed(plan, inverse, trial)
            whole.rows += trial.rows
            whole.otherwise += trial.otherwise
    yield ok(f"{whole.rows} sampled target rows come back as what they are made of")
    if whole.otherwise:
        changed = [f"{name} ({count} rows)" for name, count in sorted(whole.otherwise.items())]
        yield ok(f"once changed, these columns come back as something else that means the same: {listed(changed, 100)}")


def _unnamed(plan: ReversePlan, inverse: PlannedInverse, trial: Trial) -> Iterator[Finding]:
    """Columns without which a new row could not be inserted."""
    for name, named in trial.named.items():
        if name in inverse.part_of:
            continue  # another one inserts it
        if missing := needed_to_insert(plan.old[name], named):
            yield failed(
                f"source table {name} takes no row without {listed(missing)}, which the inverse at {inverse.place} does not "
                "name: a row that is inserted after the cutover could not come back",
                "name it, with a value that the old application understands",
            )
