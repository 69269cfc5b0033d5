"""One client of the demo's application: transaction after transaction, whatever happens to the server and the schema."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import Any, TypeVar

import pymysql
from pymysql.constants import ER

from replicator.demo.askproai_dialects import Dialect, Operation, dialect, stands, tenants
from replicator.demo.askproai_ledger import Ledger
from replicator.demo.askproai_work import Skip, Tenant, Work
from replicator.mysql.connection import Connection, error_code, is_lost

Answer = TypeVar("Answer")

TAKEN_BACK = 0.04
"""Share of the transactions that the application rolls back itself, after all its writes."""

_AGAIN = {
    ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT, ER.TABLE_DEF_CHANGED, ER.OPTION_PREVENTS_STATEMENT, ER.CHECKREAD,
}  # fmt: skip
"""Errors after which an application tries the transaction again: among them a server that is read-only for a while."""

_BREATH = 0.01
"""Seconds before the next attempt where the server is away or read-only: nothing else would make the client wait."""

_PATIENCE = 120.0
"""Seconds for which an operation is tried again before the client gives up."""


@dataclass(slots=True)
class Phase:
    """How long write transactions took while something was going on, from the first statement to the acknowledgement."""

    writes: int = 0
    longest: float = 0.0
    """Seconds, with all waiting and all trying again."""
    total: float = 0.0


@dataclass(slots=True)
class Counts:
    """What a client has done. Read by others while it goes on."""

    commits: int = 0
    taken_back: int = 0
    skipped: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    """By error number, `lost` for broken connections and `schema` for a schema that had changed."""
    indeterminate: int = 0
    """COMMITs without an answer whose outcome was found out afterwards."""
    switched: int = 0
    """How often it found another schema before it."""
    speaking: str = ""
    phases: dict[str, Phase] = field(default_factory=dict)


class Client:
    """Owns its tenants: nobody else writes to their rows."""

    def __init__(
        self,
        number: int,
        *,
        clients: int,
        connect: Callable[[], Connection],
        database: str,
        ledger: Ledger,
        mark: str,
        pause: float,
        seed: int,
        cascades: bool,
        phase: Callable[[float, float], str],
        stop: Event,
    ) -> None:
        self.counts = Counts()
        self._connect = connect
        self._database = database
        self._ledger = ledger
        self._mark = f"{mark}{number}"
        self._serial = 0
        self._pause = pause
        self._rng = Random(f"{seed} {number}")
        self._cascades = cascades
        self._phase = phase
        self._stop = stop
        self._connection: Connection | None = None
        self._speaking: Dialect
        self._tenants: list[Tenant]
        self._speaking, self._tenants = self._with_server(lambda cursor: self._look_around(cursor, number, clients))
        self.counts.speaking = self._speaking.name

    def _look_around(self, cursor: Any, number: int, clients: int) -> tuple[Dialect, list[Tenant]]:
        speaking = dialect(cursor, self._database)
        return speaking, tenants(cursor, speaking, number, clients)

    def run(self) -> None:
        """One transaction after the other, until told to stop."""
        due = time.monotonic()
        while not self._stop.is_set():
            self._transaction()
            if self._pause:
                # After a stall the application has no more to do than before: what was due is not made up for.
                due = max(due + self._pause, time.monotonic() - self._pause)
                self._stop.wait(max(0.0, due - time.monotonic()))
        if self._connection is not None:
            self._connection.close()

    def _transaction(self) -> None:
        """One operation, tried until it is committed, taken back, or found to have nothing to do."""
        tenant = self._rng.choice(self._tenants)
        operation = self._choose()
        begun = time.monotonic()
        while True:
            if operation not in self._speaking.operations:  # the schema has changed meanwhile
                operation = self._choose()
            self._serial += 1
            work = Work(self._rng, tenant, f"{self._mark}-{self._serial:06}", self._cascades)
            try:
                with self._open().cursor() as work.cursor:
                    operation(work)
            except Skip:
                self._rollback()
                self.counts.skipped += 1
                return
            except pymysql.MySQLError as error:
                self._ledger.taken_back(work.facts)
                self._recover(error, begun)
                continue
            if self._rng.random() < TAKEN_BACK:
                self._ledger.taken_back(work.facts)
                self._rollback()
                self.counts.taken_back += 1
                return
            if self._commit(work):
                self._finished(work, begun, time.monotonic())
                return

    def _choose(self) -> Operation:
        operations = self._speaking.operations
        return self._rng.choices(list(operations), list(operations.values()))[0]

    def _commit(self, work: Work) -> bool:
        """Whether the transaction stands now."""
        assert self._connection is not None
        facts = work.facts
        self._ledger.write(work.token, facts)
        stands_now = True
        try:
            self._connection.commit()
        except pymysql.MySQLError as error:
            # No answer, or an error for an answer: neither says for sure whether the transaction stands.
            self._count(error)
            self.counts.indeterminate += 1
            self._close()
            mark = next(fact for fact in facts if fact.table in self._speaking.places and fact.token is not None)
            stands_now = self._with_server(lambda cursor: stands(cursor, dialect(cursor, self._database), mark))
        if stands_now:
            self._ledger.done(work.token)
        else:
            self._ledger.undone(work.token)
        return stands_now

    def _finished(self, work: Work, begun: float, ended: float) -> None:
        self.counts.commits += 1
        if not work.apart:
            work.tenant.learn(work.facts)
        phase = self.counts.phases.setdefault(self._phase(begun, ended), Phase())
        phase.writes += 1
        phase.total += ended - begun
        phase.longest = max(phase.longest, ended - begun)

    def _recover(self, error: pymysql.MySQLError, begun: float) -> None:
        """Make ready for another attempt, or raise the error where that would not help."""
        lost, code = is_lost(error), error_code(error)
        if lost or code in _AGAIN:
            if time.monotonic() - begun > _PATIENCE:
                raise error
            self._count(error)
            if lost:
                self._close()
                time.sleep(_BREATH)
            else:
                self._rollback()
                if code == ER.OPTION_PREVENTS_STATEMENT:
                    time.sleep(_BREATH)
            return
        # Any other error may come of a schema that is not the one spoken to.
        self._rollback()
        found = self._with_server(lambda cursor: dialect(cursor, self._database))
        if found is self._speaking:
            raise error
        self._speaking = found
        self.counts.speaking = found.name
        self.counts.switched += 1
        self.counts.retries["schema"] += 1

    def _with_server(self, ask: Callable[[Any], Answer]) -> Answer:
        """The answer to a question outside of any transaction, however long the server is away."""
        begun = time.monotonic()
        while True:
            try:
                with self._open().cursor() as cursor:
                    answer = ask(cursor)
                self._open().rollback()
                return answer
            except pymysql.MySQLError as error:
                if not (is_lost(error) or error_code(error) in _AGAIN) or time.monotonic() - begun > _PATIENCE:
                    raise
                self._count(error)
                self._close()
                time.sleep(_BREATH)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _rollback(self) -> None:
        try:
            if self._connection is not None:
                self._connection.rollback()
        except pymysql.MySQLError:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(pymysql.MySQLError):  # it was closed already
                connection.close()

    def _count(self, error: pymysql.MySQLError) -> None:
        self.counts.retries["lost" if is_lost(error) else str(error_code(error))] += 1
