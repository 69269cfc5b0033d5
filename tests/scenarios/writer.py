"""The application: sessions that execute sections of writer.sql, one of them again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

import pymysql

from replicator.mysql.connection import Connection, error_code
from tests.scenarios.script import Section

LEAST_ROUNDS = 25
"""Of the repeated section: the migration of an empty table must not outrun the application."""
PAUSE = 0.002
"""Seconds between two rounds: traffic, not a benchmark."""


class Writer:
    """Sessions by name. `fill` puts the databases' names into a statement."""

    def __init__(self, connect: Callable[[], Connection], fill: Callable[[str], str]) -> None:
        self._connect = connect
        self._fill = fill
        self._sessions: dict[str, Connection] = {}
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
            session = self._sessions.get(statement.session)
            if session is None:
                session = self._sessions[statement.session] = self._connect()
            text = self._fill(statement.text).replace("{n}", str(number))
            try:
                with session.cursor() as cursor:
                    cursor.execute(text)
            except pymysql.MySQLError as error:
                if error_code(error) != statement.error:
                    raise AssertionError(f"{text}: {error}") from error
            else:
                assert statement.error is None, f"{text}: has to fail with {statement.error}"

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
