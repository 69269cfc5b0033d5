"""The application: a process of its own that runs a history against the source and keeps a log of what was committed.

A line of the log is one transaction in the order of the commits: its serial number and the statements that succeeded, so
that running them again on a copy of the first state gives the same rows.

    python -m tests.differential.writer SETTINGS.json

SIGTERM ends it behind the transaction under way, with no other left open.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import pymysql
from pymysql.constants import ER

from tests.differential.history import Transaction, transactions
from tests.differential.shape import MARKER, Connection, connect, read_shape

_CHORES = 60
"""Transactions between two of them."""
_WHOLE = {ER.LOCK_DEADLOCK}
"""Errors that roll the whole transaction back, not the statement alone."""


class Writer:
    """Two sessions: one for most transactions, one for those that stay open beside them."""

    def __init__(self, settings: dict[str, Any], log: TextIO) -> None:
        self._settings = settings
        self._log = log
        self._sessions = {1: self._session(), 2: self._session()}
        self._open: _Open | None = None
        self.stopping = False

    def _session(self) -> Connection:
        session = connect(self._settings["connection"], self._settings["database"], autocommit=True)
        _execute(session, "SET SESSION innodb_lock_wait_timeout = 1")
        return session

    def run(self, history: Iterator[Transaction], pause: float) -> None:
        """Write at most one transaction every `pause` seconds until told to stop."""
        due = time.monotonic()
        for transaction in history:
            if self.stopping:
                break
            if transaction.session == 2:
                self._close()
                self._open = _Open(transaction, self._begin(transaction))
            else:
                self._run(transaction)
                if self._open is not None:
                    self._open.left -= 1
                    if self._open.left <= 0:
                        self._close()
            if transaction.serial % _CHORES == 0:
                self._close()  # ANALYZE waits for transactions that have used the table
                self._chore(transaction.serial)
            due = max(due + pause, time.monotonic() - 1.0)
            time.sleep(max(0.0, due - time.monotonic()))
        self._close()

    def _chore(self, serial: int) -> None:
        """What a server is told to do beside its work, and what shows in the binlog: a new file, statistics."""
        session = self._sessions[1]
        _execute(session, "FLUSH BINARY LOGS" if serial // _CHORES % 2 else f"ANALYZE TABLE {MARKER}")

    def _run(self, transaction: Transaction) -> None:
        done = self._begin(transaction)
        if done is None:
            return
        session = self._sessions[1]
        if transaction.kind == "plain":
            session.commit()
            self._committed(transaction, done)
        else:
            session.rollback()

    def _begin(self, transaction: Transaction) -> list[str] | None:
        """The statements that succeeded; None when the server rolled the transaction back."""
        session = self._sessions[transaction.session]
        xa = transaction.kind.startswith("xa")
        name = f"'replicator-{transaction.serial}'"
        _execute(session, f"XA START {name}" if xa else "BEGIN")
        done: list[str] = []
        whole = True
        for statement in transaction.statements:
            try:
                _execute(session, statement)
                done.append(statement)
            except pymysql.MySQLError as error:
                if error.args[0] in _WHOLE:
                    whole = False
                    break
        if not whole:
            _execute(session, "SET foreign_key_checks = 1")
            if xa:
                with suppress(pymysql.MySQLError):
                    _execute(session, f"XA END {name}")
                _execute(session, f"XA ROLLBACK {name}")
            return None
        if done[-1:] != [transaction.statements[-1]]:  # the marker: without it nobody can tell that this was applied
            raise RuntimeError(f"transaction {transaction.serial} could not write its marker")
        if xa:
            _execute(session, f"XA END {name}")
            _execute(session, f"XA PREPARE {name}")
        return done

    def _close(self) -> None:
        """Decide about the transaction that is open beside the others."""
        if self._open is None:
            return
        transaction, done = self._open.transaction, self._open.done
        self._open = None
        if done is None:
            return
        session = self._sessions[2]
        if transaction.kind == "xa rolled back":
            _execute(session, f"XA ROLLBACK 'replicator-{transaction.serial}'")
        elif transaction.kind == "xa":
            _execute(session, f"XA COMMIT 'replicator-{transaction.serial}'")
            self._committed(transaction, done)
        else:
            session.commit()
            self._committed(transaction, done)

    def _committed(self, transaction: Transaction, done: list[str]) -> None:
        self._log.write(json.dumps([transaction.serial, transaction.session, done]) + "\n")
        self._log.flush()


class _Open:
    def __init__(self, transaction: Transaction, done: list[str] | None) -> None:
        self.transaction = transaction
        self.done = done
        self.left = transaction.span


def _execute(session: Connection, statement: str) -> None:
    with session.cursor() as cursor:
        cursor.execute(statement)


def main() -> None:
    """Write until SIGTERM."""
    settings = json.loads(Path(sys.argv[1]).read_text())
    with Path(settings["log"]).open("a") as log:
        writer = Writer(settings, log)

        def stop(*_: object) -> None:
            writer.stopping = True

        signal.signal(signal.SIGTERM, stop)
        shape = connect(settings["connection"])
        tables = read_shape(shape, settings["database"])
        shape.close()
        writer.run(transactions(tables, settings["seed"], xa=settings["xa"]), 1 / settings["rate"])


if __name__ == "__main__":
    main()
