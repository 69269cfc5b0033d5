"""The privileges that the two accounts need: exactly those that docs/reference/grants.md lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from replicator.config import Config
from replicator.mysql.connection import value
from replicator.mysql.flavour import Server
from replicator.mysql.sql import quote
from replicator.preflight.context import Context, End
from replicator.preflight.privileges import Privileges, read_privileges
from replicator.preflight.result import Finding, failed

Place = Literal["*", "source", "target", "archive", "state", "scratch", "performance_schema"]


@dataclass(frozen=True, slots=True)
class Need:
    """One privilege of one account."""

    role: Literal["source", "target"]
    place: Place
    privilege: str
    reason: str
    when: frozenset[str] = frozenset()
    """mysql, mariadb, gtid_off, heartbeat, rename: all of these must hold."""


def _needs(role: Literal["source", "target"], place: Place, reasons: dict[str, str], *when: str) -> tuple[Need, ...]:
    return tuple(Need(role, place, privilege, reason, frozenset(when)) for privilege, reason in reasons.items())


NEEDS: Final = (
    *_needs("source", "*", {
        "REPLICATION SLAVE": "read the binary log",
        "REPLICATION CLIENT": "see where the binary log ends",
        "PROCESS": "see who holds a table, and foreign keys of other databases",
    }),
    *_needs("source", "*", {"XA_RECOVER_ADMIN": "see prepared XA transactions"}, "mysql"),
    *_needs("source", "*", {"RELOAD": "begin a new binlog file to start from"}, "mysql", "gtid_off"),
    *_needs("source", "source", {"SELECT": "read the tables", "TRIGGER": "see triggers"}),
    *_needs("source", "state", {
        "CREATE": "create the heartbeat table",
        "INSERT": "write the heartbeat",
        "DELETE": "replace the last heartbeat",
    }, "heartbeat"),
    *_needs("target", "target", {
        "SELECT": "read what is there before it is changed",
        "INSERT": "write rows",
        "UPDATE": "write rows",
        "DELETE": "write rows",
        "CREATE": "create the target tables",
        "ALTER": "add indexes after the copy",
        "INDEX": "add indexes after the copy",
        "DROP": "remove the tables with abort --drop-target",
        "REFERENCES": "create foreign keys",
        "TRIGGER": "see triggers",
    }),
    *_needs("target", "state", {
        "SELECT": "read the state and staging",
        "INSERT": "write the state and staging",
        "UPDATE": "write the state and staging",
        "DELETE": "write the state and staging",
        "CREATE": "create the state database",
        "ALTER": "index staging",
        "INDEX": "index staging",
        "DROP": "remove staging",
    }),
    *_needs("target", "scratch", {
        "CREATE": "try the schema files before the tables are there",
        "ALTER": "try the schema files",
        "INDEX": "try the schema files",
        "REFERENCES": "try the schema files",
        "DROP": "remove what was tried",
    }),
    *_needs("source", "source", {
        "LOCK TABLES": "freeze the tables at the cutover",
        "ALTER": "rename the old tables",
        "DROP": "rename the old tables",
        "CREATE": "put the new tables in their place",
        "INSERT": "put the new tables in their place",
    }, "rename"),
    *_needs("source", "target", {
        "SELECT": "lock the new tables at the cutover",
        "LOCK TABLES": "lock the new tables at the cutover",
        "ALTER": "rename the new tables",
        "DROP": "rename the new tables",
    }, "rename"),
    *_needs("source", "archive", {
        "CREATE": "move the old tables into the archive",
        "INSERT": "move the old tables into the archive",
    }, "rename"),
    *_needs("source", "performance_schema", {"SELECT": "see who holds a table"}, "rename", "mysql"),
)  # fmt: skip


def check(context: Context) -> Iterator[Finding]:
    """Both accounts have every privilege that docs/reference/grants.md lists."""
    for end in context.ends:
        privileges = read_privileges(end.connection)
        for need in NEEDS:
            if need.role == end.role and need.when <= circumstances(context.config, end.server, end):
                yield from _missing(context.config, end, need, privileges)


def circumstances(config: Config, server: Server, end: End) -> set[str]:
    """What the needs depend on."""
    found: set[str] = {server.flavour}
    if end.variables.get("gtid_mode", "ON") != "ON":
        found.add("gtid_off")
    if config.stream.heartbeat is not None:
        found.add("heartbeat")
    if config.cutover.mode == "rename":
        found.add("rename")
    return found


def database_of(config: Config, place: Place) -> str | None:
    """The database that a place stands for, None for all of them; of `scratch` only the beginning is known."""
    return {
        "*": None,
        "source": config.source.database,
        "target": config.target.database,
        "archive": config.cutover.archive_database,
        "state": config.migration.state_database,
        "scratch": f"{config.migration.state_database}_",
        "performance_schema": "performance_schema",
    }[place]


def _missing(config: Config, end: End, need: Need, privileges: Privileges) -> Iterator[Finding]:
    database = database_of(config, need.place)
    tables = tuple(end.tables) if need.place == end.role else ()
    scratch = need.place == "scratch"
    if privileges.allow(need.privilege, f"{database}{'0' * 8}" if scratch else database, tables):
        return
    where = "*.*" if database is None else f"{quote(_escaped(database) + '%' * scratch)}.*"
    yield failed(
        f"{end}: {end.endpoint.user} lacks {need.privilege} on {'everything' if database is None else database}: "
        f"needed to {need.reason}",
        f"GRANT {need.privilege} ON {where} TO {_account(end)}",
    )


def _escaped(database: str) -> str:
    """As GRANT wants it: _ and % would stand for other characters. Not in MySQL's performance_schema, a fixed name."""
    if database == "performance_schema":
        return database
    return database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def _account(end: End) -> str:
    user, _, host = str(value(end.connection, "SELECT CURRENT_USER()")).rpartition("@")
    return f"'{user}'@'{host}'"
