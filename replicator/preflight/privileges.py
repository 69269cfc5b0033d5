"""What an account may do, as SHOW GRANTS tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from replicator.mysql.connection import Connection, row, rows, value

_GRANT = re.compile(r"(GRANT|REVOKE) (?P<privileges>.+?) ON (?P<object>.+?) (?:TO|FROM) ", re.DOTALL)
_OBJECT = re.compile(r"(?:TABLE )?(?P<schema>\*|`(?:[^`]|``)+`)\.(?P<table>\*|`(?:[^`]|``)+`)\Z")
_ALIASES = {
    "ALL": "ALL PRIVILEGES",
    "BINLOG MONITOR": "REPLICATION CLIENT",
    "DELETE VERSIONING ROWS": "DELETE HISTORY",
}
"""MariaDB's newer names of the same privileges."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Privileges on everything (schema and table None), on the databases that match a pattern, or on one table."""

    privileges: frozenset[str]
    schema: str | None
    table: str | None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Privileges:
    """All grants of the account and of its active roles."""

    grants: tuple[Grant, ...]
    literal: bool = False
    """MySQL's partial_revokes: the database of a grant is a name, not a pattern."""

    def allow(self, privilege: str, schema: str | None, tables: Iterable[str] = ()) -> bool:
        """Whether the account has the privilege on the schema (None: on everything), or on each of the tables."""
        having = [grant for grant in self.grants if {privilege, "ALL PRIVILEGES"} & grant.privileges]
        if schema is None:
            return any(grant.schema is None and _covers_global(grant, privilege) for grant in having)
        if any(grant.revoked and grant.schema == schema and privilege in grant.privileges for grant in having):
            return False  # MySQL's partial_revokes
        matches = _is if self.literal else _matches
        if any(grant.table is None and not grant.revoked and matches(grant.schema, schema) for grant in having):
            return True
        granted = {grant.table for grant in having if grant.table is not None and grant.schema == schema}
        wanted = set(tables)
        return bool(wanted) and wanted <= granted


def read_privileges(connection: Connection) -> Privileges:
    """The privileges of the session's account."""
    lines = [str(record[0]) for record in rows(connection, "SHOW GRANTS")]
    role = value(connection, "SELECT CURRENT_ROLE()")
    if role not in (None, "NONE", ""):
        mysql = "`@`" in str(role)
        statement = f"SHOW GRANTS FOR CURRENT_USER() USING {role}" if mysql else "SHOW GRANTS FOR CURRENT_ROLE"
        lines += [str(record[0]) for record in rows(connection, statement)]
    return Privileges(tuple(grant for grant in map(parse_grant, lines) if grant is not None), partial_revokes(connection))


def partial_revokes(connection: Connection) -> bool:
    """Whether the server takes the databases of grants by their names."""
    found = row(connection, "SHOW GLOBAL VARIABLES LIKE 'partial_revokes'")
    return found is not None and found[1] == "ON"


def parse_grant(line: str) -> Grant | None:
    """One line of SHOW GRANTS; None for roles, proxies and routines."""
    match = _GRANT.match(line)
    place = _OBJECT.match(match["object"]) if match else None
    if match is None or place is None:
        return None
    # A privilege on some columns only, as SELECT (`a`, `b`), is none on the table.
    names = (name.strip().upper() for name in re.sub(r"[A-Z ]+\([^)]*\)", "", match["privileges"]).split(","))
    schema = None if place["schema"] == "*" else _bare(place["schema"])
    return Grant(
        frozenset(_ALIASES.get(name, name) for name in names if name),
        schema,
        None if place["table"] == "*" else _bare(place["table"]),
        match[1] == "REVOKE",
    )


def _bare(name: str) -> str:
    return name[1:-1].replace("``", "`")


def _covers_global(grant: Grant, privilege: str) -> bool:
    return not grant.revoked and (privilege in grant.privileges or "ALL PRIVILEGES" in grant.privileges)


def _is(name: str | None, schema: str) -> bool:
    return name is None or name == schema


def _matches(pattern: str | None, schema: str) -> bool:
    """Whether the database name of a grant, in which _ and % stand for others, means the schema."""
    if pattern is None or pattern == schema:
        return True
    regex = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\" and position + 1 < len(pattern):
            position += 1
            regex += re.escape(pattern[position])
        else:
            regex += {"%": ".*", "_": "."}.get(character, re.escape(character))
        position += 1
    return re.fullmatch(regex, schema, re.DOTALL) is not None
