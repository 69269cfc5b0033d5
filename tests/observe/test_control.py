"""The control socket: who may speak, what is answered, and what happens when either side goes away."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from replicator.errors import ConfigError, CutoverUndone, WrongState
from replicator.observe.control import ControlServer, DaemonGone, Message, request


def echo(command: str, arguments: Message) -> Iterator[Message]:
    if command == "undo":
        yield {"step": "freeze", "message": "writes are held"}
        raise CutoverUndone("lag rose")
    if command == "crash":
        raise KeyError("x")
    yield {"step": command, "message": "working", "seconds": 0.1}
    yield {"done": True, "exit_code": 0, "arguments": arguments}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def listening(path: Path) -> Iterator[ControlServer]:
    with ControlServer(path, echo) as server:
        yield server


def test_a_command_and_its_answers(listening: ControlServer) -> None:
    assert list(request(listening.path, "pause", {"why": "ü"})) == [
        {"step": "pause", "message": "working", "seconds": 0.1},
        {"done": True, "exit_code": 0, "arguments": {"why": "ü"}},
    ]


def test_an_error_carries_its_exit_code(listening: ControlServer) -> None:
    assert list(request(listening.path, "undo"))[-1] == {
        "error": "CutoverUndone", "message": "lag rose", "exit_code": 8,
    }  # fmt: skip


def test_a_crash_of_a_command_is_told_and_the_server_lives_on(listening: ControlServer) -> None:
    assert list(request(listening.path, "crash"))[-1]["exit_code"] == 1
    assert list(request(listening.path, "pause"))[-1]["exit_code"] == 0


def test_only_the_user_may_open_it(listening: ControlServer) -> None:
    assert stat.S_IMODE(listening.path.stat().st_mode) == 0o600


def test_no_daemon(path: Path) -> None:
    with pytest.raises(WrongState, match="no daemon is running"):
        list(request(path, "status"))


def test_a_stale_socket_is_told_from_a_live_one_and_replaced(path: Path) -> None:
    left_behind = socket.socket(socket.AF_UNIX)
    left_behind.bind(str(path))
    left_behind.close()
    with pytest.raises(WrongState, match="no daemon is running"):
        list(request(path, "status"))
    with ControlServer(path, echo):
        assert list(request(path, "pause"))[-1]["done"]
        with pytest.raises(WrongState, match="already running"):
            ControlServer(path, echo)
        assert list(request(path, "pause"))[-1]["done"]
    assert not path.exists()


def test_a_socket_that_a_killed_daemon_s_child_still_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was about to become another program when the daemon was killed."""
    held = socket.socket(socket.AF_UNIX)
    held.bind(str(path))
    held.listen()
    monkeypatch.setattr("replicator.observe.control.time.sleep", lambda _: held.close())
    with ControlServer(path, echo):
        assert list(request(path, "pause"))[-1]["done"]


def test_a_file_is_never_replaced(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(ConfigError, match="something else"):
        ControlServer(path, echo)
    assert path.read_text() == "precious"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"control\.socket"):
        ControlServer(tmp_path / "no/control.sock", echo)


def test_closing_leaves_the_socket_of_a_successor_alone(path: Path) -> None:
    first = ControlServer(path, echo)
    first.start()
    os.rename(path, path.with_suffix(".old"))
    with ControlServer(path, echo):
        first.close()
        assert list(request(path, "pause"))[-1]["done"]


def test_a_command_runs_to_its_end_though_nobody_listens_any_more(path: Path) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def long(_command: str, _arguments: Message) -> Iterator[Message]:
        yield {"step": "one"}
        go_on.wait(5)
        for _ in range(100):
            yield {"step": "x" * 10_000}
        ended.set()
        yield {"done": True, "exit_code": 0}

    with ControlServer(path, long):
        answers = request(path, "cutover")
        assert next(answers) == {"step": "one"}
        answers.close()  # type: ignore[attr-defined]
        go_on.set()
        assert ended.wait(5)


def test_a_daemon_that_dies_in_the_middle(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def die() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.sendall(b'{"step": "freeze"}\n')
            connection.close()

        thread = threading.Thread(target=die)
        thread.start()
        answers = request(path, "cutover")
        assert next(answers) == {"step": "freeze"}
        with pytest.raises(DaemonGone, match="replicator status"):
            next(answers)
        thread.join()


@pytest.mark.parametrize(
    "line", [b"{}\n", b"nonsense\n", b'{"command": 1}\n', b"[]\n", b'{"command": "x", "arguments": 1}\n']
)
def test_nonsense_is_refused(listening: ControlServer, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(listening.path))
        connection.sendall(line)
        assert json.loads(connection.makefile().readline())["error"] == "BadRequest"


def test_an_unfinished_request_is_dropped(listening: ControlServer) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(listening.path))
        connection.sendall(b'{"command": "pause"')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_a_command_for_another_migration_of_the_same_name_is_refused(path: Path, tmp_path: Path) -> None:
    with ControlServer(path, echo, config=tmp_path / "a.toml"):
        assert list(request(path, "abort", config=tmp_path / "a.toml"))[-1]["exit_code"] == 0
        refused = list(request(path, "abort", config=tmp_path / "b.toml"))[-1]
        assert refused["exit_code"] == 4
        assert "a.toml" in refused["message"]
