"""What the service manager hears, above all that a daemon whose loop hangs is not kept alive."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from replicator.observe.systemd import Service, notify, status_line, watchdog_seconds
from replicator.progress import Progress


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        yield listener


def heard(manager: socket.socket) -> str:
    return manager.recv(4096).decode()


def test_ready_status_watchdog_stopping(manager: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "200000", "WATCHDOG_PID": str(os.getpid())}
    progress = Progress("shop")
    progress.beat()
    service = Service(progress, environ)
    service.start()
    assert heard(manager) == "READY=1\nSTATUS=preparing"
    progress.enter("replicating")
    progress.beat()
    assert heard(manager) == "WATCHDOG=1\nSTATUS=replicating"
    service.close()
    messages = [heard(manager)]
    while messages[-1] != "STOPPING=1":
        messages.append(heard(manager))


def test_a_loop_that_hangs_is_not_covered_up_for(manager: socket.socket) -> None:
    seconds = 0.0
    progress = Progress("shop", clock=lambda: seconds)
    seconds = 60.0
    service = Service(progress, {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "100000"})
    service.start()
    heard(manager)
    progress.copied("a", 10)  # another thread is busy still
    assert heard(manager).startswith("STATUS=")
    progress.beat()
    assert "WATCHDOG=1" in [heard(manager), heard(manager)][1]
    service.close()


def test_without_a_service_manager_nothing_happens() -> None:
    assert not notify("READY=1", {})
    assert not notify("READY=1", {"NOTIFY_SOCKET": "/nowhere/notify"})
    service = Service(Progress("shop"), {})
    service.start()
    service.close()


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000"}) == 30
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_seconds({}) is None


def test_the_line_for_people() -> None:
    progress = Progress("shop")
    progress.expect("a", "a", 200)
    progress.enter("copying")
    progress.copied("a", 50)
    progress.throttled("replica_lag", "r1 is 12 s behind")
    assert status_line(progress.snapshot()) == "copying, 25.0% of 200 rows, throttled: r1 is 12 s behind"
    progress.failed(ValueError("one\ntwo"))
    assert status_line(progress.snapshot()).endswith(", one")
