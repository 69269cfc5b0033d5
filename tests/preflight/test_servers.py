"""Checks of the two servers: each passes as the servers of the tests are, and fails without what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pymysql
import pytest

from replicator.demo.servers import FLAVOURS, Flavour, Server
from replicator.mysql.connection import execute
from replicator.mysql.flavour import Server as Identity
from replicator.preflight.context import opened
from replicator.state import of
from tests.preflight.migrations import (
    SOURCE,
    TARGET,
    TRANSFORMS,
    Migration,
    check,
    fails,
    look,
    only,
    passes,
    pretend,
    run_script,
    variables,
)


@pytest.mark.parametrize(
    ("flavour", "version", "enough"),
    [
        ("mysql", (5, 7, 44), False), ("mysql", (8, 0, 13), True), ("mysql", (9, 7, 4), True),
        ("mariadb", (10, 5, 99), False), ("mariadb", (10, 6, 0), True), ("mariadb", (11, 8, 2), True),
    ],
)  # fmt: skip
def test_versions(
    build: Callable[..., Migration], mariadb: Server, flavour: Literal["mysql", "mariadb"],
    version: tuple[int, int, int], enough: bool,
) -> None:  # fmt: skip
    with opened(build(mariadb).config()) as context:
        results = look(pretend(context, "source", server=Identity(flavour, version, "x")), "versions")
    assert passes(results) if enough else fails(results, "source", "too old", "upgrade")


def test_databases(migration: Migration) -> None:
    config = migration.config()
    assert passes(check(config, "databases"))
    elsewhere = replace(config, source=replace(config.source, database="nowhere"))
    assert fails(check(elsewhere, "databases"), "no database nowhere", "[source] url")
    empty = replace(config, target=replace(config.target, database="nowhere"))
    assert fails(check(empty, "databases"), "nowhere", "schema/target")


def test_databases_by_another_name(tmp_path: Path, new_server: Callable[..., Server]) -> None:
    """A server that folds names calls them otherwise in its binlog, too."""
    server = new_server("mariadb", options=("--lower-case-table-names=1",))
    migration = Migration(tmp_path, server, "Shop", "Shop_New")
    (tmp_path / "transforms").mkdir()
    migration.transforms(TRANSFORMS)
    run_script(server, None, "CREATE DATABASE Shop;\n")
    migration.in_source(SOURCE)
    results = check(migration.config(), "databases")
    assert fails(results, "Shop shop", "write shop in [source] url")
    assert fails(results, "Shop_New shop_new", "write shop_new in [target] url")
    run_script(server, None, "CREATE DATABASE shop_new;\n")
    lower = Migration(tmp_path, server, "shop", "shop_new")
    lower.in_target(TARGET)
    assert passes(check(lower.config(), "databases"))


def test_log_bin(migration: Migration) -> None:
    with opened(migration.config()) as context:
        assert passes(look(context, "log_bin"))
        assert fails(look(pretend(context, "source", log_bin="OFF"), "log_bin"), "no binary log", "restart")


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("binlog_format", "binlog_format", "MIXED"),
        ("binlog_row_image", "binlog_row_image", "MINIMAL"),
        ("binlog_row_image", "binlog_row_image", "NOBLOB"),
        ("binlog_row_metadata", "binlog_row_metadata", "MINIMAL"),
    ],
)
def test_what_stands_in_the_binlog(migration: Migration, name: str, variable: str, value: str) -> None:
    assert passes(migration.check(name))
    with variables(migration.server, {variable: value}):
        assert fails(migration.check(name), variable, value, f"SET GLOBAL {variable}")


def test_a_server_without_row_metadata(migration: Migration) -> None:
    with opened(migration.config()) as context:
        assert fails(look(pretend(context, "source", binlog_row_metadata="NO_LOG"), "binlog_row_metadata"), "NO_LOG")


def test_partial_json(build: Callable[..., Migration], mysql: Server) -> None:
    migration = build(mysql)
    assert passes(migration.check("log_contents"))
    with variables(mysql, {"binlog_row_value_options": "PARTIAL_JSON"}):
        assert fails(migration.check("log_contents"), "PARTIAL_JSON", "SET GLOBAL binlog_row_value_options = ''")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_databases_that_are_not_logged(tmp_path: Path, new_server: Callable[..., Server], flavour: Flavour) -> None:
    (tmp_path / "transforms").mkdir()
    migration = Migration(tmp_path, new_server(flavour, options=("--binlog-ignore-db=shop",)), "shop", "shop_new")
    assert fails(check(migration.config(), "log_contents"), "leaves the database shop out", "take binlog_ignore_db out")
    other = Migration(tmp_path, new_server(flavour, options=("--binlog-do-db=shop",)), "shop", "shop_new")
    assert fails(check(other.config(), "log_contents"), "leaves the database shop_new_state out", "binlog_do_db=shop_new_state")
    assert passes(check(other.config('[stream]\nheartbeat = "off"'), "log_contents"))


@pytest.mark.parametrize("variable", ["binlog_transaction_compression", "log_bin_compress"])
def test_compression_is_read(build: Callable[..., Migration], mariadb: Server, variable: str) -> None:
    with opened(build(mariadb).config()) as context:
        results = look(pretend(context, "source", **{variable: "ON"}), "log_contents")
    assert passes(results)
    assert variable in only(results).message


def test_a_replica_that_does_not_log(migration: Migration) -> None:
    server = migration.server
    assert passes(migration.check("replica_updates"))
    if server.flavour == "mariadb":
        become, end = "SET GLOBAL gtid_slave_pos = '7-8-9'", "SET GLOBAL gtid_slave_pos = ''"
    else:
        become = "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 1, SOURCE_USER = 'nobody'"
        end = "RESET REPLICA ALL"
    variable = "log_slave_updates" if server.flavour == "mariadb" else "log_replica_updates"
    run_script(server, None, become)
    try:
        with opened(migration.config()) as context:
            assert fails(look(pretend(context, "source", **{variable: "OFF"}), "replica_updates"), variable, "restart")
            assert passes(look(pretend(context, "source", **{variable: "ON"}), "replica_updates"))
    finally:
        run_script(server, None, end)


def test_retention(migration: Migration) -> None:
    with opened(migration.config()) as context:
        def kept(seconds: float, days: float = 0) -> list[Any]:
            return look(
                pretend(context, "source", binlog_expire_logs_seconds=seconds, expire_logs_days=days), "retention"
            )

        assert fails(kept(0.1), "may be gone", "binlog_expire_logs_seconds = 86400")
        assert fails(kept(3600), "keeps its binary log for 1 h", "86400", status="warning")
        assert passes(kept(86400))
        assert passes(kept(0))
        assert "for ever" in only(kept(0)).message
        assert "10 days" in only(kept(0, 10)).message


def test_retention_against_a_long_copy(migration: Migration) -> None:
    with opened(migration.config()) as context:
        plan = context.plan
        huge = {
            name: replace(source, table=replace(source.table, row_estimate=2_000_000_000, data_bytes=10**12))
            for name, source in plan.sources.items()
        }
        transforms = tuple(
            replace(transform, source=huge[transform.source.name].table) for transform in plan.transforms
        )
        longer = replace(context, known_plan=replace(plan, sources=huge, transforms=transforms))
        results = look(pretend(longer, "source", binlog_expire_logs_seconds=86400, expire_logs_days=0), "retention")
    assert fails(results, "1 day", "may be gone")


def test_safe_position(migration: Migration) -> None:
    assert passes(migration.check("safe_position"))


def test_safe_position_without_gtids(build: Callable[..., Migration], mysql: Server) -> None:
    with opened(build(mysql).config()) as context:
        assert fails(look(pretend(context, "source", gtid_mode="OFF"), "safe_position"), "FLUSH BINARY LOGS",
                     status="warning")  # fmt: skip


def test_xa(migration: Migration, connect: Callable[..., pymysql.connections.Connection[Any]]) -> None:
    assert passes(migration.check("xa"))
    connection = connect(migration.server, migration.source)
    for statement in ("XA START 'it''s','b',7", "INSERT INTO customers VALUES (99, 'XA', NULL)",
                      "XA END 'it''s','b',7", "XA PREPARE 'it''s','b',7"):  # fmt: skip
        execute(connection, statement)
    connection.close()
    result = only(migration.check("xa"))
    try:
        assert fails([result], "is prepared", "XA ROLLBACK", status="warning")
    finally:
        _, _, rollback = result.fix.rpartition("or ")
        run_script(migration.server, None, rollback)
    assert passes(migration.check("xa"))


def test_server_id(migration: Migration) -> None:
    with opened(migration.config()) as context:
        assert passes(look(context, "server_id"))
        assert fails(look(pretend(context, "source", server_id=0), "server_id"), "server_id 0", "SET GLOBAL server_id")
        other = Identity(migration.server.flavour, (10, 6, 0), "another")
        assert fails(look(pretend(context, "target", server=other), "server_id"), "both servers", status="warning")


def test_writable(migration: Migration) -> None:
    assert passes(migration.check("writable"))
    with opened(migration.config()) as context:
        assert fails(look(pretend(context, "target", read_only="ON"), "writable"), "target", "read-only")
        assert fails(look(pretend(context, "source", read_only="ON"), "writable"), 'heartbeat = "off"')
    with opened(migration.config('[stream]\nheartbeat = "off"')) as context:
        assert passes(look(pretend(context, "source", read_only="ON"), "writable"))


def test_time_zone(migration: Migration) -> None:
    with opened(migration.config()) as context:
        assert passes(look(context, "time_zone"))
        execute(context.target.connection, "SET SESSION time_zone = '+02:00'")
        assert fails(look(context, "time_zone"), "target", "+02:00")


def test_sql_mode(migration: Migration) -> None:
    with opened(migration.config()) as context:
        assert passes(look(context, "sql_mode"))
        execute(context.target.connection, "SET SESSION sql_mode = '', foreign_key_checks = 1")
        results = look(context, "sql_mode")
    assert fails(results, "STRICT_ALL_TABLES")
    assert fails(results, "foreign_key_checks")


def test_packets(migration: Migration) -> None:
    with opened(migration.config()) as context:
        assert passes(look(context, "packets"))
        small = pretend(context, "target", max_allowed_packet=1 << 20)
        assert fails(look(small, "packets"), "SET GLOBAL max_allowed_packet = 67108864", status="warning")


def test_local_infile(migration: Migration) -> None:
    with opened(migration.config()) as context:
        assert passes(look(context, "local_infile"))
        assert fails(look(pretend(context, "target", local_infile="OFF"), "local_infile"), "SET GLOBAL", status="warning")


def test_disk_room(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    assert passes(migration.check("disk_room"))
    with opened(migration.config()) as context:
        monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 17}))
        assert fails(look(context, "disk_room"), "has 17 bytes left", "of room")
        away = pretend(context, "target", endpoint=replace(context.target.endpoint, unix_socket=None))
        assert "will need up to" in only(look(away, "disk_room")).message


def test_secret_files(migration: Migration) -> None:
    config = migration.config()
    assert passes(check(config, "secret_files"))
    file = migration.folder / "it's secret"
    file.write_text("x")
    file.chmod(0o640)
    config = replace(config, secret_files=(("source.password_file", file),))
    assert fails(check(config, "secret_files"), "source.password_file", "0640", "chmod 600 '")
    file.chmod(0o600)
    assert passes(check(config, "secret_files"))


def test_name_case(migration: Migration) -> None:
    migration.in_source("CREATE TABLE Mixed (id int PRIMARY KEY)")
    with opened(migration.config()) as context:
        assert passes(look(context, "name_case"))
        assert fails(look(pretend(context, "target", lower_case_table_names=1), "name_case"), "Mixed")
        lower = {name: table for name, table in context.source.tables.items() if name != "Mixed"}
        assert passes(look(pretend(context, "source", lower_case_table_names=1, tables=lower), "name_case"))


def test_metadata_locks(migration: Migration) -> None:
    assert passes(migration.check("metadata_locks"))
    off = {
        "mysql": "UPDATE performance_schema.setup_instruments SET enabled = '{}' WHERE name = 'wait/lock/metadata/sql/mdl'",
        "mariadb": "{} SONAME 'metadata_lock_info'",
    }[migration.server.flavour]
    words = ("NO", "YES") if migration.server.flavour == "mysql" else ("UNINSTALL", "INSTALL")
    run_script(migration.server, None, off.format(words[0]))
    try:
        assert fails(migration.check("metadata_locks"), "cannot be seen")
        assert fails(migration.check("metadata_locks", '[cutover]\nmode = "hooks"'), "source", "cannot be seen")
    finally:
        run_script(migration.server, None, off.format(words[1]))


def test_earlier_run(
    migration: Migration, connect: Callable[..., pymysql.connections.Connection[Any]]
) -> None:
    assert "has not begun" in only(migration.check("earlier_run")).message
    config = migration.config()
    state = of(config)
    connection = connect(migration.server)
    state.create(connection)
    state.begin(connection, {})
    try:
        assert "will go on" in only(migration.check("earlier_run")).message
        checkpoint = f"INSERT INTO {state.table('checkpoint')} (migration, direction, file, pos, gtid, server, source_time,"
        with opened(config) as context:
            here = context.source.server.identity
            file = _newest_binlog(context.source.connection)
        for server, name, expected in (
            (here, file, "will go on at"),
            ("another", file, "another server"),
            (here, "binlog.999998", "removed that file"),
        ):
            execute(connection, f"DELETE FROM {state.table('checkpoint')}")
            execute(
                connection,
                f"{checkpoint} applied_at) VALUES (%s, 'forward', %s, 4, '', %s, 0, UTC_TIMESTAMP(6))",
                (config.migration.name, name, server),
            )
            assert expected in only(check(config, "earlier_run")).message
        state.enter(connection, "aborted")
        assert fails(check(config, "earlier_run"), "broke off", "replicator abort")
        state.enter(connection, "completed")
        assert fails(check(config, "earlier_run"), "is completed", "disable its service")
    finally:
        execute(connection, f"DROP DATABASE {state.table('x').split('.')[0]}")


def _newest_binlog(connection: pymysql.connections.Connection[Any]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW BINARY LOGS")
        return str(cursor.fetchall()[-1][0])


def test_target_empty(migration: Migration, connect: Callable[..., pymysql.connections.Connection[Any]]) -> None:
    assert passes(migration.check("target_empty"))
    migration.in_target("INSERT INTO orders VALUES (1, 1, 1)")
    assert fails(migration.check("target_empty"), "orders", "TRUNCATE TABLE")
    migration.in_target("CREATE TABLE order_parts (order_id bigint PRIMARY KEY, FOREIGN KEY (order_id) REFERENCES orders (id))")
    (found,) = migration.check("target_empty")
    migration.in_target(found.fix.split(", or ")[0].replace("; ", ";\n"))
    assert passes(migration.check("target_empty"))
    config = migration.config()
    state, connection = of(config), connect(migration.server)
    state.create(connection)
    state.begin(connection, {})
    try:
        assert passes(check(config, "target_empty"))
    finally:
        execute(connection, f"DROP DATABASE {state.table('x').split('.')[0]}")


def test_hooks(migration: Migration) -> None:
    mode = '[cutover]\nmode = "hooks"'
    assert passes(migration.check("hooks"))
    assert fails(migration.check("hooks", mode), "on_switch does not exist", "chmod +x")
    folder = migration.folder / "hooks"
    folder.mkdir()
    for name in ("on_switch", "on_abort"):
        (folder / name).touch(mode=0o755)
    assert passes(migration.check("hooks", mode))
    (folder / "on_abort").chmod(0o644)
    assert fails(migration.check("hooks", mode), "on_abort is not executable")
    (folder / "on_abort").chmod(0o755)
    with opened(migration.config(mode)) as context:
        assert fails(look(pretend(context, "target", log_bin="OFF"), "hooks"), "come over")
        assert fails(look(pretend(context, "target", binlog_row_image="MINIMAL"), "hooks"), "could not come back")
