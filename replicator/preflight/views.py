"""Views and events on the tables that move."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.cutover.moves import make_moves
from replicator.cutover.schema_gates import legacy_views_gate, schema_gates
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, ok, warning


def check(context: Context) -> Iterator[Finding]:
    """Views and events will work on the new tables."""
    plan = context.plan
    if plan.views and context.targets.exist:
        declared = [(view.name, view.query) for view in plan.views]
        gate = legacy_views_gate(context.target.connection, context.target.database, declared)
        if not gate.ok:
            yield failed(gate.value, gate.fix)
    if context.config.cutover.mode != "rename" or not context.same_server:
        yield ok("nothing is renamed")
        return
    gates = schema_gates(context.target.connection, context.plan, make_moves(context.config, context.plan))
    for gate in gates:
        # A view is tried on the new tables, which have to be there for that.
        if not gate.ok and (gate.name == "events" or (gate.name == "views" and context.targets.exist)):
            yield warning(f"until this is mended the cutover will refuse to begin: {gate.name}: {gate.value}", gate.fix)
