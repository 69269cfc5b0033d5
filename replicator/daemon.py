"""The commands that the running daemon answers, and the signals that end it."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import monotonic
from typing import Any

import structlog

from replicator.config import Config
from replicator.cutover.crossing import cross
from replicator.cutover.moves import Moves
from replicator.cutover.run import cutover
from replicator.errors import CutoverInDoubt, CutoverUndone, Interrupted, ReplicatorError, VerificationFailed, WrongState
from replicator.migration import Migration
from replicator.mysql.connection import Connection, connected
from replicator.mysql.position import Position
from replicator.observe.control import ControlServer
from replicator.progress import Progress
from replicator.throttle import Throttle
from replicator.verify.repair import repair

Message = dict[str, Any]

_ANSWER_SECONDS = 10.0
_VERIFIED_SECONDS = 5.0
"""A verification that has told its last result ends within that."""

_log = structlog.get_logger("daemon")


class Daemon:
    """Runs one migration until it ends or is told to."""

    def __init__(self, migration: Migration) -> None:
        self._migration = migration
        self._busy = threading.Lock()
        """Held by the one command at a time that verifies, repairs or switches."""
        self._commands: dict[str, Callable[[Message], Iterator[Message]]] = {
            "status": self._status,
            "pause": self._pause,
            "resume": self._resume,
            "verify": self._verify,
            "cutover": self._cutover,
            "abort": self._abort,
            "rollback": self._rollback,
            "complete": self._complete,
        }

    @property
    def _config(self) -> Config:
        return self._migration.config

    def run(self, *, once: bool) -> None:
        """Answer commands and migrate. Returns after SIGTERM; raises Interrupted after SIGINT, and what went wrong, which is
        in the log then."""
        try:
            self._run(once=once)
        except Interrupted:
            _log.info("daemon.stopped")
            raise
        except ReplicatorError as error:
            _log.error("daemon.failed", error=error.label, reason=str(error))
            raise
        _log.info("daemon.stopped")

    def _run(self, *, once: bool) -> None:
        migration, progress = self._migration, self._migration.progress
        with self._signals() as interrupted, ControlServer(self._config.control.socket, self.answer, self._config.path):
            _log.info("daemon.started", migration=self._config.migration.name)
            try:
                migration.run(once=once)
            except Interrupted:
                if interrupted.is_set():
                    progress.stopped()
                    raise
            except ReplicatorError as error:
                progress.failed(error)
                migration.home.store_status()
                raise
            progress.stopped()
            migration.home.store_status()
            if migration.ending.done:
                self._answered()
            elif interrupted.is_set() and not once:
                raise Interrupted("stopped; run again to go on where this left off")

    def _answered(self) -> None:
        """Wait until whoever ended the migration has been told; the control server would not."""
        if self._busy.acquire(timeout=_ANSWER_SECONDS):
            self._busy.release()

    @contextmanager
    def _signals(self) -> Iterator[threading.Event]:
        """SIGTERM and SIGINT stop at the next boundary; the event tells that it was SIGINT."""
        interrupted = threading.Event()
        if threading.current_thread() is not threading.main_thread():
            yield interrupted
            return

        def handle(number: int, _frame: object) -> None:
            if number == signal.SIGINT:
                interrupted.set()
            self._migration.stop.set()

        before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield interrupted
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def answer(self, command: str, arguments: Message) -> Iterator[Message]:
        """One command from the control socket."""
        found = self._commands.get(command)
        if found is None:
            raise WrongState(f"this daemon does not know the command {command}: it is of another version, restart it")
        yield from found(arguments)

    # Commands ---------------------------------------------------------------------------------------------

    def _status(self, _arguments: Message) -> Iterator[Message]:
        yield {"done": True, "exit_code": 0, "status": self._migration.progress.snapshot()}

    def _pause(self, _arguments: Message) -> Iterator[Message]:
        if not self._migration.pause():
            raise WrongState("applying is paused already: `replicator resume` lets it go on")
        yield {"done": True, "exit_code": 0, "message": "applying is paused; the binlog keeps growing meanwhile"}

    def _resume(self, _arguments: Message) -> Iterator[Message]:
        if not self._migration.resume():
            raise WrongState("applying is not paused")
        yield {"done": True, "exit_code": 0, "message": "applying goes on"}

    def _verify(self, arguments: Message) -> Iterator[Message]:
        migration = self._migration
        with self._alone("verify"):
            verifier, stream = migration.exact()
            tables = arguments.get("tables") or None
            if arguments.get("repair") and migration.progress.direction == "reverse":
                raise WrongState("in reverse nothing is repaired: correct the inverse or the rows that have no way back")
            yield {"step": "verify", "message": "comparing"}
            report = verifier.verify(tables)
            if (not report.ok or report.aside) and arguments.get("repair"):
                yield {"step": "repair", "message": report.summary(advice=False)}
                report = repair(self._config, migration.plan, report, stream, migration.progress, migration.stop)
            code = 0 if report.ok else VerificationFailed.exit_code
            message = report.summary(repairable=migration.progress.direction == "forward")
            yield {"done": True, "exit_code": code, "message": message, **report.to_json()}

    def _cutover(self, arguments: Message) -> Iterator[Message]:
        yield from self._switch("cutover", arguments, None)
        message = "nothing was changed" if arguments.get("dry_run") else "the application uses the new tables now"
        yield {"done": True, "exit_code": 0, "message": message}

    def _rollback(self, arguments: Message) -> Iterator[Message]:
        moves = None
        if self._config.cutover.mode == "rename":
            with connected(self._config.target, database=False) as connection:
                moves = self._migration.moves_back(connection)
        yield from self._switch("rollback", arguments, moves)
        message = "nothing was changed" if arguments.get("dry_run") else "the application uses the old tables again"
        yield {"done": True, "exit_code": 0, "message": message}

    def _switch(self, command: str, arguments: Message, moves: Moves | None) -> Iterator[Message]:
        """The switch runs in a thread of its own: a client that goes away does not end it half way."""
        migration = self._migration
        stream = _Switchable(migration)
        dry_run = bool(arguments.get("dry_run"))
        steps: queue.SimpleQueue[Message | BaseException | None] = queue.SimpleQueue()

        def report(step: str, message: str, seconds: float | None) -> None:
            steps.put({"step": step, "message": message, "seconds": seconds})
            _log.info("cutover.stepped", command=command, step=step, message=message, seconds=seconds)

        def work() -> None:
            try:
                with self._alone(command), migration.turn.switching():
                    if stream.verifying(_VERIFIED_SECONDS):
                        raise WrongState(
                            f"a verification is under way and holds the tables: {command} when it has ended, which"
                            " `replicator status` shows by the times at which the tables were verified"
                        )
                    switch = (
                        partial(cross, back=command == "rollback")
                        if self._config.cutover.mode == "hooks"
                        else partial(cutover, moves=moves)
                    )
                    outcome = switch(
                        self._config,
                        migration.plan,
                        stream,
                        max_freeze=arguments.get("max_freeze") or self._config.cutover.max_freeze,
                        kill_blockers=bool(arguments.get("kill_blockers")),
                        dry_run=dry_run,
                        progress=migration.progress,
                        report=report,
                    )
                    if outcome is not None:
                        migration.home.store_status()
                        migration.turn.take()
                steps.put(CutoverInDoubt(outcome.unsettled) if outcome is not None and outcome.unsettled else None)
            except CutoverInDoubt as doubt:
                _log.error("cutover.in_doubt", command=command, reason=str(doubt))
                migration.turn.doubt(doubt)
                steps.put(doubt)
            except BaseException as error:
                _log.error("cutover.failed", command=command, error=type(error).__name__, reason=str(error))
                steps.put(error)

        threading.Thread(target=work, name="cutover").start()
        while (step := steps.get()) is not None:
            if isinstance(step, BaseException):
                raise step
            yield step

    def _abort(self, arguments: Message) -> Iterator[Message]:
        with self._alone("abort"):
            yield {"step": "abort", "message": "ending the migration, once the work under way has ended"}
            begun = self._migration.ending.abort(drop_target=bool(arguments.get("drop_target")))
            kept = "" if arguments.get("drop_target") else f", and {self._config.target.database} is left as it is"
            message = f"the migration is aborted; the source was not changed{kept}"
            if not begun:
                message = "the daemon ends before the migration has begun: nothing was changed"
            yield {"done": True, "exit_code": 0, "message": message}

    def _complete(self, _arguments: Message) -> Iterator[Message]:
        with self._alone("complete"):
            yield {"step": "complete", "message": "ending the way back"}
            self._migration.ending.complete()
            archive, state = self._config.cutover.archive_database, self._config.migration.state_database
            message = (
                f"the migration is complete: disable its service. The old tables stay in {archive}, and {state} says that it is"
                " complete and nothing else: drop both databases when nobody needs them"
            )
            yield {"done": True, "exit_code": 0, "message": message}

    @contextmanager
    def _alone(self, command: str) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise WrongState(f"another command is under way: wait until it has ended, then {command} again")
        try:
            yield
        finally:
            self._busy.release()


class _Switchable:
    """The stream that runs, as the cutover sees it."""

    def __init__(self, migration: Migration) -> None:
        self._migration = migration
        self._verifier, self._stream = migration.exact()

    def verifying(self, patience: float) -> bool:
        """Whether a verification is under way and does not end within `patience` seconds. Its snapshots hold the tables: to
        the gates they would be long transactions that somebody has to end."""
        return not self._verifier.idle(patience)

    def lag_seconds(self) -> float | None:
        lag: float | None = self._migration.progress.snapshot()["lag_seconds"]
        return lag

    def applied(self) -> Position:
        return self._stream.applied()

    def wait_applied(self, position: Position, timeout: float) -> bool:
        return self._stream.wait_applied(position, timeout)

    def held(self) -> AbstractContextManager[object]:
        return self._stream.held()

    def prepare_proof(self) -> int:
        """Look at what was touched again and again, while each look leaves clearly less than the one before."""
        left: int | None = None
        while True:
            report = self._verifier.refresh()
            if not report.ok:
                raise VerificationFailed(report.summary())
            if not report.rows_compared or (left is not None and report.rows_compared > left / 2):
                return report.rows_compared
            left = report.rows_compared

    def prove(self, deadline: float, source: Connection) -> int:
        report = self._verifier.prove(source)
        if not report.ok:
            raise VerificationFailed(report.summary())
        if monotonic() > deadline:
            raise CutoverUndone("the proof took longer than the freeze may last: try again at a quieter time")
        return report.rows_compared

    def stop(self) -> None:
        self._migration.switched()


def run(config: Config, *, once: bool, progress: Progress, throttle: Throttle) -> None:
    """`replicator run`."""
    Daemon(Migration(config, progress, throttle=throttle)).run(once=once)


def verify_offline(config: Config, arguments: Message) -> Iterator[Message]:
    """`verify` where no daemon runs: the stream runs here for as long as it takes."""
    migration = Migration(config, Progress(config.migration.name))
    with migration.streaming():
        yield from Daemon(migration).answer("verify", arguments)


def abort_offline(config: Config, arguments: Message) -> Iterator[Message]:
    """`abort` where no daemon runs."""
    migration = Migration(config, Progress(config.migration.name))
    with migration.home.alone():
        yield from Daemon(migration).answer("abort", arguments)
