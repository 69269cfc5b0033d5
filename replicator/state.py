"""The state database on the target: every fact that must survive a kill is a row here.

All statements are small and run on a connection that the caller commits, so that a mark stands or falls with the data it
speaks of.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pymysql

from replicator.config import Config
from replicator.errors import LockLost, ReplicatorError, TargetError, WrongState
from replicator.mysql.connection import (
    Connection,
    connected,
    describe,
    execute,
    failing,
    passes,
    row,
    rows,
    together,
    value,
)
from replicator.mysql.position import Position
from replicator.mysql.sql import quote

_TABLES = {
    "migration": """
        name varchar(32) NOT NULL PRIMARY KEY, phase varchar(20) NOT NULL, created_at datetime(6) NOT NULL,
        facts longtext NOT NULL COMMENT 'JSON: what was found out once and must stay so',
        status longtext NULL COMMENT 'JSON: the last status that the daemon wrote'""",
    "checkpoint": """
        migration varchar(32) NOT NULL, direction varchar(8) NOT NULL, file varchar(255) NOT NULL,
        pos bigint unsigned NOT NULL, gtid longtext NOT NULL, server varchar(600) NOT NULL COMMENT 'whose binlog it is',
        source_time double NOT NULL COMMENT 'seconds since 1970 of the last applied commit',
        applied_at datetime(6) NOT NULL, PRIMARY KEY (migration, direction)""",
    "binlog": """
        migration varchar(32) NOT NULL, direction varchar(8) NOT NULL, file varchar(190) NOT NULL,
        server varchar(600) NOT NULL COMMENT 'whose binlog it is',
        born bigint NOT NULL COMMENT 'seconds since 1970: another file of its name is another history',
        PRIMARY KEY (migration, direction, file)""",
    "job": """
        migration varchar(32) NOT NULL, name varchar(190) NOT NULL, next_low longtext NULL COMMENT 'JSON: literals',
        chunks int NOT NULL DEFAULT 0, planned tinyint NOT NULL DEFAULT 0 COMMENT '1: every chunk is handed out',
        chunk_rows int NOT NULL COMMENT 'of the next chunk',
        `rows` bigint NOT NULL DEFAULT 0, estimate bigint NOT NULL, PRIMARY KEY (migration, name)""",
    "chunk": """
        migration varchar(32) NOT NULL, job varchar(190) NOT NULL, number int NOT NULL COMMENT '0: the rows without a key',
        low longtext NULL, high longtext NULL, PRIMARY KEY (migration, job, number)""",
    "deferred_index": """
        migration varchar(32) NOT NULL, table_name varchar(64) NOT NULL, index_name varchar(64) NOT NULL,
        definition text NOT NULL, PRIMARY KEY (migration, table_name, index_name)""",
    "prepared": """
        migration varchar(32) NOT NULL, direction varchar(8) NOT NULL,
        xid varchar(300) NOT NULL COMMENT 'as XA COMMIT takes it', part int NOT NULL,
        events longblob NOT NULL COMMENT 'of the binlog, each behind its length: changes that may still be rolled back',
        PRIMARY KEY (migration, direction, xid, part)""",
    "quarantine": """
        migration varchar(32) NOT NULL, transform varchar(190) NOT NULL, unit binary(32) NOT NULL COMMENT 'hash of unit_key',
        unit_key longtext NOT NULL COMMENT 'JSON: literals', table_name varchar(64) NOT NULL, row_key varchar(500) NOT NULL,
        column_name varchar(64) NULL, reason text NOT NULL,
        refused_rows longtext NULL COMMENT 'JSON: literals of rows that met others in a unique key',
        tries int NOT NULL DEFAULT 0, since datetime(6) NOT NULL, PRIMARY KEY (migration, transform, unit)""",
    "intent": """
        migration varchar(32) NOT NULL PRIMARY KEY, step varchar(40) NOT NULL, details longtext NOT NULL COMMENT 'JSON',
        written_at datetime(6) NOT NULL""",
}


_OURS = "IS_USED_LOCK(%s) = IS_USED_LOCK(%s)"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything before `position` is applied, nothing after it."""

    position: Position
    server: str
    source_time: float


class State:
    """The rows of one migration. With a `token` it moves on only while the session that holds this lock keeps others out."""

    def __init__(self, database: str, migration: str, token: str = "", copying: str = "") -> None:
        self.database = database
        self.migration = migration
        self._copying = copying
        self.locks = f"replicator:{database}:{migration}"[:64], token
        """What keeps a second daemon out, and what tells whose that is."""
        self._fence = f" AND {_OURS}" if token else ""
        self._fence_arguments = self.locks if token else ()

    def guard(self, connection: Connection) -> None:
        """Raise LockLost while the lock is not ours, so that somebody else may write; WrongState where the copy is another."""
        if self._fence and not value(connection, f"SELECT {_OURS}", self.locks):
            raise LockLost(
                f"the lock that keeps a second daemon off {self.migration} went with its session: it is taken again before"
                " anything is written"
            )
        if self._copying and (now := self.copying(connection)) != self._copying:
            what = "is over: it was aborted or completed" if now is None else "was begun anew, or with other transforms"
            raise WrongState(
                f"the migration {self.migration} {what} while this worker helped to copy. What it had not committed is rolled"
                f" back{'' if now is None else '; start it again with the files that the daemon uses'}"
            )

    def table(self, name: str) -> str:
        """The quoted name of a state table."""
        return quote(self.database, name)

    def create(self, connection: Connection) -> None:
        """Create what is missing; the account needs CREATE on the state database."""
        execute(connection, f"CREATE DATABASE IF NOT EXISTS {quote(self.database)} CHARACTER SET utf8mb4")
        for name, definition in _TABLES.items():
            execute(
                connection,
                f"CREATE TABLE IF NOT EXISTS {self.table(name)} ({definition})"
                " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            )

    def exists(self, connection: Connection) -> bool:
        """Whether this migration has begun here."""
        found = value(
            connection,
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s AND table_name = 'migration'",
            (self.database,),
        )
        if not found:
            return False
        return self.phase(connection) is not None

    # The migration ----------------------------------------------------------------------------------------

    def begin(self, connection: Connection, facts: dict[str, Any]) -> None:
        """Write the first row: from now on this migration exists."""
        execute(
            connection,
            f"INSERT INTO {self.table('migration')} (name, phase, created_at, facts)"
            " VALUES (%s, 'preparing', UTC_TIMESTAMP(6), %s)",
            (self.migration, json.dumps(facts)),
        )

    def phase(self, connection: Connection) -> str | None:
        """The stored phase, None before `begin`."""
        table = self.table("migration")
        try:
            found = value(connection, f"SELECT phase FROM {table} WHERE name = %s", (self.migration,))
        except pymysql.MySQLError as error:
            if passes(error):
                raise
            # Whoever took this for "not begun" would begin anew, over what is there.
            raise TargetError(
                f"{table} cannot be read, so that it is not known how far {self.migration} is: {describe(error)}. See what"
                " became of the table, then run again"
            ) from None
        return None if found is None else str(found)

    def enter(self, connection: Connection, phase: str) -> None:
        """Store a phase."""
        self.guard(connection)
        execute(connection, f"UPDATE {self.table('migration')} SET phase = %s WHERE name = %s", (phase, self.migration))

    def facts(self, connection: Connection) -> dict[str, Any]:
        """What was found out once: the safe position and how it was had, HIGH, whether units are built."""
        text = value(connection, f"SELECT facts FROM {self.table('migration')} WHERE name = %s", (self.migration,))
        if text is None:
            raise ReplicatorError(
                f"migration {self.migration} has no row in {self.table('migration')}: was it aborted?"
            )
        found: dict[str, Any] = json.loads(text)
        return found

    def copying(self, connection: Connection) -> str | None:
        """Which copy this is: when the migration was begun, and the fingerprint of its transforms.

        None before there is one, and when the migration is over.
        """
        if not self.exists(connection):
            return None
        found = row(
            connection,
            f"SELECT created_at, facts FROM {self.table('migration')}"
            " WHERE name = %s AND phase NOT IN ('aborted', 'completed')",
            (self.migration,),
        )
        transforms = None if found is None else json.loads(found[1]).get("transforms")
        return None if found is None or transforms is None else f"{found[0]} {transforms}"

    def learn(self, connection: Connection, **facts: Any) -> None:
        """Add facts; takes the row's lock until the caller commits."""
        self.guard(connection)
        text = value(
            connection, f"SELECT facts FROM {self.table('migration')} WHERE name = %s FOR UPDATE", (self.migration,)
        )
        merged = {**json.loads(text), **facts}
        execute(
            connection,
            f"UPDATE {self.table('migration')} SET facts = %s WHERE name = %s",
            (json.dumps(merged), self.migration),
        )

    def write_status(self, connection: Connection, status: dict[str, Any]) -> None:
        """Keep the last status for `replicator status` when no daemon runs."""
        execute(
            connection,
            f"UPDATE {self.table('migration')} SET status = %s WHERE name = %s{self._fence}",
            (json.dumps(status), self.migration, *self._fence_arguments),
        )

    def remove(self, connection: Connection) -> None:
        """Forget this migration, at once: a later one of its name would take what is left for its own."""
        with together(connection):
            for name in _TABLES:
                column = "name" if name == "migration" else "migration"
                execute(connection, f"DELETE FROM {self.table(name)} WHERE {column} = %s", (self.migration,))

    def complete(self, connection: Connection) -> None:
        """All that is left is that it is completed: a service that starts again does not begin it anew."""
        with together(connection):
            for name in _TABLES.keys() - {"migration"}:
                execute(connection, f"DELETE FROM {self.table(name)} WHERE migration = %s", (self.migration,))
            self.enter(connection, "completed")
            execute(connection, f"UPDATE {self.table('migration')} SET facts = '{{}}' WHERE name = %s", (self.migration,))

    # Checkpoint -------------------------------------------------------------------------------------------

    def checkpoint(self, connection: Connection, direction: str) -> Checkpoint | None:
        """The stored position of a stream."""
        found = row(
            connection,
            f"SELECT file, pos, gtid, server, source_time FROM {self.table('checkpoint')}"
            " WHERE migration = %s AND direction = %s",
            (self.migration, direction),
        )
        if found is None:
            return None
        file, pos, gtid, server, source_time = found
        return Checkpoint(Position(file, int(pos), gtid), server, float(source_time))

    def begin_stream(self, connection: Connection, direction: str, checkpoint: Checkpoint, born: int = 0) -> None:
        """Where a stream starts, and when that file was begun; an earlier one of the same direction is forgotten."""
        execute(
            connection,
            f"DELETE FROM {self.table('binlog')} WHERE migration = %s AND direction = %s",
            (self.migration, direction),
        )
        execute(
            connection,
            f"REPLACE INTO {self.table('checkpoint')}"
            " (migration, direction, file, pos, gtid, server, source_time, applied_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))",
            (self.migration, direction, *_columns(checkpoint)),
        )
        if born:
            self.enter_file(connection, direction, checkpoint.position.file, checkpoint.server, born)

    def born(self, connection: Connection, direction: str, checkpoint: Checkpoint) -> int:
        """When the file that a checkpoint stands in was begun; 0 where that was not known."""
        found = value(
            connection,
            f"SELECT born FROM {self.table('binlog')} WHERE migration = %s AND direction = %s AND file = %s AND server = %s",
            (self.migration, direction, checkpoint.position.file, checkpoint.server),
        )
        return int(found or 0)

    def enter_file(self, connection: Connection, direction: str, file: str, server: str, born: int) -> None:
        """Remember when a file was begun, before the checkpoint moves into it; of those behind it nobody asks again."""
        execute(
            connection,
            f"DELETE FROM {self.table('binlog')} WHERE migration = %s AND direction = %s AND file NOT IN"
            f" (SELECT file FROM {self.table('checkpoint')} WHERE migration = %s AND direction = %s)",
            (self.migration, direction, self.migration, direction),
        )
        execute(
            connection,
            f"REPLACE INTO {self.table('binlog')} (migration, direction, file, server, born) VALUES (%s, %s, %s, %s, %s)",
            (self.migration, direction, file, server, born),
        )

    def move_checkpoint(
        self, connection: Connection, direction: str, previous: Checkpoint, checkpoint: Checkpoint
    ) -> None:
        """Move the position; part of the transaction that holds the rows.

        Raises TargetError when the stored position is not `previous`: somebody else applies, or the target was restored; and
        LockLost.
        """
        moved = execute(
            connection,
            f"UPDATE {self.table('checkpoint')} SET file = %s, pos = %s, gtid = %s, server = %s, source_time = %s,"
            f" applied_at = UTC_TIMESTAMP(6) WHERE migration = %s AND direction = %s AND file = %s AND pos = %s{self._fence}",
            (
                *_columns(checkpoint), self.migration, direction, previous.position.file, previous.position.pos,
                *self._fence_arguments,
            ),
        )  # fmt: skip
        if moved != 1:
            self.guard(connection)
            raise TargetError(
                f"{self.table('checkpoint')} is no longer at {previous.position}, where this daemon left it: another"
                " daemon applies the same migration, or the target was restored. Stop the other one, then run again"
            )

    # Deferred indexes -------------------------------------------------------------------------------------

    def defer_index(self, connection: Connection, table: str, index: str, definition: str) -> None:
        """Remember the DDL of an index before it is dropped for the copy."""
        execute(
            connection,
            f"INSERT IGNORE INTO {self.table('deferred_index')} VALUES (%s, %s, %s, %s)",
            (self.migration, table, index, definition),
        )

    def deferred_indexes(self, connection: Connection) -> dict[str, dict[str, str]]:
        """table → index name → definition."""
        found: dict[str, dict[str, str]] = {}
        for table, index, definition in rows(
            connection,
            f"SELECT table_name, index_name, definition FROM {self.table('deferred_index')} WHERE migration = %s",
            (self.migration,),
        ):
            found.setdefault(table, {})[index] = definition
        return found

    def index_restored(self, connection: Connection, table: str, index: str) -> None:
        """Forget an index that stands again."""
        execute(
            connection,
            f"DELETE FROM {self.table('deferred_index')} WHERE migration = %s AND table_name = %s AND index_name = %s",
            (self.migration, table, index),
        )

    # Intent -----------------------------------------------------------------------------------------------

    def intend(self, connection: Connection, step: str, details: dict[str, Any]) -> None:
        """Write what is about to be done, before it is done."""
        execute(
            connection,
            f"REPLACE INTO {self.table('intent')} VALUES (%s, %s, %s, UTC_TIMESTAMP(6))",
            (self.migration, step, json.dumps(details)),
        )

    def intent(self, connection: Connection) -> tuple[str, dict[str, Any]] | None:
        """The step that was begun and not closed."""
        found = row(
            connection, f"SELECT step, details FROM {self.table('intent')} WHERE migration = %s", (self.migration,)
        )
        return None if found is None else (found[0], json.loads(found[1]))

    def clear_intent(self, connection: Connection) -> None:
        """The step is closed."""
        execute(connection, f"DELETE FROM {self.table('intent')} WHERE migration = %s", (self.migration,))


def _columns(checkpoint: Checkpoint) -> tuple[str, int, str, str, float]:
    position = checkpoint.position
    return position.file, position.pos, position.gtid, checkpoint.server, checkpoint.source_time


Direction = Literal["forward", "reverse"]


def of(config: Config) -> State:
    """The state of the configured migration."""
    return State(config.migration.state_database, config.migration.name, config.token, config.copying)


def read_status(config: Config) -> dict[str, Any] | None:
    """The last status that a daemon stored, None when the migration has not begun."""
    state = of(config)
    with connected(config.target, database=False) as connection, failing(config.target, "reading the status"):
        if not state.exists(connection):
            return None
        text = value(connection, f"SELECT status FROM {state.table('migration')} WHERE name = %s", (state.migration,))
        found: dict[str, Any] = json.loads(text) if text else {}
        return found
