"""DDL statements on tables, taken apart into words: which tables they name, and what an ALTER TABLE does one after the other.

Only as much grammar as it takes to tell what certainly leaves every row as it is; whatever is not understood counts as a
change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replicator.binlog.words import Dialect, Name, Token, Words, split, tokens

Verb = Literal["alter", "drop", "truncate", "rename", "replace", "drop index", "drop database", "unknown"]

_ALTER_OPTIONS = {"ONLINE", "OFFLINE", "IGNORE"}
_INDEX_KINDS = {"ONLINE", "OFFLINE", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"}
_WITHOUT_ROWS = {
    "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "PACKAGE", "LIBRARY", "AGGREGATE", "DEFINER", "ALGORITHM", "SQL",
    "SEQUENCE", "DATABASE", "SCHEMA", "TABLESPACE", "UNDO", "LOGFILE", "INSTANCE", "RESOURCE", "USER", "ROLE", "SERVER",
    "TEMPORARY", "REFERENCE", "JSON",
}  # fmt: skip
"""What stands behind CREATE, ALTER or DROP and is no table, or how it begins."""


@dataclass(frozen=True, slots=True)
class TableStatement:
    """A statement that concerns tables, or a database (`tables` is its name)."""

    verb: Verb
    tables: tuple[Name, ...]
    renamed: tuple[tuple[Name, Name], ...] = ()
    actions: tuple[tuple[Token, ...], ...] = ()
    """Of an ALTER TABLE, as they stand between its commas."""
    ignore: bool = False
    """ALTER IGNORE: rows that break a new unique key vanish."""
    index: str | None = None
    """What DROP INDEX drops."""
    partners: tuple[Name, ...] = ()
    """Tables whose rows an ALTER TABLE of another one exchanges with a partition, or makes one of, or takes out of one."""


_UNKNOWN = TableStatement("unknown", ())


def parse(statement: str, dialect: Dialect) -> TableStatement | None:
    """What the statement does to tables; None where that is certainly nothing."""
    words = Words(tokens(statement, dialect))
    if not words.more():
        return None
    parsed = {"ALTER": _alter, "DROP": _drop, "TRUNCATE": _truncate, "RENAME": _rename, "CREATE": _create}.get(words.peek())
    words.place += 1
    found = _UNKNOWN if parsed is None else parsed(words)
    strange = not dialect.readable or any(token.kind == "strange" for token in words.tokens)
    return _UNKNOWN if strange and found is not None else found


def _without_rows(words: Words) -> TableStatement | None:
    return None if words.peek() in _WITHOUT_ROWS else _UNKNOWN


def _truncate(words: Words) -> TableStatement:
    words.take("TABLE")
    table = words.table()
    _wait(words)
    if words.any_of(("DROP", "REUSE")):
        words.take("STORAGE")
    return TableStatement("truncate", (table,)) if table is not None and words.ended() else _UNKNOWN


def _wait(words: Words) -> None:
    if words.any_of(("WAIT", "NOWAIT")) == "WAIT":
        words.name()


def _alter(words: Words) -> TableStatement | None:
    ignore = False
    while option := words.any_of(_ALTER_OPTIONS):
        ignore = ignore or option == "IGNORE"
    if not words.take("TABLE"):
        return _without_rows(words)
    words.take("IF", "EXISTS")
    table = words.table()
    if table is None:
        return _UNKNOWN
    _wait(words)
    rest = words.tokens[words.place :]
    actions = tuple(split(rest))
    renamed = tuple((table, to) for action in actions if (to := _renamed(Words(action))) is not None)
    # EXCHANGE PARTITION … WITH TABLE, CONVERT PARTITION … TO TABLE, CONVERT TABLE … TO PARTITION
    behind = [Words(rest, place).table() for place, token in enumerate(rest, 1) if token.word == "TABLE"]
    partners = tuple(name for name in behind if name is not None)
    return TableStatement("alter", (table, *(to for _, to in renamed), *partners), renamed, actions, ignore, partners=partners)


def _renamed(action: Words) -> Name | None:
    """The new name that an ALTER TABLE gives the table."""
    if not action.take("RENAME") or action.peek() in ("COLUMN", "INDEX", "KEY"):
        return None
    action.any_of(("TO", "AS", "="))
    return action.table()


def _drop(words: Words) -> TableStatement | None:
    if words.any_of(("DATABASE", "SCHEMA")):
        words.take("IF", "EXISTS")
        name = words.name()
        return _UNKNOWN if name is None else TableStatement("drop database", ((None, name),))
    if words.peek() in ("INDEX", *_INDEX_KINDS):
        return _index(words)
    if not words.any_of(("TABLE", "TABLES")):
        return _without_rows(words)
    words.take("IF", "EXISTS")
    found = [words.table()]
    while words.take(","):
        found.append(words.table())
    _wait(words)
    words.any_of(("RESTRICT", "CASCADE"))
    tables = tuple(table for table in found if table is not None)
    return TableStatement("drop", tables) if len(tables) == len(found) and words.ended() else _UNKNOWN


def _index(words: Words) -> TableStatement | None:
    """An index that is dropped, or replaced."""
    while words.any_of(_INDEX_KINDS):
        pass
    if not words.take("INDEX"):  # SPATIAL REFERENCE SYSTEM
        return _without_rows(words)
    words.take("IF", "EXISTS")
    words.take("IF", "NOT", "EXISTS")
    index = words.name()
    if words.take("USING"):
        words.name()
    table = words.table() if words.take("ON") else None
    return _UNKNOWN if table is None else TableStatement("drop index", (table,), index=index)


def _rename(words: Words) -> TableStatement | None:
    if not words.any_of(("TABLE", "TABLES")):
        return None if words.peek() == "USER" else _UNKNOWN
    words.take("IF", "EXISTS")
    renamed: list[tuple[Name, Name]] = []
    while True:
        old = words.table()
        _wait(words)
        new = words.table() if words.take("TO") else None
        if old is None or new is None:
            return _UNKNOWN
        renamed.append((old, new))
        if not words.take(","):
            break
    named = tuple(name for pair in renamed for name in pair)
    return TableStatement("rename", named, tuple(renamed)) if words.ended() else _UNKNOWN


def _create(words: Words) -> TableStatement | None:
    replace = words.take("OR", "REPLACE")
    if replace and words.any_of(("DATABASE", "SCHEMA")):
        name = words.name()
        return _UNKNOWN if name is None else TableStatement("drop database", ((None, name),))
    if words.peek() in ("INDEX", *_INDEX_KINDS):
        return _index(words) if replace else None
    if not (words.take("TABLE") or (replace and words.take("SEQUENCE"))):
        return _without_rows(words)
    words.take("IF", "NOT", "EXISTS")
    table = words.table()
    if table is None:
        return _UNKNOWN
    return TableStatement("replace", (table,)) if replace else None
