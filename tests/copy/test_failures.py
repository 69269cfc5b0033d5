"""Whatever dies while copying, every row arrives once; whatever the target refuses is named."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql
import pytest

from replicator.copy import chunks, copy_jobs
from replicator.copy.chunks import progress as job_progress
from replicator.demo.servers import Server
from replicator.errors import BadRow, ConfigError, Interrupted, ReplicatorError, SourceError
from replicator.mysql.connection import connected, execute, rows
from replicator.transform.loader import fingerprint
from tests.copy.conftest import Migration, NewMigration, fill

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL);"
SLOW = """
import time
@transform("t")
def t(row):
    if row.id % 200 == 0:
        time.sleep(0.02)
    return {"id": row.id, "name": row.name}
"""
PRINTS = """
print("loaded")
@transform("t")
def t(row):
    if row.id % 10_000 == 0:
        print("{")
    return {"id": row.id, "name": row.name}
"""
GROUPED = """
import time
@transform("g", source="t", group_by=["name"], key={"name": "name"})
def g(rows):
    if rows[0].id % 20 == 0:
        time.sleep(0.005)
    return {"id": rows[0].id, "name": rows[0].name, "number": len(rows)}
"""
GROUPS = "CREATE TABLE g (id INT NOT NULL, name VARCHAR(40) PRIMARY KEY, number INT NOT NULL);"


def counted(made: Migration, table: str = "t") -> tuple[int, int]:
    """Rows that the target has, and those that were counted as copied."""
    copied = sum(entry.rows for name, entry in job_progress(made.state, made.target).items() if name.startswith("copy"))
    return int(made.read(f"SELECT COUNT(*) FROM {table}")[0][0]), copied


@contextmanager
def disturbed(action: Callable[[], object], every: float) -> Iterator[None]:
    """Do something again and again meanwhile."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every):
            action()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def children(of: int) -> list[int]:
    """Copy workers of a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == of and b"replicator.copy.worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def killing(made: Migration) -> Callable[[], object]:
    """Kills one of this process's workers by chance, whenever something was copied since the last time."""
    seen = [-1]

    def kill() -> None:
        with connected(made.config.target, database=False) as connection:
            done = sum(entry.rows for entry in job_progress(made.state, connection).values())
        living = children(os.getpid())
        if done > seen[0] and living:
            seen[0] = done
            os.kill(random.choice(living), signal.SIGKILL)

    return kill


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_workers_that_are_killed_are_replaced(server: Server, migration: NewMigration) -> None:
    made = migration(server, TABLE, TABLE, SLOW)
    fill(made.source, "t", "id, name", "n, n", 40_000)
    with disturbed(killing(made), 0.7):
        made.copy(workers=2)
    assert counted(made) == (40_000, 40_000)
    assert not children(os.getpid())


def test_units_are_built_once_though_workers_are_killed(server: Server, migration: NewMigration) -> None:
    made = migration(server, TABLE, GROUPS, GROUPED)
    fill(made.source, "t", "id, name", "n, n DIV 3", 40_000)
    made.copy()
    with disturbed(killing(made), 0.7):
        made.build(workers=2)
    assert made.read("SELECT COUNT(*), SUM(number) FROM g") == [(13_334, 40_000)]


def test_goes_on_after_the_parent_was_killed(server: Server, migration: NewMigration) -> None:
    made = migration(server, TABLE, TABLE, SLOW)
    fill(made.source, "t", "id, name", "n, n", 40_000)
    script = (
        "import sys, threading; from replicator.config import load; from replicator.copy import *;"
        "from replicator.planning import resolve; from replicator.progress import Progress;"
        "from replicator.mysql.connection import connect; from replicator.throttle import Throttle; from pathlib import Path;"
        "config = load(Path(sys.argv[1]), {}); plan = resolve(config, connect(config.source), connect(config.target));"
        "run_jobs(config, plan, copy_jobs(plan), workers=2, progress=Progress('x'), stop=threading.Event(),"
        " throttle=Throttle(config.throttle, ()))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(made.config.path)])
    while counted(made)[1] < 5_000 or len(workers := children(parent.pid)) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while not all(map(gone, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(map(gone, workers))
    there, copied = counted(made)
    assert 0 < there == copied < 40_000
    made.copy(workers=2)
    assert counted(made) == (40_000, 40_000)


def test_a_killed_query_is_not_the_end_of_the_table(
    server: Server, migration: NewMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "SECONDS", 0.1)
    made = migration(server, TABLE, TABLE, SLOW)
    fill(made.source, "t", "id, name", "n, n", 20_000)
    kinds = iter(range(10_000))

    def kill() -> None:
        how = "QUERY" if next(kinds) % 3 else "CONNECTION"
        with connected(made.config.source) as connection:
            for (number,) in rows(
                connection,
                "SELECT id FROM information_schema.processlist WHERE db IN (%s, %s) AND id <> CONNECTION_ID()"
                " AND (info LIKE 'SELECT `%%' OR info LIKE 'LOAD%%')",
                (made.config.source.database, made.config.target.database),
            ):
                with suppress(pymysql.MySQLError):  # it has ended by itself
                    execute(connection, f"KILL {how} {number}")

    with disturbed(kill, 0.02):
        made.copy()
    assert counted(made) == (20_000, 20_000)


def test_an_error_of_a_worker_is_raised_here_as_it_was(server: Server, migration: NewMigration) -> None:
    made = migration(
        server,
        TABLE,
        TABLE,
        "@transform('t')\ndef t(row):\n    return {'id': row.id, 'name': row.name if row.id != 45000 else 7}",
    )
    fill(made.source, "t", "id, name", "n, n", 50_000)
    for workers in (2, 0):
        with pytest.raises(BadRow, match=r"^t\.name, key id=45000: a int for a column of type varchar") as caught:
            made.copy(workers=workers)
        assert (caught.value.table, caught.value.column) == ("t", "name")
        there, copied = counted(made)
        assert there == copied < 50_000
    assert not children(os.getpid())


def test_a_refused_row_is_named_without_its_value(server: Server, migration: NewMigration) -> None:
    source = "CREATE TABLE t (id INT PRIMARY KEY, note VARCHAR(40) CHARACTER SET utf8mb4 NOT NULL);"
    target = "CREATE TABLE t (id INT PRIMARY KEY, note VARCHAR(40) CHARACTER SET latin1 NOT NULL);"
    made = migration(server, source, target, "copy_table('t')")
    fill(made.source, "t", "id, note", "n, IF(n = 777, 'secret 😀', 'ä')", 1_000)
    with pytest.raises(BadRow) as caught:
        made.copy()
    assert caught.value.key == "id=777"
    assert caught.value.column == "note"
    assert "secret" not in str(caught.value)
    assert counted(made) == (0, 0)


def test_a_refusal_of_the_table_is_named(server: Server, migration: NewMigration) -> None:
    target = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, CHECK (id <> 321));"
    made = migration(server, TABLE, target, "copy_table('t')")
    fill(made.source, "t", "id, name", "n, n", 1_000)
    with pytest.raises(BadRow, match="check constraint violated") as caught:
        made.copy()
    assert caught.value.key == "id=321"


def test_half_a_surrogate_pair_is_named(server: Server, migration: NewMigration) -> None:
    made = migration(
        server,
        TABLE,
        TABLE,
        "@transform('t')\ndef t(row):\n    return {'id': row.id, 'name': '\\ud83d' if row.id == 5 else 'x'}",
    )
    fill(made.source, "t", "id, name", "n, n", 10)
    with pytest.raises(BadRow, match="t, key id=5: half of a surrogate pair"):
        made.copy()


def test_units_that_collide_are_named(server: Server, migration: NewMigration) -> None:
    made = migration(
        server,
        TABLE,
        "CREATE TABLE g (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, UNIQUE KEY by_name (name));",
        "@transform('g', source='t', related={'me': one('t', where={'id': 'id'})})\n"
        "def g(row, me):\n    return {'id': row.id, 'name': 'same' if row.id in (40, 90) else row.name}",
    )
    fill(made.source, "t", "id, name", "n, n", 100)
    made.copy()
    with pytest.raises(BadRow, match=r"g, key id=90: another row has the same values in the unique key (g\.)?by_name"):
        made.build()
    assert counted(made, "g")[0] == 0


def test_where_the_copy_finds_a_key_taken_it_replaces(server: Server, migration: NewMigration) -> None:
    """The binlog brings the holder back later."""
    unique = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, UNIQUE KEY (name));"
    made = migration(server, TABLE + "INSERT INTO t VALUES (1, 'a'), (2, 'b');", unique, "copy_table('t')")
    execute(made.target, "INSERT INTO t VALUES (7, 'b'), (2, 'z')")
    made.copy()
    assert made.read("SELECT * FROM t ORDER BY id") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("loads", [True, False])
def test_a_server_without_local_infile_is_written_by_statements(server: Server, migration: NewMigration, loads: bool) -> None:
    made = migration(server, TABLE, TABLE, "copy_table('t')")
    fill(made.source, "t", "id, name", "n, n", 3_000)
    execute(made.target, f"SET GLOBAL local_infile = {int(loads)}")
    try:
        made.copy()
    finally:
        execute(made.target, "SET GLOBAL local_infile = 1")
    assert counted(made) == (3_000, 3_000)


def test_stops_when_asked_and_goes_on(server: Server, migration: NewMigration) -> None:
    made = migration(server, TABLE, TABLE, SLOW)
    fill(made.source, "t", "id, name", "n, n", 20_000)
    threading.Timer(0.5, made.stop.set).start()
    with pytest.raises(Interrupted):
        made.copy()
    there, copied = counted(made)
    assert there == copied < 20_000
    made.stop.clear()
    made.copy()
    assert counted(made) == (20_000, 20_000)


def test_a_source_that_refuses_is_an_error_of_the_source(
    server: Server, migration: NewMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = migration(server, TABLE, TABLE, "copy_table('t')")
    plan = made.plan
    execute(made.source, "DROP TABLE t")
    with pytest.raises(SourceError, match="error 1146"):
        made.run(copy_jobs(plan), plan=plan)


def test_workers_that_cannot_live_are_given_up(
    server: Server, migration: NewMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = migration(server, TABLE, TABLE, "import os\n@transform('t')\ndef t(row):\n    os._exit(3)")
    fill(made.source, "t", "id, name", "n, n", 50_000)
    with pytest.raises(ReplicatorError, match="copy workers ended by exit code 3"):
        made.copy(workers=2)


def test_a_worker_of_its_own_helps(server: Server, migration: NewMigration) -> None:
    made = migration(server, TABLE, TABLE, SLOW)
    fill(made.source, "t", "id, name", "n, n", 30_000)
    helper = [sys.executable, "-W", "error", "-m", "replicator", "--config", str(made.config.path), "copy-worker"]
    early = subprocess.run(helper, capture_output=True, text=True, check=False)
    assert early.returncode == 4
    assert "has not begun to copy" in early.stderr
    for job in copy_jobs(made.plan):
        chunks.create_job(made.state, made.target, job, 1)
    path = made.config.migration.transforms
    made.state.learn(made.target, transforms=fingerprint(path))
    text = path.read_text()
    path.write_text(text + "\n# edited")
    other = subprocess.run(helper, capture_output=True, text=True, check=False)
    assert other.returncode == 2
    assert "not the transforms that the daemon copies with" in other.stderr
    path.write_text(text)
    helpers = [subprocess.Popen(helper) for _ in range(2)]
    assert [helper.wait() for helper in helpers] == [0, 0]
    assert counted(made) == (30_000, 30_000)


def test_a_worker_of_its_own_does_not_go_over_to_another_copy(server: Server, migration: NewMigration) -> None:
    """It was begun anew, with the same tables: what the worker had begun to copy is not written into that."""
    made = migration(server, TABLE, TABLE, SLOW)
    fill(made.source, "t", "id, name", "n, n", 30_000)
    for job in copy_jobs(made.plan):
        chunks.create_job(made.state, made.target, job, 1)
    made.state.learn(made.target, transforms=fingerprint(made.config.migration.transforms))
    command = [sys.executable, "-m", "replicator", "--config", str(made.config.path), "copy-worker"]
    helper = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not counted(made)[1]:
        assert helper.poll() is None
    execute(made.target, f"UPDATE {made.state.table('migration')} SET created_at = created_at + INTERVAL 1 MINUTE")
    copied = counted(made)
    _, said = helper.communicate()
    assert helper.returncode == 4
    assert "begun anew" in said
    assert counted(made) == copied


def test_a_worker_does_not_take_up_transforms_that_were_edited(server: Server, migration: NewMigration) -> None:
    made = migration(server, TABLE, TABLE, SLOW)
    fill(made.source, "t", "id, name", "n, n", 40_000)
    path = made.config.migration.transforms

    def edit() -> None:
        with connected(made.config.target, database=False) as connection:
            copied = any(entry.rows for entry in job_progress(made.state, connection).values())
        if copied and path.read_text().endswith("}"):
            path.write_text(path.read_text() + "\n# edited")
            for pid in children(os.getpid()):
                os.kill(pid, signal.SIGKILL)

    path.write_text(path.read_text().rstrip())
    with disturbed(edit, 0.2), pytest.raises(ConfigError, match="was edited while the daemon runs"):
        made.copy(workers=2)


def test_what_a_transform_prints_does_no_harm(server: Server, migration: NewMigration) -> None:
    made = migration(server, TABLE, TABLE, PRINTS)
    fill(made.source, "t", "id, name", "n, n", 50_000)
    made.copy(workers=2)
    assert counted(made) == (50_000, 50_000)


def test_replacing_a_parent_leaves_its_children(server: Server, migration: NewMigration) -> None:
    target = """
    CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), UNIQUE KEY (name));
    CREATE TABLE child (id INT PRIMARY KEY, t INT, CONSTRAINT c1 FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE);
    CREATE TABLE grand (id INT PRIMARY KEY, c INT, CONSTRAINT c2 FOREIGN KEY (c) REFERENCES child (id) ON DELETE SET NULL);
    INSERT INTO t VALUES (1, 'x'), (5, 'b');
    INSERT INTO child VALUES (10, 1), (50, 5);
    INSERT INTO grand VALUES (100, 10), (500, 50);
    """
    source = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20)); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
    made = migration(server, source, target, "copy_table('t')")
    made.copy()
    assert made.read("SELECT * FROM t ORDER BY id") == [(1, "a"), (2, "b")]
    assert made.read("SELECT * FROM child ORDER BY id") == [(10, 1), (50, 5)]
    assert made.read("SELECT * FROM grand ORDER BY id") == [(100, 10), (500, 50)]


@pytest.mark.parametrize("kind", ["TIMESTAMP", "INT", "INT AUTO_INCREMENT", "POINT"])
def test_a_null_for_a_column_that_takes_none(server: Server, migration: NewMigration, kind: str) -> None:
    """LOAD DATA knows an own value for some of them, and says nothing."""
    source = kind.removesuffix(" AUTO_INCREMENT")
    default = "DEFAULT '2000-01-01 00:00:00'" if kind == "TIMESTAMP" else ""
    new = migration(
        server,
        f"CREATE TABLE t (id INT PRIMARY KEY, n {source} NULL); INSERT INTO t VALUES (1, NULL);",
        f"CREATE TABLE t (id INT PRIMARY KEY, n {kind} NOT NULL {default}{', UNIQUE (n)' if source != kind else ''});",
        'copy_table("t")',
    )
    with pytest.raises(BadRow, match=r"^t\.n, key id=1: NULL for a NOT NULL column") as caught:
        new.copy()
    assert caught.value.column == "n"
    assert counted(new) == (0, 0)
