"""The privileges that the two accounts need: exactly those that docs/reference/grants.md lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from replicator.config import Config
from replicator.cutover.moves import closed_database
from replicator.mysql.connection import account
from replicator.mysql.sql import quote
from replicator.preflight.context import Context, End
from replicator.preflight.privileges import Privileges, read_privileges
from replicator.preflight.result import Finding, failed

Place = Literal["*", "source", "target", "archive", "state", "scratch", "closed", "sentry", "performance_schema"]


@dataclass(frozen=True, slots=True)
class Need:
    """One privilege of one account."""

    role: Literal["source", "target"]
    place: Place
    privilege: str
    reason: str
    when: frozenset[str] = frozenset()
    """mysql, mariadb, gtid_off, heartbeat, rename, hooks, views: all of these must hold."""


def _needs(role: Literal["source", "target"], place: Place, reasons: dict[str, str], *when: str) -> tuple[Need, ...]:
    """From {"SELECT, INSERT": reason}."""
    return tuple(
        Need(role, place, privilege, reason, frozenset(when))
        for privileges, reason in reasons.items()
        for privilege in privileges.split(", ")
    )


NEEDS: Final = (
    *_needs("source", "*", {
        "REPLICATION SLAVE": "read the binary log",
        "REPLICATION CLIENT": "see where the binary log ends",
    }),
    *_needs("source", "*", {"XA_RECOVER_ADMIN": "see prepared XA transactions"}, "mysql"),
    *_needs("source", "*", {"RELOAD": "begin a new binlog file to start from"}, "mysql", "gtid_off"),
    *_needs("source", "source", {"SELECT": "read the tables", "TRIGGER": "see triggers"}),
    *_needs("source", "state", {
        "CREATE": "create the heartbeat table",
        "INSERT, DELETE": "write the heartbeat",
    }, "heartbeat"),
    *_needs("target", "target", {
        "SELECT": "read what is there before it is changed",
        "INSERT, UPDATE, DELETE": "write rows",
        "CREATE, REFERENCES": "create the target tables",
        "ALTER, INDEX": "add indexes after the copy",
        "DROP": "remove the tables with abort --drop-target",
        "TRIGGER": "see triggers",
    }),
    *_needs("target", "state", {
        "SELECT, INSERT, UPDATE, DELETE": "read and write the state and staging",
        "CREATE": "create the state and staging",
        "ALTER, INDEX": "index staging",
        "DROP": "remove staging",
    }),
    *_needs("target", "scratch", {
        "CREATE, ALTER, INDEX, REFERENCES": "try the schema files before the tables are there",
        "DROP": "remove what was tried",
    }),
    *_needs("target", "*", {
        "REPLICATION SLAVE, REPLICATION CLIENT": "see that nothing was written during the switch",
        "PROCESS": "see who holds a table, and foreign keys of other databases",
    }, "rename"),
    *_needs("target", "*", {"XA_RECOVER_ADMIN": "see prepared XA transactions"}, "rename", "mysql"),
    *_needs("target", "performance_schema", {"SELECT": "see who holds a table"}, "rename", "mysql"),
    *_needs("target", "source", {
        "SELECT, LOCK TABLES": "freeze the tables, and compare them then",
        "ALTER, DROP": "rename the old tables",
        "CREATE, INSERT": "freeze the tables, and put the new ones in their place",
        "TRIGGER, EVENT, SHOW VIEW": "see what hinders the rename",
        "UPDATE, DELETE": "mend references behind a rollback",
    }, "rename"),
    *_needs("target", "source", {"CREATE VIEW": "create the legacy views"}, "rename", "views"),
    *_needs("target", "target", {"CREATE VIEW": "create the legacy views"}, "hooks", "views"),
    *_needs("target", "archive", {
        "CREATE, INSERT": "move the old tables into the archive",
        "SELECT, UPDATE, DELETE": "keep the old tables current on the way back",
        "ALTER, DROP": "take them into use again at a rollback",
    }, "rename"),
    *_needs("target", "sentry", {
        "SELECT, LOCK TABLES, CREATE, INSERT, ALTER, DROP": "hold the rename back until nothing can be lost",
    }, "rename"),
    *_needs("source", "*", {"PROCESS": "see who holds a table"}, "hooks"),
    *_needs("source", "performance_schema", {"SELECT": "see who holds a table"}, "hooks", "mysql"),
    *_needs("source", "source", {
        "LOCK TABLES": "freeze the tables",
        "ALTER, DROP": "close the source by taking its tables aside",
        "CREATE, INSERT": "freeze its tables, and open it again",
        "UPDATE, DELETE": "mend references after a rollback",
    }, "hooks"),
    *_needs("source", "archive", {
        "SELECT, INSERT, UPDATE, DELETE": "keep the old tables current after the cutover",
        "CREATE, ALTER, DROP, LOCK TABLES": "take tables there and back",
    }, "hooks"),
    *_needs("source", "state", {
        "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP": "keep the state of the way back beside its rows",
    }, "hooks"),
    *_needs("target", "*", {
        "REPLICATION SLAVE, REPLICATION CLIENT": "read the binary log after the cutover",
        "PROCESS": "see who holds a table",
    }, "hooks"),
    *_needs("target", "*", {"XA_RECOVER_ADMIN": "see prepared XA transactions"}, "hooks", "mysql"),
    *_needs("target", "performance_schema", {"SELECT": "see who holds a table"}, "hooks", "mysql"),
    *_needs("target", "target", {"LOCK TABLES": "freeze the tables at a rollback"}, "hooks"),
    *_needs("target", "closed", {
        "SELECT, LOCK TABLES, CREATE, INSERT, ALTER, DROP": "take the tables aside at a rollback, and back",
    }, "hooks"),
)  # fmt: skip


def check(context: Context) -> Iterator[Finding]:
    """Both accounts have every privilege that docs/reference/grants.md lists."""
    views = {"views"} if context.known_declarations is not None and context.known_declarations.views else set()
    for end in context.ends:
        privileges = read_privileges(end.connection)
        missing: dict[str | None, list[Need]] = {}
        for need in NEEDS:
            asked = need.role == end.role and need.when <= circumstances(context.config, end) | views
            if asked and not _allowed(context.config, end, need, privileges):
                missing.setdefault(database_of(context.config, need.place), []).append(need)
        for database, needs in missing.items():
            lacking = ", ".join(dict.fromkeys(need.privilege for need in needs))
            reasons = "; ".join(dict.fromkeys(need.reason for need in needs))
            scratch = needs[0].place == "scratch"
            if database is None or (scratch and privileges.literal):
                where = "*.*"
            elif privileges.literal:
                where = f"{quote(database)}.*"
            else:
                where = f"{quote(_escaped(database) + '%' * scratch)}.*"
            yield failed(
                f"{end}: {end.endpoint.user} lacks {lacking} on {'everything' if database is None else database}: "
                f"needed to {reasons}",
                f"GRANT {lacking} ON {where} TO {account(end.connection)}",
            )


def circumstances(config: Config, end: End) -> set[str]:
    """What the needs depend on."""
    found: set[str] = {end.server.flavour}
    if end.variables.get("gtid_mode", "ON") != "ON":
        found.add("gtid_off")
    if config.stream.heartbeat is not None:
        found.add("heartbeat")
    return found | {config.cutover.mode}


def database_of(config: Config, place: Place) -> str | None:
    """The database that a place stands for, None for all of them; of `scratch` only the beginning is known."""
    return {
        "*": None,
        "source": config.source.database,
        "target": config.target.database,
        "archive": config.cutover.archive_database,
        "state": config.migration.state_database,
        "scratch": f"{config.migration.state_database}_",
        "closed": closed_database(config),
        "sentry": sentry_database(config),
        "performance_schema": "performance_schema",
    }[place]


def sentry_database(config: Config) -> str:
    """Where the cutover keeps the table that the rename waits for: behind all others in the order of the servers' locks."""
    databases = (config.source.database, config.target.database, config.cutover.archive_database)
    return max(*databases, config.migration.state_database, key=str.encode)


def _allowed(config: Config, end: End, need: Need, privileges: Privileges) -> bool:
    database = database_of(config, need.place)
    tables = tuple(end.tables) if need.place == end.role else ()
    return privileges.allow(need.privilege, f"{database}{'0' * 8}" if need.place == "scratch" else database, tables)


def _escaped(database: str) -> str:
    """As GRANT wants it: _ and % would stand for other characters. Not in MySQL's performance_schema, a fixed name."""
    if database == "performance_schema":
        return database
    return database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
