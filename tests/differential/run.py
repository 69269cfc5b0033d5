"""One round: a fresh migration under traffic, its daemon killed again and again, compared with the oracle all the while."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from replicator.demo.servers import Server
from tests.differential.daemon import PHASES, Daemon, choose_victim, write_folder
from tests.differential.history import first_rows
from tests.differential.oracle import Checkpoint, Difference, Oracle, run_script
from tests.differential.shape import Connection, connect, read_shape
from tests.differential.zygote import Zygote, die_with_parent

SCHEMAS = Path(__file__).parent / "schemas"
NAMES = tuple(sorted(path.name for path in SCHEMAS.iterdir() if (path / "source.sql").exists()))

_PATIENCE = 60.0
_ROWS_AT_FULL_RATE = 10_000
"""Of a schema; larger ones have larger groups, each of which is computed anew for one row in it."""
_COMMON_COLLATION = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
_SPANS = {"preparing": 0.3, "copying": 0.4, "catching_up": 0.3, "building": 0.15, "replicating": 0.5}
"""Seconds after a phase was seen within which the daemon is killed."""
_LOOKS = 0.4
"""How many of the kills are followed by a look at what they left."""


@dataclass(slots=True)
class Outcome:
    """What a round showed."""

    kills: Counter[str] = field(default_factory=Counter)
    """By the phase in which they hit."""
    checkpoints: list[Checkpoint] = field(default_factory=list)
    transactions: int = 0

    def __str__(self) -> str:
        where = ", ".join(f"{phase} {self.kills[phase]}" for phase in PHASES if self.kills[phase])
        rows = sum(checkpoint.rows for checkpoint in self.checkpoints)
        return (
            f"{self.transactions} transactions, {self.kills.total()} kills ({where}), {len(self.checkpoints)} checkpoints with"
            f" {rows} rows compared, 0 differences"
        )


@dataclass(frozen=True, slots=True)
class Round:
    """What to do; all of it follows from the seed but the moments at which processes meet."""

    schema: str
    source: Server
    target: Server
    seed: int
    kills: int
    checkpoints: int
    rate: float
    """Transactions a second."""


def run_round(round_: Round, folder: Path) -> Outcome:
    """Run one; raises Difference, or AssertionError where the daemon gives up."""
    with ExitStack() as stack:
        return _Run(round_, folder, stack).run()


def run_once(round_: Round, folder: Path) -> Outcome:
    """`run --once` under traffic that ends when the copy is done: it has to end with 0, and right."""
    with ExitStack() as stack:
        return _Run(round_, folder, stack).run_once()


class _Run:
    def __init__(self, round_: Round, folder: Path, stack: ExitStack) -> None:
        self.round = round_
        self.folder = folder
        self.rng = random.Random(f"kills {round_.seed}")
        self.outcome = Outcome()
        flavours = dict.fromkeys((round_.source.flavour, round_.target.flavour))
        self.story = f"{round_.schema} on {' to '.join(flavours)}, seed {round_.seed}"
        prefix = f"d{round_.seed % 100_000}_{round_.schema}"
        self.database, self.target_database = f"{prefix}_source", f"{prefix}_target"
        self.scratch, self.expected, self.state = f"{prefix}_scratch", f"{prefix}_expected", f"{prefix}_state"
        self.source = self._session(stack, round_.source)
        self.target = self._session(stack, round_.target)
        self.look = self._session(stack, round_.target)
        for session, names in (
            (self.source, (self.database, self.scratch, self.expected, self.state)),
            (self.target, (self.target_database, self.state)),
        ):
            _drop(session, names)
            stack.callback(_drop, session, names)
        ci = _collation(round_)
        self.ddl = {
            side: (SCHEMAS / round_.schema / f"{side}.sql").read_text().replace("{ci}", ci) for side in ("source", "target")
        }
        self.log = folder / "history.log"
        zygote = Zygote()
        stack.callback(zygote.close)
        self.daemon = Daemon(folder / "migration", round_.schema, self.state, self.look, zygote)
        stack.callback(self.daemon.discard)

    def _session(self, stack: ExitStack, server: Server) -> Connection:
        session = connect(server.connect_args(), autocommit=True)
        stack.callback(session.close)
        return session

    def run(self) -> Outcome:
        oracle = self._prepare()
        try:
            with self._traffic():
                self._kill_it(oracle)
                self._watch_it(oracle)
        except Difference:
            oracle.source_replayed()
            raise
        self.daemon.until(oracle.reached, "apply everything", _PATIENCE)
        self._check(oracle)
        oracle.source_replayed()
        code = self.daemon.stop()
        assert code == 0, f"{self.story}: SIGTERM ended the daemon with {code}:\n{self.daemon.tail()}"
        return self._outcome()

    def run_once(self) -> Outcome:
        oracle = self._prepare()
        with self._traffic():
            self.daemon.start("--once")
            self.daemon.await_phase("replicating", _PATIENCE)
            self._check(oracle)
        code = self.daemon.wait(_PATIENCE)
        assert code == 0, f"{self.story}: run --once ended with {code}:\n{self.daemon.tail()}"
        self._check(oracle)
        oracle.source_replayed()
        return self._outcome()

    def _prepare(self) -> Oracle:
        self._fill()
        self.log.touch()
        write_folder(
            self.daemon.folder,
            name=self.round.schema,
            state=self.state,
            transforms=(SCHEMAS / self.round.schema / "transforms.py").read_text(),
            schema=self.ddl["target"],
            source=(self.round.source, self.database),
            target=(self.round.target, self.target_database),
        )
        return Oracle(
            self.source,
            self.target,
            database=self.database,
            target_database=self.target_database,
            scratch=self.scratch,
            expected=self.expected,
            folder=SCHEMAS / self.round.schema,
            log=self.log,
            story=self.story,
            ddl=self.ddl,
        )

    def _fill(self) -> None:
        if self.round.source is not self.round.target:
            # The servers' defaults differ, and neither knows that of the other.
            with self.target.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {self.target_database} {_COMMON_COLLATION}")
        with self.source.cursor() as cursor:
            both = "" if self.round.source is self.round.target else _COMMON_COLLATION
            cursor.execute(f"CREATE DATABASE {self.database} {both}")
            cursor.execute(f"USE {self.database}")
            run_script(self.source, self.ddl["source"])
            tables = read_shape(self.source, self.database)
            self.rows = sum(table.rows for table in tables)
            for statement in first_rows(tables, self.round.seed):
                cursor.execute(statement)

    @contextmanager
    def _traffic(self) -> Iterator[None]:
        settings = self.folder / "writer.json"
        settings.write_text(
            json.dumps(
                {
                    "connection": self.round.source.connect_args(),
                    "database": self.database,
                    "seed": self.round.seed,
                    "rate": self.round.rate * min(1.0, _ROWS_AT_FULL_RATE / self.rows),
                    "xa": False,
                    "log": str(self.log),
                }
            )
        )
        settings.chmod(0o600)
        errors = self.folder / "writer.err"
        with errors.open("wb") as output:
            writer = subprocess.Popen(
                [sys.executable, "-m", "tests.differential.writer", str(settings)],
                stdin=subprocess.DEVNULL,
                stderr=output,
                preexec_fn=die_with_parent,
            )
        try:
            yield
            writer.terminate()
            code = writer.wait(30)
            assert code == 0, f"{self.story}: the writer failed:\n{errors.read_text()[-3000:]}"
        finally:
            writer.kill()
            writer.wait()

    # Kills ------------------------------------------------------------------------------------------------

    def _kill_it(self, oracle: Oracle) -> None:
        for wanted in self._aims():
            if self.daemon.lives == 0 or self.daemon._process is None:
                self._start()
            seen = self.daemon.await_phase(wanted, _PATIENCE)
            if seen == "copying" and self.rng.random() < 0.3:
                self.daemon.help_copying()
            time.sleep(self.rng.random() * _SPANS[seen])
            victim = choose_victim(self.rng, seen)
            if self.daemon.exit_code is not None:
                raise AssertionError(f"{self.story}: the daemon ended with {self.daemon.exit_code}:\n{self.daemon.tail()}")
            self.daemon.kill(victim)
            phase = self.daemon.phase()
            self.outcome.kills[phase] += 1
            if phase == "replicating" and self.rng.random() < _LOOKS:
                # What a killed daemon leaves behind has to be as exact as what a living one shows.
                self._check(oracle)

    def _aims(self) -> Iterator[str]:
        """The phase to be hit by each kill: each phase in turn, and what is left over goes to the last."""
        early = [phase for phase in PHASES[:-1] for _ in range(max(1, self.round.kills // 7))]
        for number in range(self.round.kills):
            yield early[number] if number < len(early) else "replicating"

    def _start(self) -> None:
        self.daemon.start()

    # Checkpoints ------------------------------------------------------------------------------------------

    def _watch_it(self, oracle: Oracle) -> None:
        """Compare a living daemon's target, under traffic."""
        if self.daemon._process is None:
            self._start()
        self.daemon.await_phase("replicating", _PATIENCE)
        while len(self.outcome.checkpoints) < self.round.checkpoints:
            time.sleep(self.rng.random() * 0.3)
            if self.daemon.exit_code is not None:
                raise AssertionError(f"{self.story}: the daemon ended with {self.daemon.exit_code}:\n{self.daemon.tail()}")
            self._check(oracle)

    def _check(self, oracle: Oracle) -> None:
        try:
            self.outcome.checkpoints.append(oracle.check())
        except Difference as difference:
            raise Difference(f"{difference}\n{self.outcome} before that; the daemon said:\n{self.daemon.tail()}") from None

    def _outcome(self) -> Outcome:
        """The engine's own verification has to agree."""
        self.outcome.transactions = self.outcome.checkpoints[-1].transactions
        with self.look.cursor() as cursor:
            cursor.execute(f"SELECT status FROM {self.state}.migration")
            ((text,),) = cursor.fetchall()
        status = json.loads(text)
        wrong = {table["table"]: table["mismatched_rows"] for table in status["tables"] if table["mismatched_rows"]}
        assert not wrong, f"{self.story}: the daemon's verification found differences that the oracle does not see: {wrong}"
        return self.outcome


def _collation(round_: Round) -> str:
    """A case-insensitive collation that the flavour has, without padding where both ends know one."""
    if round_.source.flavour != round_.target.flavour or round_.seed % 2:
        return "utf8mb4_general_ci"
    return {"mariadb": "utf8mb4_unicode_520_nopad_ci", "mysql": "utf8mb4_0900_ai_ci"}[round_.source.flavour]


def _drop(session: Connection, names: tuple[str, ...]) -> None:
    session.rollback()
    with session.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
