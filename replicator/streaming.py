"""Which way the stream of a phase goes, where it begins, and what is told to it by the settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from replicator.apply.applier import Applier
from replicator.apply.course import Aside, Behind, Course
from replicator.cutover.moves import closing, moves_from_json
from replicator.home import Home
from replicator.mysql.position import Position
from replicator.reverse.applier import ReverseApplier
from replicator.reverse.plan import ReversePlan
from replicator.state import Direction, State
from replicator.transform.plan import MigrationPlan


def course_of(home: Home, plan: MigrationPlan, reverse: ReversePlan | None, settled: Mapping[str, Position]) -> Course:
    """`reverse`: of the way back; None where the stream runs forward. `settled`: see Course."""
    config, state = home.config, home.state
    direction: Direction = "forward" if reverse is None else "reverse"
    behind, aside = None, None
    if config.cutover.mode == "hooks":
        closes_source, closes_target = closing(config, plan)
        renames = closes_source if reverse is None else closes_target
        aside = Aside(renames.archive, renames.marker)
    else:
        with home.target() as target:
            switch = state.facts(target).get("switch")
        moves = None if switch is None else moves_from_json(switch)
        if moves is not None and moves.since is not None:
            behind = Behind(moves.since, moves.statement)  # the last switch is where this stream begins
    upstream, downstream = config.ends(direction)
    return Course(
        plan if reverse is None else reverse.stream,
        # The lock is the target's: elsewhere the checkpoint alone keeps two streams apart.
        state if downstream is config.target else State(state.database, state.migration),
        upstream,
        downstream,
        direction,
        beats=config.stream.heartbeat is not None,
        set_aside=reverse is None and config.stream.on_bad_row == "quarantine",
        settled=settled,
        accept=config.stream.accept_schema_change,
        behind=behind,
        aside=aside,
        applier=Applier if reverse is None else partial(ReverseApplier, reverse=reverse),
    )
