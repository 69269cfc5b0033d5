"""The application: sessions that execute sections of writer.sql, one of them again and again."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Self

import pymysql
from pymysql.constants import ER

from replicator.mysql.connection import Connection, error_code
from tests.scenarios.script import Section, Statement

LEAST_ROUNDS = 25
"""Of the repeated section: the migration of an empty table must not outrun the application."""
PAUSE = 0.002
"""Seconds between two rounds: traffic, not a benchmark."""
DEADLOCKS = 50
"""That a transaction is begun anew for, at most."""


class Writer:
    """Sessions by name. `fill` puts the databases' names into a statement."""

    def __init__(self, connect: Callable[[], Connection], fill: Callable[[str], str]) -> None:
        self._connect = connect
        self._fill = fill
        self._sessions: dict[str, Connection] = {}
        self._since: defaultdict[str, list[Statement]] = defaultdict(list)
        """What a session has said in its open transaction."""
        self._repeated: threading.Thread | None = None
        self._ending = threading.Event()
        self._enough = threading.Event()
        self._error: BaseException | None = None
        self.rounds = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self._repeated is not None:
            self._repeated.join()
        for session in self._sessions.values():
            with suppress(pymysql.MySQLError):
                session.close()

    def run(self, section: Section, number: int = 0) -> None:
        """Execute the statements in order."""
        for statement in section:
            said = replace(statement, text=self._fill(statement.text).replace("{n}", str(number)))
            if said.session not in self._sessions:
                self._sessions[said.session] = self._connect()
            since = self._since[said.session]
            if since or said.text.upper() == "BEGIN":
                since.append(said)
            self._execute(since or [said])
            if said.text.upper() in ("COMMIT", "ROLLBACK"):
                since.clear()

    def _execute(self, statements: Sequence[Statement]) -> None:
        """Execute the last of the statements; the ones before it are what its transaction has done so far.

        Of two sections that write to the same rows the server ends one by a deadlock: like every application it begins its
        transaction anew.
        """
        remaining = statements[-1:]
        for _ in range(DEADLOCKS):
            try:
                for statement in remaining:
                    self._attempt(statement)
            except pymysql.OperationalError as error:
                if error_code(error) != ER.LOCK_DEADLOCK:
                    raise
                remaining = statements
            else:
                return
        raise AssertionError(f"{statements[-1].text}: {DEADLOCKS} deadlocks one after the other")

    def _attempt(self, statement: Statement) -> None:
        try:
            with self._sessions[statement.session].cursor() as cursor:
                cursor.execute(statement.text)
        except pymysql.MySQLError as error:
            if error_code(error) == statement.error:
                return
            if error_code(error) == ER.LOCK_DEADLOCK:
                raise
            raise AssertionError(f"{statement.text}: {error}") from error
        assert statement.error is None, f"{statement.text}: has to fail with {statement.error}"

    def repeat(self, section: Section) -> None:
        """Execute the section round after round, in sessions of its own, until `settle`."""
        writer = Writer(self._connect, self._fill)

        def work() -> None:
            with writer:
                try:
                    while not self._ending.is_set():
                        self.rounds += 1
                        writer.run(section, self.rounds)
                        if self.rounds == LEAST_ROUNDS:
                            self._enough.set()
                        self._ending.wait(PAUSE)
                except BaseException as error:
                    self._error = error
                    self._enough.set()

        self._repeated = threading.Thread(target=work, name="application", daemon=True)
        self._repeated.start()

    def settle(self) -> None:
        """End what is repeated; raises what it failed with."""
        if self._repeated is not None:
            assert self._enough.wait(60), "the application is stuck"
            self._ending.set()
            self._repeated.join()
        if self._error is not None:
            raise self._error


def filler(names: Mapping[str, str]) -> Callable[[str], str]:
    """Puts the databases' names into the place of {source}, {target}, …"""

    def fill(text: str) -> str:
        for name, value in names.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    return fill
