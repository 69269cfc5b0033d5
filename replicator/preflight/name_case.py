"""Upper and lower case in table names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, listed


def check(context: Context) -> Iterator[Finding]:
    """Both servers treat upper and lower case in table names alike."""
    source, target = context.source, context.target
    ours, theirs = (end.variables.get("lower_case_table_names", "0") for end in (source, target))
    if ours == theirs:
        return
    folded = Counter(name.lower() for name in source.tables)
    twins = sorted(name for name in source.tables if folded[name.lower()] > 1)
    mixed = sorted(name for name in (*source.tables, *context.plan.new_tables) if name != name.lower())
    if twins or mixed:
        yield failed(
            f"lower_case_table_names is {ours} at the source and {theirs} at the target, and these names have upper case "
            f"in them: {listed(twins or mixed)}",
            "initialise the target server with the source's lower_case_table_names, or rename the tables to lower case",
        )
