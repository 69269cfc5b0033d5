"""A source that is a replica, and one that fails over to another server: known by the same address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from replicator.apply import stream
from replicator.binlog.safe_position import current_position
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, execute
from tests.conftest import ServerPair
from tests.faults.world import USER, make_world, until
from tests.proxy import proxy


def replicate(of: Server, connection: Connection) -> None:
    """Make the connection's server a replica, which nobody else writes to."""
    if of.flavour == "mysql":
        place = f"SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {of.port}, SOURCE_USER = 'copy', SOURCE_SSL = 0"
        execute(connection, f"CHANGE REPLICATION SOURCE TO {place}, SOURCE_AUTO_POSITION = 1")
        execute(connection, "START REPLICA")
        execute(connection, "SET GLOBAL super_read_only = 1")
        return
    place = f"MASTER_HOST = '127.0.0.1', MASTER_PORT = {of.port}, MASTER_USER = 'copy'"
    execute(connection, f"CHANGE MASTER TO {place}, MASTER_USE_GTID = slave_pos")
    execute(connection, "START SLAVE")
    execute(connection, "SET GLOBAL read_only = 1")


def promote(connection: Connection) -> None:
    """It is a server of its own from now on."""
    execute(connection, "STOP REPLICA")
    execute(connection, "SET GLOBAL read_only = 0")


def test_a_replica_then_its_source_then_the_replica_again(
    own_pair: ServerPair,
    new_server: Callable[..., Server],
    connect: Callable[..., Connection],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second time because the source has died."""
    monkeypatch.setattr(stream, "RETRY_WAIT", (0.05, 0.2))
    flavour = own_pair.target.flavour
    first, second = new_server(flavour, durable=True), new_server(flavour, options=("--log-slave-updates",))
    primary, replica = (connect(server, unix_socket=None, host="127.0.0.1", port=server.port) for server in (first, second))
    # Without a password: the replica has neither TLS nor a key to send one by.
    for statement in (
        "SET sql_log_bin = 0", "CREATE USER copy@'127.0.0.1'", "GRANT REPLICATION SLAVE ON *.* TO copy@'127.0.0.1'",
        "SET sql_log_bin = 1",
    ):  # fmt: skip
        execute(primary, statement)
    replicate(first, replica)

    def level() -> bool:
        return current_position(primary).gtid == current_position(replica).gtid

    with proxy(second.port) as way:
        urls = {"source": f"mysql://{USER}@127.0.0.1:{way.port}/{{}}"}
        pair = ServerPair(first, own_pair.target)
        # A heartbeat would be a write to the replica.
        with make_world(pair, tmp_path, urls=urls, settings='[stream]\nheartbeat = "off"') as world:
            until(level, "the replica has the tables")
            with world.traffic() as traffic:
                world.replicating()
                traffic.more()
            until(level, "the replica has all")
            world.equal(second)
            way.upstream = first.port
            way.cut()
            with world.traffic() as traffic:
                traffic.more()
            world.equal()
            until(level, "the replica has all")
            first.kill()
            way.upstream = second.port
            promote(replica)
            world.source = second
            execute(replica, f"UPDATE {world.names['source']}.customers SET name = 'of the new source' WHERE id = 1")
            world.equal()
            first.start()  # its databases are dropped
