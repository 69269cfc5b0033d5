"""What differs between MySQL and MariaDB, asked once per server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replicator.mysql.connection import Connection, row, value


@dataclass(frozen=True, slots=True)
class Server:
    """Identity and abilities of one server."""

    flavour: Literal["mysql", "mariadb"]
    version: tuple[int, int, int]
    identity: str
    """server_uuid on MySQL, server_id and host on MariaDB: tells whether file and offset still mean the same."""

    @property
    def logs_cascades(self) -> bool:
        """Whether rows that foreign key actions change stand in the binlog (MySQL from 9.6 on)."""
        return self.flavour == "mysql" and self.version >= (9, 6, 0)

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
    if mariadb:
        found = row(connection, "SELECT @@server_id, @@hostname, @@port, @@datadir")
        assert found is not None
        identity = "/".join(str(part) for part in found)
    else:
        identity = str(value(connection, "SELECT @@server_uuid"))
    return Server("mariadb" if mariadb else "mysql", (major, minor, patch), identity)
