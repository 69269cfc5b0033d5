"""Live traffic for the demo: an application that writes to all nineteen tables while they are migrated, and after.

The clients run in a process of their own, so that they compete with the replicator for nothing but the server. The
process reads one JSON object a line from its standard input and answers each with one line:

    {"connection": {…}, "database": …, …}      the first line: start; answered when every client is ready
    {"do": "phase", "name": "cutover"}          writes are counted under this name from now on
    {"do": "stats"}
    {"do": "stop"}                              or the end of the input: every client ends its transaction first
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import pymysql

from replicator.demo.askproai_client import Client, Counts, Phase
from replicator.demo.askproai_ledger import Ledger, LedgerReport, check_ledger
from replicator.errors import ReplicatorError

__all__ = ["LedgerReport", "Phase", "Traffic", "TrafficFailed", "TrafficStats", "check_ledger"]

FIRST_PHASE = "start"

_SESSION = (
    "SET SESSION time_zone = '+00:00',"
    " sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', innodb_lock_wait_timeout = 20"
)


class TrafficFailed(ReplicatorError):
    """A client of the demo's application met an error that it does not expect; the message names it."""


@dataclass(frozen=True, slots=True)
class TrafficStats:
    """What all clients have done together."""

    commits: int
    """Acknowledged write transactions."""
    taken_back: int
    """Transactions with an explicit ROLLBACK after all writes."""
    retries: dict[str, int]
    """By error number, `lost` for broken connections and `schema` for a schema that had changed."""
    indeterminate: int
    """COMMITs without an answer whose outcome the client found out."""
    switched: int
    """How often a client found another schema before it."""
    speaking: dict[str, int]
    """Number of clients that speak to the `legacy` and to the `new` schema."""
    phases: dict[str, Phase]
    errors: list[str]
    """Why clients have ended before they should."""

    @property
    def longest(self) -> float:
        """Seconds that the slowest write transaction took, of all phases."""
        return max((phase.longest for phase in self.phases.values()), default=0.0)


class Traffic:
    """The application's clients, from `start` to `stop`. A context manager: they stop at its end.

    Args:
        connection: keyword arguments of `pymysql.connect`, which JSON can hold. They go through a pipe, not the command line.
        database: the one whose tables are swapped at the cutover.
        ledger: the file to which every write is noted; it is appended to.
        clients: number of connections, at most one a tenant.
        rate: transactions a second of all clients together; None: as many as they can.
        seed: decides what the clients do; what comes of it also depends on the server.
        cascades: whether rows are deleted whose children only the server deletes.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        database: str,
        *,
        ledger: Path,
        clients: int = 4,
        rate: float | None = None,
        seed: int = 1,
        cascades: bool = True,
    ) -> None:
        self._settings = {
            "connection": {**connection, "database": database},
            "database": database,
            "ledger": str(ledger),
            "clients": clients,
            "rate": rate,
            "seed": seed,
            "cascades": cascades,
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return when every client is connected and knows its tenants. Raises TrafficFailed where one cannot."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "replicator.demo.traffic"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the owner, who then stops the clients
        )
        self._ask(self._settings)

    def phase(self, name: str) -> None:
        """Count writes under this name from now on; one that is under way counts where most of its time falls."""
        self._ask({"do": "phase", "name": name})

    def stats(self) -> TrafficStats:
        """What was done so far."""
        return self._ask({"do": "stats"})

    def stop(self) -> TrafficStats:
        """End every client after its transaction and return what was done."""
        stats = self._ask({"do": "stop"})
        self._end()
        return stats

    def kill(self) -> None:
        """End the process by SIGKILL, as a crash of the application would. The ledger stays true."""
        if self._process is not None:
            self._process.kill()
            self._end()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.running:
            self.stop()

    def _ask(self, question: Mapping[str, Any]) -> TrafficStats:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise TrafficFailed("the traffic is not running: start() it first")
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._end()
            raise TrafficFailed(f"the traffic's process has ended with status {process.returncode}; see its standard error")
        told = json.loads(answer)
        if "failed" in told:
            self._end()
            raise TrafficFailed(told["failed"])
        phases = {name: Phase(**phase) for name, phase in told.pop("phases").items()}
        return TrafficStats(**told, phases=phases)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(BrokenPipeError):
                process.communicate()  # closes its input, which ends the clients, and waits


@dataclass(slots=True)
class _State:
    """Shared by the threads of the process."""

    stop: Event
    phases: list[tuple[float, str]]
    """When each began, and its name."""
    errors: list[str]

    def phase(self, begun: float, ended: float) -> str:
        """The phase in which most of the time from `begun` to `ended` fell."""
        starts = [0.0, *[start for start, _ in self.phases[1:]]]
        ends = [*starts[1:], ended]
        shares = [min(ended, end) - max(begun, start) for start, end in zip(starts, ends, strict=True)]
        return self.phases[shares.index(max(shares))][1]


def _clients(settings: Mapping[str, Any], ledger: Ledger, state: _State) -> list[Client]:
    number = settings["clients"]
    connection = {"charset": "utf8mb4", **settings["connection"], "autocommit": False, "init_command": _SESSION}
    return [
        Client(
            client,
            clients=number,
            connect=lambda: pymysql.connect(**connection),
            database=settings["database"],
            ledger=ledger,
            # Another one for each process, so that marks of an earlier one are never taken for ours.
            mark=f"t{time.time_ns() // 1000:x}-",
            pause=number / settings["rate"] if settings["rate"] else 0.0,
            seed=settings["seed"],
            cascades=settings["cascades"],
            phase=state.phase,
            stop=state.stop,
        )
        for client in range(number)
    ]


def _run(client: Client, state: _State) -> None:
    try:
        client.run()
    except Exception as error:
        state.errors.append(f"{type(error).__name__}: {error}")
        raise


def _together(counts: list[Counts], errors: list[str]) -> dict[str, Any]:
    phases: dict[str, Phase] = {}
    for count in counts:
        for name, phase in list(count.phases.items()):
            whole = phases.setdefault(name, Phase())
            whole.writes += phase.writes
            whole.total += phase.total
            whole.longest = max(whole.longest, phase.longest)
    return {
        "commits": sum(count.commits for count in counts),
        "taken_back": sum(count.taken_back for count in counts),
        "retries": dict(sum((Counter(count.retries) for count in counts), Counter())),
        "indeterminate": sum(count.indeterminate for count in counts),
        "switched": sum(count.switched for count in counts),
        "speaking": dict(Counter(count.speaking for count in counts)),
        "phases": {name: asdict(phase) for name, phase in phases.items()},
        "errors": list(errors),
    }


def _answer(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    """The process of the clients."""
    settings = json.loads(sys.stdin.readline())
    state = _State(Event(), [(0.0, FIRST_PHASE)], [])
    with ExitStack() as stack:
        file = stack.enter_context(Path(settings["ledger"]).open("a", encoding="utf-8"))
        try:
            clients = _clients(settings, Ledger(file), state)
        except (pymysql.MySQLError, ValueError) as error:
            _answer({"failed": str(error)})
            return
        threads = [Thread(target=_run, args=(client, state), name=f"client {n}") for n, client in enumerate(clients)]
        for thread in threads:
            stack.callback(thread.join)
        stack.callback(state.stop.set)
        for thread in threads:
            thread.start()
        counts = [client.counts for client in clients]
        _answer(_together(counts, state.errors))
        for line in sys.stdin:
            match json.loads(line):
                case {"do": "phase", "name": name}:
                    state.phases.append((time.monotonic(), name))
                case {"do": "stop"}:
                    break
            _answer(_together(counts, state.errors))
    # After the last transaction; to nobody where the input has just ended.
    _answer(_together(counts, state.errors))


if __name__ == "__main__":
    main()
