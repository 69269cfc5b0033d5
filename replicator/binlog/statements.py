"""Query events: what kind of statement stands in the binlog."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from replicator.binlog.charset import codec
from replicator.binlog.codes import HEADER_LENGTH
from replicator.binlog.words import Dialect, Words, tokens


class Kind(Enum):
    """What a statement means for the rows of wanted tables."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    SAVEPOINT = auto()
    ROLLBACK_TO = auto()
    XA_START = auto()
    XA_END = auto()
    XA_COMMIT = auto()
    XA_ROLLBACK = auto()
    DDL = auto()
    HARMLESS = auto()
    DML = auto()


_XA: Final = {"START": Kind.XA_START, "BEGIN": Kind.XA_START, "END": Kind.XA_END, "COMMIT": Kind.XA_COMMIT}
_EXACT: Final = {b"BEGIN": Kind.BEGIN, b"COMMIT": Kind.COMMIT, b"ROLLBACK": Kind.ROLLBACK}

_SERVER_DELETE: Final = re.compile(r"DELETE\s+FROM\s+(`(?:[^`]|``)+`)\.(`(?:[^`]|``)+`)\s*", re.IGNORECASE)
_DDL_WORDS: Final = frozenset(("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "IMPORT"))
_HARMLESS_WORDS: Final = frozenset(
    [
        "GRANT",
        "REVOKE",
        "FLUSH",
        "OPTIMIZE",
        "REPAIR",
        "CHECK",
        "CHECKSUM",
        "SET",
        "INSTALL",
        "UNINSTALL",
        "RESET",
        "KILL",
        "CACHE",
        "SHUTDOWN",
        "RELEASE",
        "START",
        "STOP",
        "CHANGE",
        "PURGE",
        "LOCK",
        "UNLOCK",
        "USE",
    ]
)
_ACCOUNTS: Final = ("USER", "ROLE", "SERVER")
"""No schema, and their statements hold password hashes that must not reach a log. `TRUNCATE user` is a table's."""
_MODIFIERS: Final = frozenset(("LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK", "IGNORE", "INTO", "FROM"))
_QUERIES: Final = ("SELECT", "TABLE", "WITH")
_BEFORE_PARENTHESES: Final = frozenset(
    ("VALUES", "VALUE", ",", "(", "=", "+", "-", "AND", "OR", "NOT", "IN",
     "NOW", "SYSDATE", "UNIX_TIMESTAMP", "UTC_TIMESTAMP", "CURRENT_TIMESTAMP", "UUID")
)  # fmt: skip
"""What calls no function that somebody wrote."""

_STATUS_LENGTHS: Final = {
    0: 4,
    1: 8,
    3: 4,
    7: 2,
    8: 2,
    9: 8,
    10: 4,
    13: 3,
    16: 1,
    17: 8,
    18: 2,
    19: 1,
    20: 1,
    128: 3,
    129: 8,
}
"""Query_event's status variables of fixed length, up to the one with the client's charset."""
_STATUS_CHARSET: Final = 4
_ANSI_QUOTES: Final = 1 << 2
_NO_BACKSLASH_ESCAPES: Final = 1 << 20
"""Of sql_mode, which is status variable 1."""
_STATUS_TEXT: Final = frozenset((5, 6))


def raw_kind(statement: bytes) -> Kind | None:
    """The kind of the statements that the server itself writes, without decoding them."""
    return _EXACT.get(statement)


def classify(statement: str, dialect: Dialect) -> tuple[Kind, str]:
    """The kind of a statement, and the statement from its first word on."""
    words = Words(tokens(statement, dialect))
    while words.take("("):
        pass
    if words.take("SET", "STATEMENT"):  # MariaDB's, for the statement behind it alone
        depth = 0
        while words.more() and (depth or words.peek() != "FOR"):
            depth += {"(": 1, ")": -1}.get(words.peek(), 0)
            words.place += 1
        if not words.take("FOR") or not words.more():
            return Kind.DML, statement
    text = statement[words.tokens[words.place].start :] if words.more() else ""
    return _kind(Words(words.tokens[words.place :])), text


def _kind(words: Words) -> Kind:
    first, second, third = words.peek(), words.peek(1), words.peek(2)
    if (first == "BEGIN" and second in ("", ";", "WORK")) or (first == "START" and second == "TRANSACTION"):
        return Kind.BEGIN
    if first == "COMMIT":
        return Kind.COMMIT
    if first == "ROLLBACK":
        return Kind.ROLLBACK_TO if "TO" in (second, third) else Kind.ROLLBACK
    if first == "SAVEPOINT":
        return Kind.SAVEPOINT
    if first == "XA":
        return _XA.get(second, Kind.XA_ROLLBACK)
    if first in _DDL_WORDS:
        return _ddl(words)
    if first in _HARMLESS_WORDS or (first == "ANALYZE" and second in ("TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG")):
        return Kind.HARMLESS
    return Kind.HARMLESS if _writes_system_table(words) else Kind.DML


def _ddl(words: Words) -> Kind:
    verb = words.any_of(_DDL_WORDS)
    words.take("OR", "REPLACE")
    if verb != "TRUNCATE" and words.peek() in _ACCOUNTS:
        return Kind.HARMLESS
    temporary = verb in ("CREATE", "DROP") and words.take("TEMPORARY")
    if verb == "CREATE" and words.take("TABLE"):
        while words.more():
            # Where rows are logged, the server has taken the query out. What it calls may have written anywhere.
            strange = words.tokens[words.place].kind == "strange"
            if strange or words.peek() == "SELECT" or (words.peek() == "VALUES" and words.peek(1) not in ("LESS", "IN")):
                return Kind.DML
            words.place += 1
    return Kind.HARMLESS if temporary else Kind.DDL


def _writes_system_table(words: Words) -> bool:
    """Whether a table of the server's own is all that is written: hosted servers log their heartbeats as statements."""
    verb = words.any_of(("INSERT", "REPLACE", "UPDATE", "DELETE"))
    while words.any_of(_MODIFIERS):
        pass
    table = words.table()
    if not verb or table is None or (table[0] or "").lower() != "mysql":
        return False
    if words.peek() not in {"UPDATE": ("SET",), "DELETE": ("", ";", "WHERE")}.get(verb, ("(", "SET", "VALUES", "VALUE")):
        return False
    rest = words.tokens[words.place :]
    called = any(token.word == "(" and before.word not in _BEFORE_PARENTHESES for before, token in itertools.pairwise(rest))
    qualified = any(token.word == "(" and dot.word == "." for dot, _, token in zip(rest, rest[1:], rest[2:], strict=False))
    return not called and not qualified and not any(token.kind == "strange" or token.word in _QUERIES for token in rest)


def emptied_table(statement: str) -> tuple[str, str] | None:
    """Schema and table of the DELETE that a restarted server writes for each of its MEMORY tables."""
    found = _SERVER_DELETE.fullmatch(statement)
    return (_unquoted(found[1]), _unquoted(found[2])) if found else None


def savepoint_name(statement: str, dialect: Dialect) -> str:
    """The name in SAVEPOINT and ROLLBACK TO, which the server compares without regard to case."""
    return next((name.lower() for token in reversed(tokens(statement, dialect)) if (name := token.name) is not None), "")


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`")


def text_start(event: bytes) -> int:
    """Where the text of a query event begins."""
    schema_length = event[HEADER_LENGTH + 8]
    status_length = event[HEADER_LENGTH + 11] | event[HEADER_LENGTH + 12] << 8
    return HEADER_LENGTH + 13 + status_length + schema_length + 1


def decode_statement(statement: bytes, status: bytes, *, mariadb: bool) -> tuple[str, Dialect]:
    """The text of a statement, in the charset that its session spoke, and how that one wrote.

    Bytes that are no text are shown as escapes.
    """
    decode = codec(_client_collation(status)) or bytes.decode
    pos = 5 if status[:1] == b"\0" else 0  # behind the flags, which come first where there are any
    sql_mode = int.from_bytes(status[pos + 1 : pos + 9], "little") if status[pos : pos + 1] == b"\1" else 0
    dialect = Dialect(mariadb, not sql_mode & _NO_BACKSLASH_ESCAPES, bool(sql_mode & _ANSI_QUOTES))
    try:
        return decode(statement), dialect
    except UnicodeDecodeError:
        return statement.decode("utf-8", "backslashreplace"), replace(dialect, readable=False)


def _client_collation(status: bytes) -> int:
    utf8mb4 = 45
    pos = 0
    while pos < len(status):
        code = status[pos]
        if code == _STATUS_CHARSET:
            return int.from_bytes(status[pos + 1 : pos + 3], "little")
        if code in _STATUS_TEXT:
            pos += 2 + status[pos + 1]
        elif code in _STATUS_LENGTHS:
            pos += 1 + _STATUS_LENGTHS[code]
        else:
            break
    return utf8mb4
