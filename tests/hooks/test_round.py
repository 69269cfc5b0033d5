"""From one server to another, back, and there again, with clients all the while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ServerPair
from tests.hooks.traffic import Clients
from tests.hooks.world import ApartShop, drop_rest, make_apart_shop


@pytest.fixture
def shop(apart: ServerPair, database: Callable[..., str], tmp_path: Path) -> Iterator[ApartShop]:
    made = make_apart_shop(apart, database, tmp_path)
    yield made
    made.stop()
    drop_rest(made)


def test_there_and_back_and_there_again(shop: ApartShop) -> None:
    with Clients(shop, seed=1) as clients:
        shop.start()
        shop.until_verified("replicating")
        shop.ask("cutover")
        assert shop.side == "target"
        assert shop.called == ["on_switch"]
        assert shop.open_sides() == ["target"]
        shop.until_verified("reversing")
        shop.until(lambda written=clients.written: clients.written > written + 60, "writing")  # type: ignore[misc]
        shop.stop()
        assert not shop.errors
        shop.start()
        shop.until_verified("reversing")
        assert shop.migration.progress.snapshot()["direction"] == "reverse"
        shop.ask("rollback")
        assert shop.side == "source"
    assert not clients.surprises
    clients.check()
    shop.until_verified("replicating")
    shop.until_applied()
    shop.assert_transformed(shop.source, shop.target, whole=True)
    with Clients(shop, seed=2) as more:
        shop.until(lambda: more.written > 30, "writing")
        shop.ask("cutover")
        shop.until_verified("reversing")
    more.check(clients)
    assert not more.surprises
    shop.until_applied()
    shop.assert_transformed(shop.archive, shop.target, whole=False)
    shop.ask("complete")
    assert shop.thread is not None
    shop.thread.join()
    assert not shop.errors
    for side in ("source", "target"):
        left = shop.tables_on(side, shop.config.migration.state_database)
        assert not [name for name in left if name.startswith("shop:")]
    assert "services" in shop.tables_on("source", shop.archive)
