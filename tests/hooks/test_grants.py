"""The documented grants are enough for a cutover and a rollback in mode hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest

from replicator.demo.servers import Server
from replicator.mysql.connection import execute
from replicator.preflight import run_checks
from tests.conftest import ServerPair
from tests.hooks.world import ApartShop, drop_rest, make_apart_shop
from tests.preflight.test_grants import PASSWORD, page


@pytest.fixture
def shop(apart: ServerPair, database: Callable[..., str], tmp_path: Path) -> Iterator[ApartShop]:
    made = make_apart_shop(apart, database, tmp_path)
    granted: list[tuple[Server, str]] = []
    config = made.config
    for role, on in (("source", made.server), ("target", made.other)):
        escaped = {
            "shop": made.source,
            "shop\\_new": made.target,
            "shop\\_old": made.archive,
            "\\_replicator": config.migration.state_database,
            "shop\\_new\\_closed": f"{made.target}_closed",
            f"replicator_{role}": (user := f"{role}_{made.source}"),
        }
        with pymysql.connect(**on.connect_args(), autocommit=True) as connection:
            execute(connection, f"CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
            granted.append((on, user))
            for grant in page({on.flavour, "heartbeat", "hooks"}, escaped):
                if grant.role == role:
                    place = grant.place.replace("`\\_replicator\\_%`", f"`{config.migration.state_database}\\_%`")
                    account = f"'{user}'@'127.0.0.1'"
                    execute(connection, f"GRANT {grant.privilege} ON {place} TO {account}")
        end = replace(getattr(config, role), user=user, password=PASSWORD)
        config = replace(config, **{role: end})
    made.config = config
    yield made
    made.stop()
    for on, user in granted:
        with pymysql.connect(**on.connect_args(), autocommit=True) as connection:
            execute(connection, f"DROP USER '{user}'@'127.0.0.1'")
    drop_rest(made)


@pytest.mark.cross
def test_they_are_enough(shop: ApartShop) -> None:
    found = [result for result in run_checks(shop.config) if result.status == "failed"]
    assert not found
    shop.start()
    shop.until_verified("replicating")
    shop.ask("cutover")
    shop.until_verified("reversing")
    with shop.connect("target", autocommit=True) as connection:
        execute(connection, "UPDATE customers SET name = 'there' WHERE id = 1")
    shop.until_applied()
    shop.ask("rollback")
    shop.until_verified("replicating")
    with shop.connect("source") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT name FROM customers WHERE id = 1")
        assert cursor.fetchall() == (("there",),)
