"""Clients write all the while: through the cutover, a restart of the daemon, the rollback and the second cutover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replicator import state as states
from replicator.demo.servers import Server
from replicator.errors import WrongState
from replicator.mysql.connection import rows
from replicator.preflight import run_checks
from tests.reverse.traffic import Clients
from tests.reverse.world import Shop, make_shop


@pytest.fixture
def shop(server: Server, database: Callable[..., str], tmp_path: Path) -> Iterator[Shop]:
    made = make_shop(server, database, tmp_path)
    yield made
    made.stop()


def facts(shop: Shop) -> dict[str, Any]:
    with shop.session() as connection:
        return states.of(shop.config).facts(connection)


def notes(shop: Shop) -> set[str]:
    with shop.session() as connection:
        return {note for (note,) in rows(connection, "SELECT note FROM bookings")}


def test_nothing_is_lost_on_the_way_there_and_back(shop: Shop) -> None:
    unowned = shop.unowned(shop.source)
    with Clients(shop, seed=1) as clients:
        shop.start()
        shop.until_verified("replicating")
        shop.ask("cutover")
        shop.until_verified("reversing")
        shop.stop()
        assert not shop.errors
        shop.until(lambda written=clients.written: clients.written > written + 100, "writing")  # type: ignore[misc]
        shop.start()
        shop.until_verified("reversing")
        shop.ask("verify")
        status = shop.migration.progress.snapshot()
        assert status["direction"] == "reverse"
        lag = shop.migration.progress.reading().streams["reverse"].lag_seconds
        assert lag is not None
        assert lag < 10
        with pytest.raises(WrongState, match="is cut over"):
            run_checks(shop.config)
        low = facts(shop)["low"]
        shop.ask("rollback")
    assert clients.acknowledged <= notes(shop)
    assert not clients.surprises
    shop.until_verified("replicating")
    shop.until_applied()
    shop.assert_transformed(shop.source, shop.target, whole=True)
    for table, values in shop.unowned(shop.source).items():
        # Who was deleted and inserted again has forgotten.
        assert all(values.get(key, secret) in (secret, "none", "none 2001", 7) for key, secret in unowned[table].items()), table
    with Clients(shop, seed=2) as more:
        shop.until(lambda: more.written > 50, "writing")
        shop.ask("cutover")
        shop.until_verified("reversing")
    shop.until_applied()
    shop.assert_transformed(shop.archive, shop.source, whole=False)
    assert clients.acknowledged | more.acknowledged <= notes(shop)
    assert not more.surprises
    assert facts(shop)["low"] == low  # nothing was copied anew
    print(shop.server.flavour, clients.written, more.written, clients.errors + more.errors)
