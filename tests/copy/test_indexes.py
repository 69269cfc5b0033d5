"""Secondary indexes go before the copy and come back as they were, wherever it is killed."""

from __future__ import annotations

import pytest

from replicator.copy import defer_indexes, indexes, restore_indexes
from replicator.demo.servers import Server
from replicator.errors import TargetError
from replicator.mysql.connection import execute
from tests.copy.conftest import Migration, NewMigration

SOURCE = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(300), p INT, o INT, doc TEXT, KEY (o));"
TARGET = """
CREATE TABLE parent (id INT PRIMARY KEY);
CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT, a INT, b VARCHAR(300), p INT, o INT, doc TEXT,
  PRIMARY KEY (a, id), KEY auto (id), UNIQUE KEY only_once (b(40), a), KEY plain (a),
  KEY `odd ``name` (b(20), a DESC) COMMENT 'it''s, odd',
  KEY of_parent (p), KEY of_parent_too (p, a), UNIQUE KEY seen_by_child (o), FULLTEXT KEY words (doc),
  CONSTRAINT t_parent FOREIGN KEY (p) REFERENCES parent (id)
);
CREATE TABLE child (id INT PRIMARY KEY, o INT, CONSTRAINT child_t FOREIGN KEY (o) REFERENCES t (o));
"""


def shown(made: Migration) -> set[str]:
    """The lines of the indexes."""
    lines = str(made.read("SHOW CREATE TABLE t")[0][1]).splitlines()
    return {line.strip().removesuffix(",") for line in lines if "KEY" in line}


def names(made: Migration) -> set[str]:
    return {
        row[0]
        for row in made.read(
            "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 't'"
        )
    }


NEW = """
@transform("t", key={"id": "id"})
def t(row):
    return {"id": row.id, "a": row.a, "b": row.b, "p": row.p, "o": row.o, "doc": row.doc}
"""


def test_what_is_dropped_comes_back_as_it_was(server: Server, migration: NewMigration) -> None:
    made = migration(server, SOURCE, TARGET, NEW)
    before = shown(made)
    defer_indexes(made.config, made.plan, made.target)
    assert names(made) == {"PRIMARY", "auto", "only_once", "of_parent", "of_parent_too", "seen_by_child", "words"}
    execute(made.source, "INSERT INTO t VALUES (1, 1, 'x', 1, 1, 'words')")
    made.copy()
    defer_indexes(made.config, made.plan, made.target)
    restore_indexes(made.config, made.plan, made.target)
    assert shown(made) == before
    assert made.state.deferred_indexes(made.target) == {}


def test_mysql_keeps_all_where_a_child_refers_to_what_is_not_unique(mysql: Server, migration: NewMigration) -> None:
    target = TARGET.replace("UNIQUE KEY seen_by_child", "KEY seen_by_child")
    made = migration(mysql, SOURCE, "SET SESSION restrict_fk_on_non_standard_key = OFF;" + target, NEW)
    before = shown(made)
    defer_indexes(made.config, made.plan, made.target)
    assert shown(made) == before
    assert made.state.deferred_indexes(made.target) == {}


@pytest.mark.parametrize("step", ["drop", "dropped", "add", "added"])
def test_killed_at_any_step(server: Server, migration: NewMigration, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    made = migration(server, SOURCE, TARGET, NEW)
    before = names(made)
    real = indexes._alter

    def killed(*arguments: object) -> None:
        if step in ("dropped", "added"):
            real(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    if step.startswith("add"):
        defer_indexes(made.config, made.plan, made.target)
    monkeypatch.setattr(indexes, "_alter", killed)
    with pytest.raises(KeyboardInterrupt):
        (restore_indexes if step.startswith("add") else defer_indexes)(made.config, made.plan, made.target)
    monkeypatch.undo()
    if not step.startswith("add"):
        defer_indexes(made.config, made.plan, made.target)
        assert names(made) < before
    restore_indexes(made.config, made.plan, made.target)
    restore_indexes(made.config, made.plan, made.target)
    assert names(made) == before
    assert made.state.deferred_indexes(made.target) == {}


def test_a_refusal_is_an_error_of_the_target(server: Server, migration: NewMigration) -> None:
    made = migration(server, SOURCE, TARGET, NEW)
    defer_indexes(made.config, made.plan, made.target)
    execute(made.target, "ALTER TABLE t DROP COLUMN doc, DROP INDEX words, MODIFY b VARCHAR(10)")
    with pytest.raises(TargetError, match="changing the indexes of t: error"):
        restore_indexes(made.config, made.plan, made.target)
