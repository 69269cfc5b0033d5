"""What differs between MySQL and MariaDB, asked once per server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replicator.mysql.connection import Connection, row, value

_LOGS_CASCADES = (9, 6, 0)


@dataclass(frozen=True, slots=True)
class Server:
    """Identity and abilities of one server."""

    flavour: Literal["mysql", "mariadb"]
    version: tuple[int, int, int]
    identity: str
    """server_uuid on MySQL, server_id and host on MariaDB: tells whether file and offset still mean the same."""

    native_keys: bool = False
    """MySQL from 9.6 on was told to leave foreign keys to InnoDB, as before."""

    @property
    def logs_cascades(self) -> bool:
        """Whether rows that foreign key actions change stand in the binlog (MySQL from 9.6 on)."""
        return self.flavour == "mysql" and self.version >= _LOGS_CASCADES and not self.native_keys

    @property
    def status_statement(self) -> str:
        """The statement that tells the end of the binlog."""
        if self.flavour == "mysql" and self.version >= (8, 2, 0):
            return "SHOW BINARY LOG STATUS"
        return "SHOW MASTER STATUS"

    def __str__(self) -> str:
        name = "MySQL" if self.flavour == "mysql" else "MariaDB"
        return f"{name} {'.'.join(map(str, self.version))}"


def identify(connection: Connection) -> Server:
    """Flavour, version and identity of the server behind a connection."""
    text = str(value(connection, "SELECT VERSION()"))
    mariadb = "mariadb" in text.lower()
    numbers = [int("".join(filter(str.isdigit, part)) or 0) for part in text.split("-")[0].split(".")[:3]]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    native = False
    if mariadb:
        found = row(connection, "SELECT @@server_id, @@hostname, @@port, @@datadir")
        assert found is not None
        identity = "/".join(str(part) for part in found)
    else:
        identity = str(value(connection, "SELECT @@server_uuid"))
        if (major, minor, patch) >= _LOGS_CASCADES:
            setting = row(connection, "SHOW GLOBAL VARIABLES LIKE 'innodb_native_foreign_keys'")
            native = setting is not None and setting[1] == "ON"
    return Server("mariadb" if mariadb else "mysql", (major, minor, patch), identity, native)
