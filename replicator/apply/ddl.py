"""Whether a DDL statement concerns a table that a transform reads. It is never guessed what it does to the rows."""

from __future__ import annotations

import re
from collections.abc import Collection

from replicator.binlog.events import Ddl
from replicator.errors import SchemaChanged

_COMMENT = re.compile(r"/\*!?\d*.*?\*/|--[ \t][^\n]*|#[^\n]*", re.DOTALL)
_NAME = r"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[^\s`\"().,;]+)"
_QUALIFIED = re.compile(rf"\s*({_NAME})(?:\s*\.\s*({_NAME}))?")
_HEAD = re.compile(
    r"\s*(?P<verb>ALTER|DROP|TRUNCATE|RENAME|CREATE)\s+"
    r"(?:(?:OR\s+REPLACE|ONLINE|OFFLINE|IGNORE)\s+)*(?P<temporary>TEMPORARY\s+)?"
    r"(?:TABLES?\s+|(?=`|[a-z_]))(?:IF\s+(?:NOT\s+)?EXISTS\s+)?",
    re.IGNORECASE,
)
_TRUNCATE = re.compile(r"\s*TRUNCATE\s+(?!TABLE\b)", re.IGNORECASE)
_TABLE_STATEMENT = re.compile(
    r"\s*(?:ALTER|DROP|TRUNCATE|RENAME|CREATE)\b(?:\s+(?:OR\s+REPLACE|ONLINE|OFFLINE|IGNORE|TEMPORARY))*\s+TABLES?\b"
    r"|\s*TRUNCATE\b",
    re.IGNORECASE,
)
_DATABASE = re.compile(r"\s*(?:DROP|ALTER)\s+(?:DATABASE|SCHEMA)\s+(?:IF\s+EXISTS\s+)?(" + _NAME + ")", re.IGNORECASE)


def tables_of(ddl: Ddl) -> set[tuple[str, str]]:
    """(schema, table) of every table whose definition or existence the statement may change."""
    text = _COMMENT.sub(" ", ddl.statement)
    if not _TABLE_STATEMENT.match(text):
        return set()
    text = _TRUNCATE.sub("TRUNCATE TABLE ", text)
    head = _HEAD.match(text)
    if head is None or head["temporary"]:
        return set()
    verb = head["verb"].upper()
    found = set()
    rest = text[head.end() :]
    while (match := _QUALIFIED.match(rest)) is not None:
        first, second = match[1], match[2]
        schema, table = (_bare(first), _bare(second)) if second else (ddl.schema, _bare(first))
        found.add((schema, table))
        rest = rest[match.end() :]
        if verb == "RENAME" and (to := re.match(r"\s+(?:WAIT\s+\d+\s+|NOWAIT\s+)?TO\s+", rest, re.IGNORECASE)):
            rest = rest[to.end() :]
        elif verb in ("RENAME", "DROP") and (comma := re.match(r"\s*,", rest)):
            rest = rest[comma.end() :]
        else:
            break
    if verb == "ALTER" and (to := re.search(r"\bRENAME\s+(?:TO\s+|AS\s+|=\s*)?(?!COLUMN|INDEX|KEY)", rest, re.IGNORECASE)):
        match = _QUALIFIED.match(rest[to.end() :])
        if match is not None:
            found.add((_bare(match[1]), _bare(match[2])) if match[2] else (ddl.schema, _bare(match[1])))
    return found


def database_of(ddl: Ddl) -> str | None:
    """The database that the statement drops or alters."""
    match = _DATABASE.match(_COMMENT.sub(" ", ddl.statement))
    return _bare(match[1]) if match else None


def concerns(ddl: Ddl, schema: str, tables: Collection[str]) -> bool:
    """Whether the statement may change one of `tables` of `schema`; names compare without case, as some servers do."""
    wanted = {(schema.lower(), table.lower()) for table in tables}
    named = {(name.lower(), table.lower()) for name, table in tables_of(ddl)}
    database = database_of(ddl)
    return bool(wanted & named) or (database is not None and database.lower() == schema.lower())


def schema_changed(ddl: Ddl) -> SchemaChanged:
    """The error that stops the stream."""
    statement = " ".join(ddl.statement.split())
    return SchemaChanged(
        f"the schema of the source changed at {ddl.position}: {statement[:200]}. The rows behind it may not fit the"
        " transforms any more: adapt transforms and target, abort and run again; or undo the change on the source"
    )


def _bare(name: str) -> str:
    for mark in '`"':
        if name.startswith(mark):
            return name[1:-1].replace(mark * 2, mark)
    return name
