"""The schema files: DDL of the target tables, run in whichever database they are wanted in and nowhere else.

A dump of several databases says `USE shop; DROP TABLE IF EXISTS customers`. Run as it stands, it would drop the table in
production, from a mere `replicator check`; so a file that names a database is refused before any of it is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pymysql

from replicator.binlog.words import Dialect, Token, tokens
from replicator.errors import ConfigError
from replicator.mysql.connection import Connection, Endpoint, connected, describe, passes
from replicator.mysql.flavour import identify

_CHANGES = frozenset(
    ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD", "CALL")
)
_READS_FROM_HERE = frozenset(("(", "LIKE", "SELECT", "SET", "VALUES", "WHERE", "AS", "BEGIN", "FOR", "REFERENCES"))
"""Behind these a statement names what it reads, or columns."""
_LINE = re.compile(r" at line \d+$")


@dataclass(frozen=True, slots=True)
class _Statement:
    line: int
    tokens: tuple[Token, ...]


def run_files(endpoint: Endpoint, database: str, path: Path) -> None:
    """Run the files in name order, foreign keys unchecked, so that their order need not follow the references.

    Raises ConfigError with file and line, before anything is run where a statement names a database.
    """
    files = sorted(path.glob("*.sql")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path}: no *.sql files here; set [migration] schema to the DDL of the target tables")
    with connected(replace(endpoint, database=database), write=True, several=True) as connection:
        dialect = Dialect(mariadb=identify(connection).flavour == "mariadb")
        texts = {file: _read(file) for file in files}
        statements = {file: list(_statements(text, dialect)) for file, text in texts.items()}
        if problems := [problem for file in files for problem in _elsewhere(file, statements[file])]:
            raise ConfigError(problems)
        for file in files:
            if statements[file]:
                _run(connection, endpoint, file, texts[file], statements[file])


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: is not UTF-8 text: save it as that") from None


def _statements(text: str, dialect: Dialect) -> Iterator[_Statement]:
    """What stands between the semicolons; the body of a trigger falls into several."""
    found: list[Token] = []
    for token in [*tokens(text, dialect), Token("mark", ";", len(text))]:
        if token.word != ";":
            found.append(token)
        elif found:
            yield _Statement(text.count("\n", 0, found[0].start) + 1, tuple(found))
            found = []


def _elsewhere(file: Path, statements: list[_Statement]) -> Iterator[str]:
    """What would be done in a database that the statement names, instead of in the one that it is run in."""
    for statement in statements:
        first, second, *_ = (*(token.word for token in statement.tokens), "", "")
        if first == "USE" or (first in ("CREATE", "ALTER", "DROP") and second in ("DATABASE", "SCHEMA")):
            yield (
                f"{file}:{statement.line}: {first} {second}".rstrip() + ": the tables are created in the database of [target]"
                " url, and tried in another one before: take the line out"
            )
        elif first in _CHANGES and (name := _qualified(statement.tokens)) is not None:
            yield f"{file}:{statement.line}: {first} names the database {name}: write the table's name alone"


def _qualified(found: tuple[Token, ...]) -> str | None:
    for before, mark, after in zip(found, found[1:], found[2:], strict=False):
        if before.word in _READS_FROM_HERE:
            return None
        if mark.word == "." and before.name and after.name and not before.word.isdigit():
            return before.name
    return None


def _run(connection: Connection, endpoint: Endpoint, file: Path, text: str, statements: list[_Statement]) -> None:
    done = 0
    try:
        with connection.cursor() as cursor:
            cursor.execute(text)
            done = 1
            while cursor.nextset():
                done += 1
    except pymysql.MySQLError as error:
        if passes(error):
            raise endpoint.failure(error, f"running {file}") from None
        place, told = str(file), describe(error)
        whole = not any(token.word == "BEGIN" for statement in statements for token in statement.tokens)
        with suppress(IndexError):
            if whole:  # the server counts lines from the statement's own first one
                place, told = f"{file}:{statements[done].line}", _LINE.sub("", told)
        raise ConfigError(f"{place}: {told}") from None
