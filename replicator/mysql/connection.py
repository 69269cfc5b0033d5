"""Connections: one way to open them, with the session settings that exactness needs."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import pymysql
from pymysql.constants import CLIENT, CR, ER
from pymysql.cursors import Cursor

from replicator.errors import (
    SourceConnectionLost,
    SourceError,
    SourceNotWritable,
    TargetConnectionLost,
    TargetError,
    TargetNotWritable,
)

Connection: TypeAlias = "pymysql.connections.Connection[Cursor]"  # quoted: generic in its type hints only
if TYPE_CHECKING:
    _Connection = Connection
else:
    _Connection = pymysql.connections.Connection

# Days like 2020-02-30, which a lenient application may have stored, can only be asked for and written where they are allowed.
READ_SQL_MODE = "ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION"
WRITE_SQL_MODE = "STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO"

SORTED_OCTETS = 8192
"""How much of a value's weights the server sorts by, and tells groups apart by, for texts at most 8 octets a character. Its
default of 1024 takes long texts for one. Whatever an index can hold is shorter than this."""
_SORT_BUFFER = 4 << 20
"""Octets; the server refuses to sort where it has no room for a few rows of weights."""
_SETTINGS: Mapping[str, str | int] = {
    "sql_select_limit": 2**64 - 1,
    "sql_big_selects": 1,
    "sql_safe_updates": 0,
    "sql_quote_show_create": 1,
    "unique_checks": 1,
    "completion_type": 0,
    "time_zone": "+00:00",
    "net_read_timeout": 3600,
    "net_write_timeout": 3600,
    "wait_timeout": 28800,
    "max_sort_length": SORTED_OCTETS,
    "sort_buffer_size": _SORT_BUFFER,
}
"""A session begins with the server's global values, which are for applications: one would end every SELECT at some row without
a word, another would let a unique key hold a value twice."""
_MYSQL_SETTINGS = (
    " /*!80000 , max_execution_time=0, transaction_isolation='REPEATABLE-READ', transaction_read_only=0 */"
    # MySQL can be told to hide the primary keys that it made itself.
    " /*!80030 , show_gipk_in_create_table_and_information_schema=ON */"
)
"""MariaDB takes no notice of MySQL 8's version numbers."""
_MARIADB_SETTINGS = (
    " /*M!100600 , max_statement_time=0, tx_isolation='REPEATABLE-READ', tx_read_only=0, idle_transaction_timeout=0,"
    " idle_readonly_transaction_timeout=0, idle_write_transaction_timeout=0,"
    # Rows that a LOAD DATA left out are known by their warnings.
    " old_mode=REPLACE(@@old_mode, 'NO_DUP_KEY_WARNINGS_WITH_IGNORE', '') */"
)
"""What only MariaDB executes. Rows that are read uncommitted may be rolled back, and then no event takes them away again."""

_LOST = {
    CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR,
    2055, ER.SERVER_SHUTDOWN, ER.CON_COUNT_ERROR, ER.QUERY_INTERRUPTED, 1927, 3169, 4031, ER.TOO_MANY_USER_CONNECTIONS,
    ER.USER_LIMIT_REACHED,
}  # fmt: skip
"""Errors after which a new connection may work: gone, refused, too many, shut down, killed."""

_READ_ONLY_MODE = 1836
_FULL = {ER.DISK_FULL, ER.RECORD_FILE_FULL, ER.ERROR_ON_WRITE, 3}
"""Errors of a disk without room; 3 is that of a temporary file or a log."""

LOCK_WAIT_SECONDS = 20
"""How long a statement that writes waits for rows that somebody else has locked, before all is rolled back and tried again."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One database on one server. The password never shows in `repr`."""

    role: str
    """`source` or `target`: decides which error a failure becomes."""
    user: str
    host: str = "127.0.0.1"
    port: int = 3306
    unix_socket: str | None = None
    database: str = ""
    password: str = field(default="", repr=False)
    tls: Mapping[str, Any] | None = None
    """None: plain text. Otherwise PyMySQL's `ssl` settings; the certificate is verified."""

    def lost(self, error: Exception) -> SourceConnectionLost | TargetConnectionLost:
        """The transient error for a broken connection of this end."""
        text = self._told(error)
        return SourceConnectionLost(text) if self.role == "source" else TargetConnectionLost(text)

    def refused(self, error: Exception, doing: str = "") -> SourceError | TargetError:
        """The terminal error for a statement that this end refuses."""
        text = self._told(error, doing)
        return SourceError(text) if self.role == "source" else TargetError(text)

    def failure(
        self, error: Exception, doing: str = ""
    ) -> SourceConnectionLost | TargetConnectionLost | SourceError | TargetError:
        """The transient or the terminal error, whichever fits: a deadlock and a lock wait pass when tried again, and so
        do a server that is read-only and a disk that is full, once somebody has seen to them."""
        if not_writable(error):
            text = self._told(error, doing)
            return SourceNotWritable(text) if self.role == "source" else TargetNotWritable(text)
        if passes(error):
            return self.lost(error)
        return self.refused(error, doing)

    def _told(self, error: Exception, doing: str = "") -> str:
        return f"{self.role} {self.address}: {doing + ': ' if doing else ''}{describe(error)}"

    @property
    def address(self) -> str:
        """Where the server is, for messages."""
        return self.unix_socket or f"{self.host}:{self.port}"


class Session(_Connection):
    """A connection that remembers its last error, so that `connected` knows whose it is."""

    failed: Exception | None = None
    """`read_batches`, which reads from the socket itself, notes its own here."""

    def query(self, sql: str | bytes, unbuffered: bool = False) -> int:
        with self._remembered():
            return super().query(sql, unbuffered)

    def begin(self) -> None:
        with self._remembered():
            super().begin()

    def commit(self) -> None:
        with self._remembered():
            super().commit()

    def rollback(self) -> None:
        with self._remembered():
            super().rollback()

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        try:
            yield
        except (pymysql.MySQLError, OSError) as error:
            self.failed = error
            raise


@contextmanager
def failing(endpoint: Endpoint, doing: str = "") -> Iterator[None]:
    """Errors of the driver inside become those of the endpoint: lost ones pass when tried again, the others say why."""
    try:
        yield
    except (pymysql.MySQLError, OSError) as error:
        raise endpoint.failure(error, doing) from error


def describe(error: Exception) -> str:
    """`(1045, "Access denied")` as `error 1045: Access denied`."""
    if isinstance(error, pymysql.MySQLError) and len(error.args) >= 2:
        return f"error {error.args[0]}: {error.args[1]}"
    return f"{type(error).__name__}: {error}"


def error_code(error: BaseException) -> int | None:
    """The server's or client's error number of a PyMySQL exception."""
    if isinstance(error, pymysql.MySQLError) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    return None


def is_lost(error: BaseException) -> bool:
    """Whether the connection, rather than the statement, failed."""
    if isinstance(error, pymysql.InterfaceError | OSError | EOFError):
        return True
    return isinstance(error, pymysql.MySQLError) and error_code(error) in _LOST


def passes(error: BaseException) -> bool:
    """Whether the same may succeed when it is simply tried again."""
    return is_lost(error) or not_writable(error) or error_code(error) in (ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT)


def not_writable(error: BaseException) -> bool:
    """Whether the server writes nothing at all for now, whatever the statement."""
    code = error_code(error)
    text = str(error.args[-1]).lower().replace("_", "-") if error.args else ""
    if code == ER.OPTION_PREVENTS_STATEMENT:
        return "read-only" in text
    if code == ER.GET_ERRNO:
        return "error 28 " in text
    return code in _FULL or code == _READ_ONLY_MODE


def connect(
    endpoint: Endpoint,
    *,
    database: bool = True,
    write: bool = False,
    autocommit: bool = True,
    raw: bool = False,
    several: bool = False,
    read_timeout: float | None = None,
    settings: Mapping[str, str | int] | None = None,
) -> Session:
    """Open a session in UTC and utf8mb4.

    `write` sessions are strict, accept 0 in AUTO_INCREMENT columns and do not check foreign keys; `raw` ones return every
    value as the bytes that the server sent; `several` allows many statements in one text. `settings` are further session
    variables.

    Raises SourceConnectionLost/TargetConnectionLost when the server cannot be reached, SourceError/TargetError when it refuses.
    """
    variables: dict[str, str | int] = {
        **_SETTINGS,
        "sql_mode": WRITE_SQL_MODE if write else READ_SQL_MODE,
        "autocommit": int(autocommit),  # MySQL may tell PyMySQL that it is on when the server's own is off
    }
    if write:
        variables["foreign_key_checks"] = 0
        variables["innodb_lock_wait_timeout"] = LOCK_WAIT_SECONDS
    variables.update(settings or {})
    assignments = ", ".join(
        f"{name}={value}" if isinstance(value, int) else f"{name}='{value}'" for name, value in variables.items()
    )
    try:
        return Session(
            host=endpoint.host,
            port=endpoint.port,
            unix_socket=endpoint.unix_socket,
            user=endpoint.user,
            password=endpoint.password.encode(),  # of a str PyMySQL would send latin1, which no server has stored
            database=endpoint.database if database and endpoint.database else None,
            charset="utf8mb4",
            autocommit=autocommit,
            init_command=f"SET SESSION {assignments}{_MYSQL_SETTINGS}{_MARIADB_SETTINGS}",
            client_flag=CLIENT.FOUND_ROWS | (CLIENT.MULTI_STATEMENTS if several else 0),
            local_infile=True,
            max_allowed_packet=1 << 30,
            connect_timeout=10,
            read_timeout=read_timeout,
            ssl=dict(endpoint.tls) if endpoint.tls is not None else None,
            ssl_disabled=endpoint.tls is None,
            conv={} if raw else None,
            use_unicode=not raw,
        )
    except (pymysql.MySQLError, OSError) as error:
        cause = getattr(error, "original_exception", error)
        # A handshake that is cut off says nothing about whom it was with.
        untrusted = isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        if is_lost(error) and not untrusted:
            raise endpoint.lost(error) from None
        raise endpoint.refused(_advised(error, endpoint), f"connecting as {endpoint.user}") from None


def _advised(error: Exception, endpoint: Endpoint) -> Exception:
    """Where to put it right when the server does not let us in."""
    if error_code(error) != ER.ACCESS_DENIED_ERROR:
        return error
    place = "[throttle] replicas" if endpoint.role == "replica" else f"[{endpoint.role}]"
    advice = f"correct user and password in {place}" if endpoint.password else f"name the password in {place}: password_file"
    return pymysql.OperationalError(error.args[0], f"{error.args[1]}: {advice}")


@contextmanager
def connected(endpoint: Endpoint, **options: Any) -> Iterator[Connection]:
    """`connect`, closed at the end. Errors of this connection that nobody has caught become those of the endpoint."""
    connection = connect(endpoint, **options)
    try:
        yield connection
    except (pymysql.MySQLError, OSError) as error:
        if error is not connection.failed:
            raise
        raise endpoint.failure(error) from error
    finally:
        close(connection)


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """What is written inside, by a connection that commits by itself else, stands or falls together."""
    execute(connection, "BEGIN")
    try:
        yield
        connection.commit()
    except BaseException:
        if connection.open:  # else the server does that, and the error would take the place of what is remembered
            with suppress(pymysql.MySQLError, OSError):
                connection.rollback()
        raise


def close(connection: Connection) -> None:
    """Close without minding whether the connection is still alive."""
    if connection.open:
        with suppress(pymysql.MySQLError, OSError):
            connection.close()


def account(connection: Connection) -> str:
    """Whom the session was let in as, as GRANT takes it."""
    user, _, host = str(value(connection, "SELECT CURRENT_USER()")).rpartition("@")
    return f"'{user}'@'{host}'"


def execute(connection: Connection, statement: str, arguments: tuple[Any, ...] = ()) -> int:
    """Run one statement; the number of rows it matched."""
    with connection.cursor() as cursor:
        return cursor.execute(statement, arguments or None)


def rows(connection: Connection, statement: str, arguments: tuple[Any, ...] = ()) -> tuple[tuple[Any, ...], ...]:
    """All rows of a small result."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return tuple(cursor.fetchall())


def row(connection: Connection, statement: str, arguments: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
    """The first row of a small result, or None."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return cursor.fetchone()


def value(connection: Connection, statement: str, arguments: tuple[Any, ...] = ()) -> Any:
    """The first column of the first row, or None."""
    found = row(connection, statement, arguments)
    return found[0] if found else None
