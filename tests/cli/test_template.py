"""The migration that `init` writes works as it stands, on a real server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from replicator import cli
from replicator import state as states
from replicator.config import Config, load
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, execute, rows
from replicator.planning import create_target, resolve

ROWS = (
    "INSERT INTO customers VALUES (1, 'Änne', 'a@example.org', 'x'), (2, 'Bo', NULL, NULL)",
    ("INSERT INTO orders VALUES (1, 1, 'sent', 10.50, '2026-01-01'), (2, 1, 'draft', 5, '2026-01-02'), "
    "(3, NULL, 'sent', 7, '2026-01-03'), (4, 1, 'paid', 2.25, '2026-01-04')"),
)


@pytest.fixture
def shop(
    server: Server,
    database: Callable[..., str],
    connect: Callable[..., Connection],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Config]:
    """The written folder, pointed at two databases of which the source has its tables and a few rows."""
    folder = tmp_path / "shop"
    assert cli.main(["init", str(folder)]) == 0
    source, target = database(server, "shop"), database(server, "shop_new")
    for role, name in (("SOURCE", source), ("TARGET", target)):
        monkeypatch.setenv(f"REPLICATOR_{role}__URL", server.url(name))
        monkeypatch.setenv(f"REPLICATOR_{role}__PASSWORD_FILE", str(server.password_file))
    monkeypatch.setenv("REPLICATOR_MIGRATION__STATE_DATABASE", f"{source}_state")
    monkeypatch.setenv("REPLICATOR_CONTROL__SOCKET", str(tmp_path / "control.sock"))
    monkeypatch.setenv("REPLICATOR_HTTP__LISTEN", "127.0.0.1:0")
    monkeypatch.chdir(folder)
    connection = connect(server, source)
    for statement in (folder / "schema/source/shop.sql").read_text().split(";\n"):
        if statement.strip():
            execute(connection, statement)
    for statement in ROWS:
        execute(connection, statement)
    yield load(folder / "replicator.toml", os.environ)
    execute(connection, f"DROP DATABASE IF EXISTS {source}_state")


def test_it_fits_its_own_schemas(shop: Config, server: Server, connect: Callable[..., Connection]) -> None:
    create_target(shop, connect(server))
    plan = resolve(shop, connect(server), connect(server))
    assert [transform.target.name for transform in plan.transforms] == ["customers", "orders", "customer_totals"]
    assert plan.unmapped == ()


def test_nothing_is_missing_for_it(shop: Config, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["check", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [check for check in checks if check["status"] == "failed"] == []
    assert code == 0


def test_from_the_first_row_to_the_last_command(
    shop: Config, server: Server, connect: Callable[..., Connection], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", "--once"]) == 0
    target = connect(server, shop.target.database)
    assert rows(target, "SELECT id, customer_name FROM orders ORDER BY id") == ((1, "Änne"), (3, None), (4, "Änne"))
    assert rows(target, "SELECT customer_id, orders, total FROM customer_totals") == ((1, 2, Decimal("12.75")),)
    capsys.readouterr()
    assert cli.main(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["phase"], status["stage"], status["copy"]["ratio"]) == ("stopped", "replicating", 1.0)
    assert all(table["verified_at"] for table in status["tables"])
    execute(target, "UPDATE orders SET total = 11 WHERE id = 4")
    capsys.readouterr()
    assert cli.main(["verify"]) == 7
    assert "Run `replicator verify --repair`" in capsys.readouterr().out
    assert cli.main(["verify", "--repair"]) == 0
    assert "verify --repair" not in capsys.readouterr().out
    assert cli.main(["abort", "--drop-target"]) == 0
    assert rows(target, "SHOW TABLES") == ()
    assert cli.main(["status"]) == 4


def test_verify_begins_nothing(
    shop: Config, server: Server, connect: Callable[..., Connection], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["verify"]) == 4
    assert "has not begun" in capsys.readouterr().err
    connection = connect(server)
    assert rows(connection, f"SHOW TABLES FROM {shop.target.database}") == ()
    state = states.of(shop)
    state.create(connection)
    state.begin(connection, {"target_was_empty": True})
    assert cli.main(["verify"]) == 4
    assert "in phase preparing" in " ".join(capsys.readouterr().err.split())
    assert rows(connection, f"SHOW TABLES FROM {shop.target.database}") == ()


@pytest.mark.parametrize("setting", ["password", "port"])
def test_a_source_that_is_away_or_refuses_is_five(shop: Config, tmp_path: Path, setting: str) -> None:
    """So that the service manager tries again; a failed check would end it."""
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    wrong.chmod(0o600)
    user, database = shop.source.user, shop.source.database
    other = {"password": f"source.password_file={wrong}", "port": f"source.url=mysql://{user}@127.0.0.1:1/{database}"}[setting]
    assert cli.main(["check", "--set", other]) == 5
    assert cli.main(["run", "--once", "--set", other]) == 5
    assert cli.main(["run", "--once"]) == 0
