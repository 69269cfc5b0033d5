"""Either server killed by SIGKILL and started again, at every step of a cutover and of a rollback.

Afterwards it is one of the two worlds: one side takes writes, soon after the server is back, and nothing is lost.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replicator.cutover import arrival, attempts, crossing, hold, hooks
from replicator.cutover.arrival import recover
from replicator.demo.servers import FLAVOURS, Flavour, Server
from replicator.errors import CutoverInDoubt, CutoverUndone
from tests.hooks.two import Clients, Side, Two, make_two

MAX_FREEZE = 3.0
EACH = 4 if os.environ.get("HOOKS_SERVERS") == "all" else 1
"""Faults at each step, of the four that there are: either server, in a cutover or a rollback. MySQL takes 1.5 s to start."""

HASTE = {"mariadb": (), "mysql": ("--innodb-redo-log-capacity=8M", "--innodb-doublewrite=OFF", "--innodb-use-native-aio=0")}
"""It is up again sooner, and survives the same: the machine goes on."""

STEPS: list[tuple[Any, str, str]] = [
    (crossing, "_get_ready", "behind"),
    (crossing, "hold", "behind"),
    (crossing, "drain_and_prove", "behind"),
    (crossing, "queue_up", "behind"),
    (crossing, "let_go", "during"),
    (crossing, "let_go", "behind"),
    (crossing, "_ready_to_move", "at"),
    (crossing, "_ready_to_move", "behind"),
    (hooks, "on_switch", "at"),
    (hooks, "on_switch", "behind"),
    (arrival, "_arrive", "behind"),
    (hooks, "on_unfreeze", "behind"),
    (arrival, "take_back", "at"),
    (hooks, "on_abort", "behind"),
    (arrival, "undo", "at"),
]
"""Those of the last three belong to an on_switch that fails."""


class Fault:
    """Kills a server at one step, once, and starts it again while we go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._server: Server | None = None
        self._step: tuple[str, str] = "", ""
        self._starting: threading.Thread | None = None
        self._back_after = 0.0
        self.struck = False
        for module, name, _ in dict.fromkeys(STEPS):
            if module is not hooks and not hasattr(getattr(module, name), "patched"):
                monkeypatch.setattr(module, name, self._around(getattr(module, name), name))
        call = hooks.call
        monkeypatch.setattr(hooks, "call", lambda config, hook, *more: self._around(call, hook)(config, hook, *more))

    def _around(self, original: Callable[..., Any], name: str) -> Callable[..., Any]:
        def patched(*arguments: Any, **more: Any) -> Any:
            self._at(name, "at")
            self._at(name, "during")
            made = original(*arguments, **more)
            self._at(name, "behind")
            return made

        patched.patched = True  # type: ignore[attr-defined]
        return patched

    def arm(self, server: Server, name: str, where: str, *, back_after: float = 0.0) -> None:
        self._server, self._step, self.struck, self._starting = server, (name, where), False, None
        self._back_after = back_after

    def _at(self, name: str, where: str) -> None:
        server, back_after = self._server, self._back_after
        if server is None or (name, where) != self._step:
            return
        self._server, self.struck = None, True
        if where != "during":
            server.kill()

        def restart() -> None:
            if where == "during":
                time.sleep(0.004)
                server.kill()
            time.sleep(back_after)
            server.start()

        self._starting = threading.Thread(target=restart)
        self._starting.start()

    def settle(self) -> None:
        """Wait until the server is back."""
        assert self.struck
        assert self._starting is not None
        self._starting.join()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_either_server_at_every_step(
    flavour: Flavour,
    new_server: Callable[..., Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    monkeypatch.setattr(hold, "_LEAST_SAMPLE", 0.02)
    two = make_two(new_server(flavour, options=HASTE[flavour]), new_server(flavour, options=HASTE[flavour]), tmp_path)
    fault, outcomes = Fault(monkeypatch), Counter[str]()
    left = faults(flavour)
    with Clients(two) as clients:
        clients.go_on(4, within=5)
        while any(left.values()):
            back = two.route == "target"
            if not left[back]:
                assert two.cross(back, MAX_FREEZE) is not None
                continue
            name, where, victim = left[back].pop(0)
            print(f"{'rollback' if back else 'cutover'}, {victim} killed {where} {name}")
            outcomes[strike(two, fault, clients, back, name, where, victim)] += 1
            clients.check()
    clients.check()
    record_property("servers killed", f"{outcomes.total()}: {dict(outcomes)}")


def test_clients_do_not_wait_for_a_new_server_that_stays_away(
    new_server: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the state as well, but nothing has moved there."""
    monkeypatch.setattr(hold, "_LEAST_SAMPLE", 0.02)
    monkeypatch.setattr(arrival, "_PATIENCE", 0.5)
    two = make_two(new_server("mariadb"), new_server("mariadb"), tmp_path)
    two.hook("on_freeze", "touch held")
    two.hook("on_unfreeze", "rm -f held")
    fault = Fault(monkeypatch)
    with Clients(two) as clients:
        fault.arm(two.servers["target"], "let_go", "behind", back_after=2.0)
        with pytest.raises(CutoverInDoubt, match="clients go on as before"):
            two.cross(False, MAX_FREEZE)
        assert two.servers["target"].pid is None  # all this while
        assert not (tmp_path / "held").exists()
        clients.go_on(4, within=1)
        fault.settle()
        assert recover(two.config) == "undone"
        assert two.open_side() == "source"
        clients.go_on(4, within=1)
    clients.check()


def faults(flavour: Flavour) -> dict[bool, list[tuple[str, str, Side]]]:
    """Step, where, and which server; of the cutover and, under True, of the rollback."""
    ways: list[tuple[bool, Side]] = [(False, "source"), (True, "target"), (False, "target"), (True, "source")]
    found: dict[bool, list[tuple[str, str, Side]]] = {False: [], True: []}
    for number, (_, name, where) in enumerate(STEPS):
        for place, (back, victim) in enumerate(ways):
            if (place + number + 2 * FLAVOURS.index(flavour)) % len(ways) < EACH:  # another one on the other flavour
                found[back].append((name, where, victim))
    return found


def strike(two: Two, fault: Fault, clients: Clients, back: bool, name: str, where: str, victim: Side) -> str:
    if name in ("take_back", "on_abort", "undo"):
        (two.folder / "broken").touch()
    fault.arm(two.servers[victim], name, where)
    outcome = ""
    while not fault.struck:
        try:
            two.cross(back, MAX_FREEZE)
            outcome = "done"
        except (CutoverUndone, CutoverInDoubt) as error:
            outcome = "undone" if isinstance(error, CutoverUndone) else "in doubt"
            print(f"{outcome}: {error}")
    fault.settle()
    (two.folder / "broken").unlink(missing_ok=True)
    found = recover(two.config)
    assert found is None or outcome == "in doubt", found
    assert (two.open_side() == ("source" if back else "target")) == (outcome == "done")
    clients.go_on(4, within=MAX_FREEZE)
    return outcome
