"""The shop of the way back, on two servers: a file says where the traffic goes, and hooks write it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from replicator.binlog.safe_position import current_position
from replicator.config import load
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, execute, rows
from tests.conftest import ServerPair
from tests.reverse.world import SHOP, Shop


@dataclass
class ApartShop(Shop):
    """`server` is the source's."""

    other: Server = field(kw_only=True)
    """The target's."""
    folder: Path = field(kw_only=True)
    tcp: bool = field(default=False, kw_only=True)
    """PyMySQL leaves a unix socket open when nobody listens on its other end: not for servers that are killed."""

    @property
    def side(self) -> str:
        """Where the traffic goes."""
        return (self.folder / "route").read_text().strip()

    def connect(self, side: str | None = None, **more: Any) -> Connection:
        on, database = (self.server, self.source) if (side or self.side) == "source" else (self.other, self.target)
        return pymysql.connect(**{**on.connect_args(database, tcp=self.tcp), **more})

    @contextmanager
    def session(self) -> Iterator[Connection]:
        with self.connect(autocommit=True) as connection:
            yield connection

    def tables_on(self, side: str, schema: str) -> set[str]:
        with self.connect(side) as connection:
            found = rows(connection, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (schema,))
        return {table for (table,) in found}

    def ask_sql(self, statement: str, *, old: str = "", new: str = "", whole: bool = True) -> list[tuple[Any, ...]]:
        shop = Shop(self.server if old else self.other, self.config, self.source if old else self.target, "", "")
        return shop.ask_sql(statement, old=old, new=new, whole=whole)

    def until_applied(self) -> None:
        migration = self.migration
        with self.connect("source" if migration.upstream is self.config.source else "target") as connection:
            end = current_position(connection)
        self.until(lambda: migration.exact()[1].wait_applied(end, 0.1), "applying")

    def write_hook(self, name: str, text: str) -> Path:
        path = self.folder / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\nset -eu\ncd {self.folder}\necho $REPLICATOR_HOOK >> called\n{text}\n")
        path.chmod(0o755)
        return path

    @property
    def called(self) -> list[str]:
        """The hooks that were called since this was asked the last time."""
        path = self.folder / "called"
        found = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return found

    def open_sides(self) -> list[str]:
        """The sides whose tables are in place and that traffic may go to."""
        there = {"source": self.tables_on("source", self.source), "target": self.tables_on("target", self.target)}
        return [side for side, tables in there.items() if "bookings" in tables]


def make_apart_shop(
    pair: ServerPair, database: Callable[..., str], folder: Path, hooks: Path | None = None
) -> ApartShop:
    source, archive = database(pair.source, "shop"), database(pair.source, "archive")
    target, state = source, database(pair.target, "state")  # the name that the application knows
    with pymysql.connect(**pair.target.connect_args(), autocommit=True) as connection:
        execute(connection, f"CREATE DATABASE `{target}` COLLATE utf8mb4_unicode_ci")  # both flavours have it
    with pymysql.connect(**pair.source.connect_args(), autocommit=True) as connection:
        execute(connection, f"ALTER DATABASE `{source}` COLLATE utf8mb4_unicode_ci")
    with (
        pymysql.connect(
            **pair.source.connect_args(source), autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute((SHOP / "source.sql").read_text())
        while cursor.nextset():
            pass
    (folder / "transforms").mkdir(parents=True)
    tables = (SHOP / "target.sql").read_text().replace(");\n", ") COLLATE utf8mb4_unicode_ci;\n")
    (folder / "target.sql").write_text(tables)
    shutil.copy(SHOP / "transforms.py", folder / "transforms" / "shop.py")
    (folder / "replicator.toml").write_text(f"""
[migration]
name = "shop"
schema = "target.sql"
state_database = "{state}"
[source]
url = "{pair.source.url(source, tcp=True)}"
password_file = "{pair.source.password_file}"
[target]
url = "{pair.target.url(target, tcp=True)}"
password_file = "{pair.target.password_file}"
[stream]
heartbeat = "200ms"
[http]
listen = "off"
[control]
socket = "{folder / "control"}"
[cutover]
mode = "hooks"
archive_database = "{archive}"
hooks = "{hooks or "hooks"}"
""")
    (folder / "route").write_text("source")
    shop = ApartShop(
        pair.source, load(folder / "replicator.toml", {}), source, target, archive, other=pair.target, folder=folder
    )
    if hooks is not None:
        return shop
    shop.write_hook("on_switch", "echo $REPLICATOR_TO > new; mv new route")
    shop.write_hook("on_abort", "echo $REPLICATOR_FROM > new; mv new route")
    return shop


def drop_rest(shop: ApartShop) -> None:
    """What a migration made besides the databases that were made for it."""
    for on, name in (
        (shop.server, shop.config.migration.state_database),
        (shop.other, shop.target),
        (shop.other, f"{shop.target}_closed"),
    ):
        with pymysql.connect(**on.connect_args(), autocommit=True) as connection:
            execute(connection, f"DROP DATABASE IF EXISTS `{name}`")
