"""The AskProAI migration there and back under the traffic of its application, at a small scale."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replicator.config import load
from replicator.demo import askproai_ledger
from replicator.demo.servers import Server
from replicator.demo.traffic import Traffic, check_ledger
from tests.askproai import oracle
from tests.askproai.conftest import ROOT, Connect, filled, legacy  # noqa: F401
from tests.reverse.world import Shop

CLIENTS = 2


@pytest.fixture
def office(
    server: Server,
    filled: str,  # noqa: F811
    database: Callable[..., str],
    tmp_path: Path,
) -> Iterator[Shop]:
    target, archive, state = database(server, "new"), database(server, "archive"), database(server, "state")
    (tmp_path / "replicator.toml").write_text(f"""
[migration]
name = "askproai"
transforms = "{ROOT / "transforms"}"
schema = "{ROOT / "schema" / "target"}"
state_database = "{state}"
[source]
url = "{server.url(filled)}"
password_file = "{server.password_file}"
[target]
url = "{server.url(target)}"
password_file = "{server.password_file}"
[stream]
heartbeat = "200ms"
[http]
listen = "off"
[control]
socket = "{tmp_path / "control"}"
[cutover]
archive_database = "{archive}"
""")
    made = Shop(server, load(tmp_path / "replicator.toml", {}), filled, target, archive)
    yield made
    made.stop()


def await_commits(traffic: Traffic, more: int, schema: str) -> None:
    """That many more of them, by clients that all speak to the schema."""
    goal = traffic.stats().commits + more
    deadline = time.monotonic() + 60
    while (stats := traffic.stats()).commits < goal or stats.speaking.get(schema) != CLIENTS:
        assert not stats.errors
        assert time.monotonic() < deadline, stats
        time.sleep(0.05)


def test_there_and_back(
    office: Shop, connect: Connect, tmp_path: Path, database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, ledger = office.server, tmp_path / "ledger"
    with Traffic(server.connect_args(), office.source, ledger=ledger, clients=CLIENTS, rate=60) as traffic:
        office.start()
        office.until_verified("replicating")
        office.ask("cutover")
        await_commits(traffic, 80, "new")
        office.until_verified("reversing")
        traffic.stop()
    # customers.preferences is JSON of another shape in either schema, and a statement that was meant for the one would be
    # understood by the other: this application has to be told before tables change their places.
    office.ask("verify")
    office.ask("rollback")
    with Traffic(server.connect_args(), office.source, ledger=ledger, clients=CLIENTS, rate=60) as traffic:
        await_commits(traffic, 30, "legacy")
        office.until_verified("replicating")
        traffic.stop()
    office.until_applied()
    # The ledger is in the words of the new schema, whose tables now stand beside the old ones that they are made of.
    monkeypatch.setattr(askproai_ledger, "_EXAMPLES", 10_000)
    report = check_ledger(server.connect_args(), office.target, ledger)
    assert (report.missing, report.resurrected) == (0, 0), report
    # The old table has no attempts and no error of a Cal.com webhook: they have no way back.
    assert [example for example in report.examples if not example.startswith("webhook_events calcom/")] == []
    by_sql = database(server, "by_sql")
    connection = connect(server)
    for table in oracle.TABLES:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {by_sql}.{table} LIKE {office.target}.{table}")
        oracle.build(connection, office.source, by_sql, table)
        assert oracle.differences(connection, table, office.target, by_sql) == []
