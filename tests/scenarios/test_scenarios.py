"""Every folder here is a migration that has to end as it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from replicator.apply import stream
from replicator.demo.servers import FLAVOURS, Flavour, Server
from tests.scenarios.case import Case, cases, load
from tests.scenarios.life import live

RUNS = [(case, flavour) for case in cases() for flavour in case.flavours]


def test_cascades_that_mysql_leaves_to_innodb(new_server: Callable[..., Server], tmp_path: Path) -> None:
    """MySQL logs from 9.6 on what foreign keys do, unless it was told otherwise when it started."""
    server = new_server("mysql", options=("--innodb-native-foreign-keys=ON",))
    live(next(case for case in cases() if case.name == "cascades"), server, tmp_path)


_BEGUN_ANEW = """about = ""
covers = []
settings = { "stream.heartbeat" = "off" }
end = "stopped"
code = 5
says = ["begun anew"]
"""


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_binlog_is_begun_anew_under_the_stream(
    flavour: Flavour, new_server: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source goes on to say that nothing happens, while changes stand in files that nobody reads."""
    monkeypatch.setattr(stream, "SILENCE", 0.3)
    reset = "RESET MASTER" if flavour == "mariadb" else "RESET BINARY LOGS AND GTIDS"
    folder = tmp_path / "begun-anew"
    folder.mkdir()
    (tmp_path / "run").mkdir()
    (folder / "expect.toml").write_text(_BEGUN_ANEW)
    (folder / "source.sql").write_text("CREATE TABLE items (id INT PRIMARY KEY);\nINSERT INTO items VALUES (1);\n")
    (folder / "writer.sql").write_text(f"-- @ while replicating\n{reset};\nINSERT INTO items VALUES (2);\n")
    live(load(folder), new_server(flavour), tmp_path / "run")


@pytest.mark.parametrize(("case", "flavour"), RUNS, ids=[f"{case.name}-{flavour}" for case, flavour in RUNS])
def test_scenario(case: Case, flavour: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The migration goes through, or stops, as the folder's expect.toml says."""
    live(case, request.getfixturevalue(flavour), tmp_path)
