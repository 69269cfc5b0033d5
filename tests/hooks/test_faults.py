"""Whatever fails or dies, and whenever: clients are on one side, the other one is closed to them, nothing is lost."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replicator import state as states
from replicator.cutover import arrival, attempts, crossing, hold, hooks
from replicator.cutover.arrival import recover
from replicator.demo.servers import Server
from replicator.errors import CutoverInDoubt, CutoverUndone, VerificationFailed
from replicator.mysql.connection import execute, rows
from tests.cutover.world import CopyingStream
from tests.hooks.light import Clients, Light, make_light


class Died(BaseException):
    """As by kill -9: nothing of ours runs any more."""


@pytest.fixture
def light(server: Server, database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Light:
    monkeypatch.setattr(attempts, "_PAUSE", 0.05)
    monkeypatch.setattr(hold, "_LEAST_SAMPLE", 0.05)
    return make_light(server, database, tmp_path)


def die_at(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, *, after: bool = False, times: int = 1) -> None:
    """Nobody cleans up: sessions end with the process, and so do the locks that they hold."""
    original: Callable[..., Any] = getattr(module, name)
    left = [times]

    def patched(*arguments: Any, **more: Any) -> Any:
        if not left[0]:
            return original(*arguments, **more)
        left[0] -= 1
        if after:
            original(*arguments, **more)
        raise Died

    monkeypatch.setattr(module, name, patched)
    undo = arrival.undo

    def not_undone(one: Any) -> None:
        if isinstance(reason := sys.exception(), Died):
            raise reason
        undo(one)

    monkeypatch.setattr(crossing, "undo", not_undone)


STEPS = [
    (crossing, "_get_ready", True, "undone"),
    (crossing, "_insisted", True, "undone"),
    (crossing, "hold", True, "undone"),
    (crossing, "queue_up", True, "undone"),
    (crossing, "let_go", False, "undone"),
    (crossing, "let_go", True, "undone"),
    (crossing, "remove_sentry", False, "undone"),
    (crossing, "_ready_to_move", False, "undone"),
    (crossing, "_ready_to_move", True, "done"),
    (arrival, "_arrive", False, "done"),
    (arrival, "_arrive", True, "done"),
    (crossing, "end", False, "done"),
    (crossing, "end", True, None),
]


@pytest.mark.parametrize(
    ("module", "name", "after", "decision"), STEPS, ids=[f"{'behind' if step[2] else 'at'}-{step[1]}" for step in STEPS]
)
def test_a_process_that_dies_is_recovered(
    light: Light, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, after: bool, decision: str | None
) -> None:
    die_at(monkeypatch, module, name, after=after)
    with Clients(light) as clients:
        with pytest.raises(Died):
            light.cross()
        assert recover(light.world.config) == decision
        assert recover(light.world.config) is None
        assert light.open_side() == ("source" if decision == "undone" else "target")
        assert light.called[-1] == "on_unfreeze"
        clients.go_on()
    clients.check()


@pytest.mark.parametrize(
    ("name", "after"), [("take_back", False), ("undo", False), ("undo", True)], ids=["take_back", "undo", "undone"]
)
def test_a_process_that_dies_while_it_takes_traffic_back(
    light: Light, monkeypatch: pytest.MonkeyPatch, name: str, after: bool
) -> None:
    light.hook("on_switch", "exit 3")
    die_at(monkeypatch, arrival, name, after=after)
    with Clients(light) as clients:
        with pytest.raises(Died):
            light.cross()
        assert recover(light.world.config) in ("undone", None)
        assert light.open_side() == "source"
        clients.go_on()
    clients.check()


def test_a_recovery_that_dies_as_well(light: Light, monkeypatch: pytest.MonkeyPatch) -> None:
    die_at(monkeypatch, crossing, "_ready_to_move", after=True)
    with Clients(light) as clients:
        with pytest.raises(Died):
            light.cross()
        die_at(monkeypatch, arrival, "_arrive")
        with pytest.raises(Died):
            recover(light.world.config)
        die_at(monkeypatch, arrival, "end")
        with pytest.raises(Died):
            recover(light.world.config)
        assert recover(light.world.config) == "done"
        clients.go_on()
    clients.check()
    assert light.open_side() == "target"


@pytest.mark.parametrize("step", ["drain", "prove"])
def test_a_failure_before_the_switch_undoes_everything(light: Light, step: str) -> None:
    def fail(at: str) -> None:
        if at == step:
            raise VerificationFailed("customers: one row differs")

    with Clients(light) as clients:
        with pytest.raises(CutoverUndone, match="one row differs"):
            light.cross(CopyingStream(light.world, hook=fail))
        assert light.called == ["on_freeze", "on_abort", "on_unfreeze"]
        clients.go_on()
    clients.check()
    assert light.open_side() == "source"


def test_on_freeze_that_fails_is_tried_again(light: Light) -> None:
    light.hook("on_freeze", "[ -e once ] || { touch once; echo not yet; exit 7; }")
    with Clients(light) as clients:
        outcome = light.cross()
        clients.go_on()
    assert outcome is not None
    assert outcome.attempts == 2
    clients.check()
    assert light.open_side() == "target"


def test_on_switch_that_fails_is_taken_back(light: Light) -> None:
    light.hook("on_switch", "echo half of it; exit 3")
    with Clients(light) as clients:
        with pytest.raises(CutoverUndone, match="exit code 3; it said: half of it"):
            light.cross()
        clients.go_on()
    assert light.called == ["on_freeze", "on_switch", "on_abort", "on_unfreeze"]
    clients.check()
    assert light.open_side() == "source"


def test_on_switch_that_hangs_is_ended_in_time(light: Light) -> None:
    light.hook("on_switch", "trap '' TERM; sleep 60 & echo $! > pid; wait; sleep 60")
    began = time.monotonic()
    with Clients(light) as clients:
        with pytest.raises(CutoverUndone, match="did not end within"):
            light.cross(max_freeze=1.5)
        assert time.monotonic() - began < 20
        clients.go_on()
    clients.check()
    pid = (light.folder / "pid").read_text().strip()
    status = Path(f"/proc/{pid}/stat")
    assert not status.exists() or status.read_text().split()[2] == "Z"  # nothing of it is left running


def intent(light: Light) -> str:
    with light.world.connection() as connection:
        found = states.of(light.world.config).intent(connection)
    assert found is not None
    return found[0]


def test_without_on_abort_it_is_in_doubt_and_the_source_stays_closed(light: Light) -> None:
    (light.folder / "hooks" / "on_abort").unlink()
    light.hook("on_switch", "[ -e mended ]; echo target > new; mv new route")
    world = light.world
    with Clients(light) as clients:
        with pytest.raises(CutoverInDoubt, match="on_abort") as doubt:
            light.cross()
        assert "customers" not in world.tables(world.source)
        with pytest.raises(CutoverInDoubt):
            recover(world.config)
        assert "replicator run" in str(doubt.value)
        assert world.config.target.address in str(doubt.value)
        (light.folder / "mended").touch()
        assert recover(world.config) == "done"
        clients.go_on()
    clients.check()
    assert light.open_side() == "target"


def test_on_abort_that_fails_is_in_doubt_until_it_is_mended(light: Light) -> None:
    light.hook("on_switch", "echo target > new; mv new route; exit 1")
    light.hook("on_abort", "[ -e mended ]; echo source > new; mv new route")
    world = light.world
    with pytest.raises(CutoverInDoubt, match="mend on_abort"):
        light.cross()
    assert intent(light) == arrival.RETURNING
    assert "customers" not in world.tables(world.source)
    (light.folder / "mended").touch()
    assert recover(world.config) == "undone"
    assert light.open_side() == "source"


def test_clients_that_wrote_to_the_new_side_decide(light: Light) -> None:
    """on_switch says that it has failed, but somebody came through: going back would lose that."""
    light.hook("on_switch", "echo target > new; mv new route; [ -e again ] || { touch again; sleep 0.5; exit 1; }")
    with Clients(light) as clients:
        clients.go_on()
        with pytest.raises(CutoverInDoubt, match="clients have written to customers"):
            light.cross()
        assert intent(light) == arrival.MOVING
        assert recover(light.world.config) == "done"
        clients.go_on()
    clients.check()
    assert light.open_side() == "target"


def test_on_unfreeze_that_fails_is_told_and_tried_again(light: Light) -> None:
    light.hook("on_unfreeze", "[ -e mended ]")
    outcome = light.cross()
    assert outcome is not None
    assert "on_unfreeze" in outcome.unsettled
    assert intent(light) == arrival.ENDING
    (light.folder / "mended").touch()
    assert recover(light.world.config) == "done"
    assert light.open_side() == "target"


def test_who_holds_the_old_side_stays_out(light: Light) -> None:
    """A client that was never moved, with a connection and a prepared statement from before."""
    world = light.world
    with world.connection(world.source) as stale:
        execute(stale, "PREPARE late FROM 'INSERT INTO customers (note) VALUES (''late'')'")
        light.cross()
        for statement in ("EXECUTE late", "DELETE FROM customers", f"INSERT INTO {world.source}.orders (note) VALUES ('x')"):
            with pytest.raises(Exception, match="1146"):
                execute(stale, statement)
        assert not rows(stale, f"SELECT 1 FROM {world.archive}.customers WHERE note = 'late'")


def test_a_dry_run_changes_nothing_and_calls_no_hook(light: Light) -> None:
    told: list[str] = []
    assert light.cross(dry_run=True, report=lambda step, text, _: told.append(f"{step} {text}")) is None
    assert light.called == []
    assert light.open_side() == "source"
    assert any("on_switch" in line for line in told)


def test_a_hook_that_cannot_be_run_closes_a_gate(light: Light) -> None:
    (light.folder / "hooks" / "on_switch").chmod(0o644)
    with pytest.raises(CutoverUndone, match="on_switch is not executable"):
        light.cross()
    assert light.called == []


def test_a_hook_of_a_killed_daemon_is_waited_for(light: Light) -> None:
    light.hook("on_switch", "[ ! -e running ] || echo twice >> wrong; touch running; sleep 0.6; rm running")
    config, given = light.world.config, {"REPLICATOR_MIGRATION": "shop"}
    other = threading.Thread(target=hooks.call, args=(config, "on_switch", given, 5.0))
    other.start()
    hooks.call(config, "on_switch", given, 5.0)
    other.join()
    assert not (light.folder / "wrong").exists()


def test_hooks_get_no_secret_and_know_both_sides(light: Light, monkeypatch: pytest.MonkeyPatch) -> None:
    config = light.world.config
    monkeypatch.setenv("SHOP_PASSWORD", config.source.password)
    light.hook("on_switch", "env > environment")
    hooks.call(config, "on_switch", hooks.variables(config, back=True, attempt=2), 5.0)
    found = dict(line.split("=", 1) for line in (light.folder / "environment").read_text().splitlines() if "=" in line)
    assert "SHOP_PASSWORD" not in found
    assert (found["REPLICATOR_COMMAND"], found["REPLICATOR_FROM"], found["REPLICATOR_TO"]) == ("rollback", "target", "source")
    assert found["REPLICATOR_SOURCE_DATABASE"] == config.source.database
    assert found["REPLICATOR_TARGET_SOCKET"] == config.target.unix_socket
    assert found["REPLICATOR_ATTEMPT"] == "2"
