"""Query events: what kind of statement stands in the binlog."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from replicator.binlog.charset import codec


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


_EXACT: Final = {b"BEGIN": Kind.BEGIN, b"COMMIT": Kind.COMMIT, b"ROLLBACK": Kind.ROLLBACK}

_LEADING: Final = re.compile(r"(?:\s+|/\*M?!\d*|/\*.*?\*/|\*/|--\s[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|\()+", re.DOTALL)
"""White space and comments in front of a statement; what stands in /*! … */ is part of it."""
_SET_STATEMENT: Final = re.compile(r"SET\s+STATEMENT\s.*?\sFOR\s+", re.DOTALL | re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Za-z_]+")
_TEMPORARY: Final = re.compile(r"(?:CREATE|DROP)\s+(?:/\*!?\d*\s*)?(?:OR\s+REPLACE\s+)?TEMPORARY\b", re.IGNORECASE)
_ACCOUNT: Final = re.compile(r"(?:CREATE|ALTER|DROP|RENAME)\s+(?:OR\s+REPLACE\s+)?(?:USER|ROLE|SERVER)\b", re.IGNORECASE)
"""Accounts: no schema, and their statements hold password hashes that must not reach a log. `TRUNCATE user` is a table's."""
_NAME: Final = r"(?:`(?:[^`]|``)+`|[^\s`.(;]+)"
_TARGET: Final = re.compile(
    r"(?:INSERT|REPLACE|UPDATE|DELETE)\s+(?:(?:LOW_PRIORITY|HIGH_PRIORITY|DELAYED|QUICK|IGNORE)\s+)*(?:INTO\s+|FROM\s+)?"
    rf"({_NAME})(?:\s*\.\s*({_NAME}))?",
    re.IGNORECASE,
)
_SERVER_DELETE: Final = re.compile(r"DELETE\s+FROM\s+(`(?:[^`]|``)+`)\.(`(?:[^`]|``)+`)\s*", re.IGNORECASE)
_SAVEPOINT_NAME: Final = re.compile(
    r"(?:ROLLBACK\s+(?:WORK\s+)?TO\s+(?:SAVEPOINT\s+)?|SAVEPOINT\s+)(.*)", re.IGNORECASE | re.DOTALL
)

_DDL_WORDS: Final = frozenset(("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "IMPORT"))
_HARMLESS_WORDS: Final = frozenset(
    [
        "GRANT",
        "REVOKE",
        "FLUSH",
        "ANALYZE",
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
_SYSTEM: Final = frozenset(("mysql", "sys", "performance_schema", "information_schema"))

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
_NO_BACKSLASH_ESCAPES: Final = 1 << 20
"""Of sql_mode, which is status variable 1."""
_STATUS_TEXT: Final = frozenset((5, 6))


def raw_kind(statement: bytes) -> Kind | None:
    """The kind of the statements that the server itself writes, without decoding them."""
    return _EXACT.get(statement)


def classify(statement: str) -> tuple[Kind, str]:
    """The kind of a statement, and the statement from its first word on."""
    start = _LEADING.match(statement)
    text = statement[start.end() :] if start else statement
    if prefix := _SET_STATEMENT.match(text):
        return classify(text[prefix.end() :])
    word = _WORD.match(text)
    first = word[0].upper() if word else ""
    rest = text[len(first) :].strip().upper()
    if first == "BEGIN":
        return Kind.BEGIN, text
    if first == "START" and rest.startswith("TRANSACTION"):
        return Kind.BEGIN, text
    if first == "COMMIT":
        return Kind.COMMIT, text
    if first == "ROLLBACK":
        return (Kind.ROLLBACK_TO if _SAVEPOINT_NAME.match(text) else Kind.ROLLBACK), text
    if first == "SAVEPOINT":
        return Kind.SAVEPOINT, text
    if first == "XA":
        if rest.startswith(("START", "BEGIN")):
            return Kind.XA_START, text
        if rest.startswith("END"):
            return Kind.XA_END, text
        return (Kind.XA_COMMIT if rest.startswith("COMMIT") else Kind.XA_ROLLBACK), text
    if first in _DDL_WORDS:
        return (Kind.HARMLESS if _TEMPORARY.match(text) or _ACCOUNT.match(text) else Kind.DDL), text
    if first in _HARMLESS_WORDS:
        return Kind.HARMLESS, text
    if first in ("INSERT", "REPLACE", "UPDATE", "DELETE") and _writes_system_table(text):
        return Kind.HARMLESS, text
    return Kind.DML, text


def _writes_system_table(statement: str) -> bool:
    """Whether the only table that is written is the server's own: hosted servers log their heartbeats as statements."""
    target = _TARGET.match(statement)
    return bool(target and target[2] and _unquoted(target[1]).lower() in _SYSTEM)


def emptied_table(statement: str) -> tuple[str, str] | None:
    """Schema and table of the DELETE that a restarted server writes for each of its MEMORY tables."""
    found = _SERVER_DELETE.fullmatch(statement)
    return (_unquoted(found[1]), _unquoted(found[2])) if found else None


def savepoint_name(statement: str) -> str:
    """The name in SAVEPOINT and ROLLBACK TO, which the server compares without regard to case."""
    found = _SAVEPOINT_NAME.match(statement)
    return _unquoted(found[1].strip()).lower() if found else ""


def _unquoted(name: str) -> str:
    if len(name) > 1 and name[0] == name[-1] and name[0] in '`"':
        return name[1:-1].replace(name[0] * 2, name[0])
    return name


def decode_statement(statement: bytes, status: bytes) -> str:
    """The text of a statement, in the charset that its session spoke. Bytes that are no text are shown as escapes."""
    decode = codec(_client_collation(status))
    if decode is not None:
        try:
            return decode(statement)
        except UnicodeDecodeError:
            pass
    return statement.decode("utf-8", "backslashreplace")


def escapes(status: bytes) -> bool:
    """Whether a backslash in the statement's texts escapes what follows: not in a session with NO_BACKSLASH_ESCAPES."""
    pos = 5 if status[:1] == b"\0" else 0  # behind the flags, which come first where there are any
    sql_mode = int.from_bytes(status[pos + 1 : pos + 9], "little") if status[pos : pos + 1] == b"\1" else 0
    return not sql_mode & _NO_BACKSLASH_ESCAPES


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
