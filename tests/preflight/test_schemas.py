"""Checks of both schemas: each passes as it should be, and fails when one thing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from replicator.demo.servers import Server
from replicator.mysql.flavour import Server as Identity
from replicator.preflight import charset
from replicator.preflight.context import opened
from tests.preflight.migrations import Migration, check, fails, look, only, passes, pretend, run_script

COPY = "from replicator import copy_table\ncopy_table('t')\n"
Build = Callable[..., Migration]


def copied(build: Build, server: Server, source: str, target: str | None = None) -> Migration:
    """A migration that copies the one table `t`."""
    return build(server, f"CREATE TABLE t ({source});\n", f"CREATE TABLE t ({target or source});\n", COPY)


def test_engine(migration: Migration) -> None:
    assert passes(migration.check("engine"))
    migration.in_source("ALTER TABLE customers ENGINE=MyISAM")
    assert fails(migration.check("engine"), "source", "customers", "MyISAM", "ENGINE=InnoDB")
    migration.in_source("ALTER TABLE customers ENGINE=InnoDB")
    migration.in_target("ALTER TABLE orders ENGINE=MEMORY")
    assert fails(migration.check("engine"), "target", "orders", "MEMORY")


def test_engine_of_tables_that_nobody_reads(migration: Migration) -> None:
    migration.in_source("CREATE TABLE other (id int PRIMARY KEY) ENGINE=MyISAM")
    assert passes(migration.check("engine"))


def test_keys(build: Build, server: Server) -> None:
    assert passes(copied(build, server, "id int NOT NULL PRIMARY KEY, a int").check("keys"))


def test_a_table_without_a_key(build: Build, server: Server) -> None:
    migration = copied(build, server, "id int NOT NULL, a int", "id int NOT NULL PRIMARY KEY, a int")
    assert fails(migration.check("transforms"), "no primary key and no unique key without NULLs")
    migration.in_source("ALTER TABLE t ADD UNIQUE (id, a)")
    assert fails(migration.check("transforms"), "no primary key and no unique key without NULLs")
    migration.in_source("ALTER TABLE t ADD UNIQUE (id)")
    assert passes(migration.check("transforms"))
    assert passes(migration.check("keys"))


def test_a_target_key_that_is_generated(build: Build, mysql: Server) -> None:
    migration = copied(
        build, mysql, "id int NOT NULL, twice int, PRIMARY KEY (id)",
        "id int NOT NULL, twice int GENERATED ALWAYS AS (2 * id) STORED, PRIMARY KEY (id, twice)",
    )  # fmt: skip
    assert fails(migration.check("transforms"), "primary key", "generated column twice", "an ordinary column")


def test_a_unit_key_that_is_generated(build: Build, server: Server) -> None:
    target = "id int NOT NULL PRIMARY KEY, twice int GENERATED ALWAYS AS (2 * id) STORED UNIQUE"
    migration = build(
        server, "CREATE TABLE t (id int PRIMARY KEY, twice int);", f"CREATE TABLE t ({target});",
        'from replicator import transform\n@transform("t", key={"twice": "id"})\ndef t(row): return {"id": row.id}',
    )  # fmt: skip
    assert fails(migration.check("transforms"), "key: t.twice is generated", "columns that the transform writes")


def test_a_key_that_is_no_number_one_can_name(build: Build, server: Server) -> None:
    migration = copied(build, server, "id double NOT NULL PRIMARY KEY")
    assert fails(migration.check("keys"), "double", "decimal")


GROUP = """
from replicator import transform

@transform("counts", source="items", group_by=["a"], key={"a": "a"})
def counts(rows):
    return [{"id": row.id, "a": row.a} for row in rows]
"""


def test_units_without_an_index(build: Build, server: Server) -> None:
    table = "(id int NOT NULL PRIMARY KEY, a int NOT NULL);\n"
    migration = build(server, f"CREATE TABLE items {table}", f"CREATE TABLE counts {table}", GROUP)
    assert fails(migration.check("keys"), "no index that begins with a", "ADD INDEX (`a`)", status="warning")
    migration.in_target("ALTER TABLE counts ADD INDEX (a, id)")
    assert passes(migration.check("keys"))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("varchar(1000)", ""),
        ("varchar(1100)", "grouped by items.a, a varchar(1100)"),
        ("tinytext", ""),
        ("text", "grouped by items.a, a text"),
        ("varbinary(8192)", ""),
        ("blob", "grouped by items.a, a blob"),
        ("double", "is a double and part of a key"),
        ("enum('a', 'b')", ""),
        ("enum('a', '')", "is an enum with the member '' and part of a key"),
        ("point", "is a point and part of a key: no row is found by such a value"),
        ("json", "is a json and part of a key: no row is found by such a value"),
    ],
)
def test_keys_of_groups(build: Build, server: Server, kind: str, says: str) -> None:
    table = f"(id int NOT NULL PRIMARY KEY, a {kind} NOT NULL);\n"
    results = build(server, f"CREATE TABLE items {table}", f"CREATE TABLE counts {table}", GROUP).check("keys")
    if kind == "json" and server.flavour == "mariadb":
        says = "grouped by items.a, a longtext"
    if says:
        assert fails(results, says)
    else:
        assert not [result for result in results if result.status == "failed"]


def test_charset_that_cannot_be_decoded(build: Build, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    migration = copied(
        build, server, "id int NOT NULL PRIMARY KEY, a varchar(9) CHARACTER SET dec8", "id int NOT NULL PRIMARY KEY, a text"
    )
    assert passes(migration.check("charset"))
    dec8 = 3
    monkeypatch.setattr(charset, "codec", lambda number: None if number == dec8 else str)
    assert fails(migration.check("charset"), "t.a", "dec8", "CONVERT TO CHARACTER SET utf8mb4")


@pytest.mark.parametrize("narrow", ["latin1", "utf8mb3"])
def test_charset_that_does_not_hold_everything(build: Build, server: Server, narrow: str) -> None:
    migration = copied(
        build, server, "id int NOT NULL PRIMARY KEY, a text", f"id int NOT NULL PRIMARY KEY, a text CHARACTER SET {narrow}"
    )
    assert fails(migration.check("charset"), "target table t", narrow, "stops the stream", status="warning")


TEXT = "a varchar(20) CHARACTER SET {} COLLATE {} NOT NULL PRIMARY KEY"


@pytest.mark.parametrize(
    ("source", "target", "fine"),
    [
        (("utf8mb4", "utf8mb4_unicode_ci"), ("utf8mb4", "utf8mb4_unicode_ci"), True),
        (("utf8mb4", "utf8mb4_unicode_ci"), ("utf8mb4", "utf8mb4_bin"), True),
        (("utf8mb3", "utf8mb3_unicode_ci"), ("utf8mb4", "utf8mb4_unicode_ci"), True),
        (("utf8mb4", "utf8mb4_bin"), ("utf8mb4", "utf8mb4_unicode_ci"), False),
        (("utf8mb4", "utf8mb4_general_ci"), ("utf8mb4", "utf8mb4_unicode_ci"), False),
        (("latin1", "latin1_swedish_ci"), ("utf8mb4", "utf8mb4_unicode_ci"), False),
        (("utf8mb4", "utf8mb4_unicode_ci"), ("utf8mb3", "utf8mb3_unicode_ci"), False),
    ],
)
def test_collation_of_keys(
    build: Build, server: Server, source: tuple[str, str], target: tuple[str, str], fine: bool
) -> None:
    results = copied(build, server, TEXT.format(*source), TEXT.format(*target)).check("collation")
    assert passes(results) if fine else fails(results, "t.a", target[1], source[1], "ALTER TABLE")


def test_collation_that_ignores_spaces(build: Build, server: Server) -> None:
    exact = "utf8mb4_nopad_bin" if server.flavour == "mariadb" else "utf8mb4_0900_bin"
    migration = copied(build, server, TEXT.format("utf8mb4", exact), TEXT.format("utf8mb4", "utf8mb4_bin"))
    assert fails(migration.check("collation"), exact, "utf8mb4_bin")
    follow(migration.server, migration.target, only(migration.check("collation")).fix)
    assert passes(migration.check("collation"))


def follow(server: Server, database: str, fix: str) -> None:
    """Do what the fix says."""
    run_script(server, database, fix.removesuffix(", and the same in the schema file"))


@pytest.mark.cross
def test_collation_of_keys_that_the_target_does_not_know(build: Build, mysql: Server, mariadb: Server) -> None:
    migration = copied(build, mysql, TEXT.format("utf8mb4", "utf8mb4_0900_ai_ci"))
    elsewhere = f"{migration.target}_away"
    run_script(mariadb, None, f"CREATE DATABASE {elsewhere}")
    try:
        run_script(mariadb, elsewhere, f"CREATE TABLE t ({TEXT.format('utf8mb4', 'utf8mb4_unicode_ci')});\n")
        config = replace(migration.config(), target=mariadb.endpoint("target", elsewhere))
        assert fails(check(config, "collation"), "utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci")
        follow(mariadb, elsewhere, only(check(config, "collation")).fix)
        assert passes(check(config, "collation"))
    finally:
        run_script(mariadb, None, f"DROP DATABASE {elsewhere}")


def test_collation_of_a_copied_unique_column(build: Build, server: Server) -> None:
    columns = "id int NOT NULL PRIMARY KEY, a varchar(20) COLLATE {}, UNIQUE (a)"
    migration = copied(build, server, columns.format("utf8mb4_bin"), columns.format("utf8mb4_unicode_ci"))
    assert fails(migration.check("collation"), "unique key a")


SEVERAL = """
from replicator import transform

@transform("t", source="words", key={{"word": "{0}"}})
def t(row):
    return [{{"id": row.id, "word": row.{0}}}, {{"id": -row.id, "word": row.{0}}}]
"""
"""Rows of units that no unique key of the target tells apart."""


def test_collation_of_a_key_that_is_not_unique(build: Build, server: Server) -> None:
    migration = build(
        server,
        "CREATE TABLE words (id int UNIQUE NOT NULL, word varchar(20) COLLATE utf8mb4_bin PRIMARY KEY);\n",
        "CREATE TABLE t (id int PRIMARY KEY, word varchar(20) COLLATE utf8mb4_general_ci NOT NULL, KEY (word));\n",
        SEVERAL.format("word"),
    )
    assert fails(migration.check("collation"), "t.word, part of the key of its rows", "words.word by utf8mb4_bin")
    migration.in_target("ALTER TABLE t MODIFY word varchar(20) COLLATE utf8mb4_bin NOT NULL")
    assert passes(migration.check("collation"))


def test_a_key_with_nulls(build: Build, server: Server) -> None:
    migration = build(
        server,
        "CREATE TABLE words (id int PRIMARY KEY, word varchar(20) UNIQUE);\n",
        "CREATE TABLE t (id int PRIMARY KEY, word varchar(20), KEY (word));\n",
        SEVERAL.format("word"),
    )
    assert fails(migration.check("transforms"), "key (word) does not name one row of words", "NOT NULL in the source or")
    migration.in_target("ALTER TABLE t MODIFY word varchar(20) NOT NULL")
    assert passes(migration.check("transforms"))  # a row without a word has no target rows
    migration.in_target("ALTER TABLE t MODIFY word varchar(20)")
    migration.in_source("ALTER TABLE words MODIFY word varchar(20) NOT NULL")
    assert passes(migration.check("transforms"))


def test_keys_that_the_target_generates(build: Build, server: Server) -> None:
    columns = "id int PRIMARY KEY, word varchar(20) {} NOT NULL, KEY (word)"
    migration = build(
        server,
        f"CREATE TABLE words ({columns.format('')}, UNIQUE (word));\n",
        f"CREATE TABLE t ({columns.format('AS (CONCAT(id)) STORED').replace(' NOT NULL', '')});\n",
        SEVERAL.format("word"),
    )
    assert fails(migration.check("transforms"), "t.word is generated and part of a key")
    if server.flavour == "mysql":  # MariaDB takes no such primary key
        half = "half int AS (id DIV 2) STORED NOT NULL"
        migration.in_target(f"ALTER TABLE t ADD {half}, DROP PRIMARY KEY, ADD PRIMARY KEY (id, half)")
        migration.transforms(SEVERAL.format("word").replace('"word": "word"', '"id": "id"'))
        assert fails(migration.check("transforms"), "has the generated column half")


RELATED = """
from replicator import many, transform

@transform("t", related={"others": many("t", where={"a": "a"})})
def t(row, others):
    return {"id": row.id, "a": row.a}
"""


@pytest.mark.cross
def test_collation_that_the_target_does_not_know(build: Build, mysql: Server, mariadb: Server) -> None:
    table = "CREATE TABLE t (id int NOT NULL PRIMARY KEY, a varchar(9) COLLATE {});\n"
    migration = build(mysql, table.format("utf8mb4_0900_ai_ci"), "", RELATED)
    elsewhere = f"{migration.target}_away"
    run_script(mariadb, None, f"CREATE DATABASE {elsewhere}")
    try:
        run_script(mariadb, elsewhere, table.format("utf8mb4_unicode_ci"))
        config = migration.config()
        config = replace(config, target=mariadb.endpoint("target", elsewhere))
        assert fails(check(config, "collation"), "utf8mb4_0900_ai_ci", "staged")
        migration.in_source("ALTER TABLE t MODIFY a varchar(9) COLLATE utf8mb4_unicode_ci")
        assert passes(check(config, "collation"))
    finally:
        run_script(mariadb, None, f"DROP DATABASE {elsewhere}")


def test_a_key_without_overlaps(build: Build, mariadb: Server) -> None:
    columns = "id int PRIMARY KEY, room int, since date, until date, PERIOD FOR span (since, until)"
    migration = copied(build, mariadb, columns, columns + ", UNIQUE (room, span WITHOUT OVERLAPS)")
    assert fails(migration.check("keys"), "target table t has a key WITHOUT OVERLAPS", "leave that key out")
    migration.in_target("DROP TABLE t")
    migration.in_target(f"CREATE TABLE t ({columns}, UNIQUE (room), CHECK (room > 0)) COMMENT 'UNIQUE KEY WITHOUT OVERLAPS'")
    assert passes(migration.check("keys"))


def test_a_key_that_the_server_hides(build: Build, mysql: Server) -> None:
    hidden = "SET GLOBAL show_gipk_in_create_table_and_information_schema = "
    migration = build(
        mysql,
        f"SET sql_generate_invisible_primary_key = ON;\nCREATE TABLE t (a int);\n{hidden}OFF;\n",
        "CREATE TABLE t (my_row_id bigint unsigned PRIMARY KEY, a int);\n",
        COPY,
    )
    try:
        assert passes(migration.check("transforms"))
        assert passes(migration.check("keys"))
    finally:
        migration.in_source(f"{hidden}ON")


def test_generated_columns_that_a_foreign_key_changes(build: Build, mariadb: Server) -> None:
    migration = build(
        mariadb,
        "CREATE TABLE p (id int PRIMARY KEY);\nCREATE TABLE t (id int PRIMARY KEY, p_id int, a int AS (p_id + 1) VIRTUAL,"
        " b int AS (a + 1) VIRTUAL, c int AS (id + 1) STORED, FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE SET NULL);\n",
        "CREATE TABLE t (id int PRIMARY KEY, b int, c int);\n",
        'from replicator import transform\n@transform("t")\ndef t(row):\n'
        '    return {"id": row.id, "b": row.b, "c": row.c}\n',
    )
    found = [result.message for result in migration.check("generated") if result.status == "failed"]
    assert len(found) == 1
    assert "t.b is generated from p_id" in found[0]


def test_generated_columns_that_are_not_logged(build: Build, server: Server) -> None:
    migration = copied(build, server, "id int NOT NULL PRIMARY KEY, a int AS (id + 1) STORED", "id int PRIMARY KEY, a int")
    assert passes(migration.check("generated"))
    with opened(migration.config()) as context:
        newer = pretend(context, "source", server=Identity("mariadb", (11, 8, 2), context.source.server.identity))
        assert fails(look(newer, "generated"), "t.a", "compute it in the transform")


def test_foreign_keys_that_follow_into_the_archive(migration: Migration) -> None:
    assert passes(migration.check("foreign_keys"))
    migration.in_source(
        "CREATE TABLE kept (id int PRIMARY KEY, c bigint, CONSTRAINT fk FOREIGN KEY (c) REFERENCES customers (id))"
    )
    text = (migration.folder / "transforms" / "shop.py").read_text()
    migration.transforms(text + "\nfrom replicator import keep_table\nkeep_table('kept', reason='ours')\n")
    assert fails(migration.check("foreign_keys"), "kept", "into the archive", "DROP FOREIGN KEY `fk`")
    assert fails(migration.check("foreign_keys", '[cutover]\nmode = "hooks"'), "into the archive")
    migration.in_source("ALTER TABLE kept DROP FOREIGN KEY fk")
    assert passes(migration.check("foreign_keys"))


def test_foreign_keys_of_the_archive(migration: Migration) -> None:
    migration.in_source(
        "CREATE TABLE kept (id bigint PRIMARY KEY);\nDELETE FROM orders;\n"
        "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES kept (id);\n"
    )
    text = (migration.folder / "transforms" / "shop.py").read_text()
    migration.transforms(text + "\nfrom replicator import keep_table\nkeep_table('kept', reason='ours')\n")
    assert fails(migration.check("foreign_keys"), "orders goes to the archive", "DROP FOREIGN KEY `fk`")


def test_views_and_events(migration: Migration, server: Server) -> None:
    assert passes(migration.check("views"))
    migration.in_source("CREATE VIEW notes AS SELECT note FROM customers")
    assert fails(migration.check("views"), "notes", "does not work on the new tables", status="warning")
    migration.in_source("CREATE OR REPLACE VIEW notes AS SELECT name FROM customers")
    assert passes(migration.check("views"))
    text = (migration.folder / "transforms" / "shop.py").read_text()
    migration.in_source(
        "CREATE TABLE logs (id int PRIMARY KEY);\n"
        "CREATE EVENT sweep ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO DELETE FROM logs"
    )
    migration.transforms(text + "\nfrom replicator import drop_table\ndrop_table('logs', reason='old')\n")
    assert fails(migration.check("views"), "sweep", "logs", status="warning")


def test_foreign_keys_of_another_database(
    migration: Migration, server: Server, database: Callable[..., str]
) -> None:
    other = database(server, "other$db")
    run_script(
        server, other,
        f"CREATE TABLE `child table` (id int PRIMARY KEY, c bigint,"
        f" CONSTRAINT `fk far` FOREIGN KEY (c) REFERENCES `{migration.source}`.customers (id))",
    )  # fmt: skip
    assert fails(migration.check("foreign_keys"), other, "child table", "DROP FOREIGN KEY `fk far`")
    run_script(server, other, "DROP TABLE `child table`")


CASCADE = (
    "CREATE TABLE boss (id int PRIMARY KEY);\n"
    "CREATE TABLE t (id int PRIMARY KEY, boss_id int,"
    " CONSTRAINT fk FOREIGN KEY (boss_id) REFERENCES boss (id) ON DELETE CASCADE);\n"
)


def test_cascades_that_are_derived(build: Build, mariadb: Server) -> None:
    migration = build(mariadb, CASCADE, "CREATE TABLE t (id int PRIMARY KEY, boss_id int);\n", COPY)
    assert "derived from staging: t.fk" in only(migration.check("foreign_keys")).message


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("char(5)", "varchar(5)"),  # the child gets the spaces that CHAR is padded with
        ("enum('a','b')", "enum('b','a')"),  # the child gets the number
        ("tinyint unsigned", "enum('a','b')"),
    ],
)
def test_cascades_into_another_type(build: Build, mariadb: Server, parent: str, child: str) -> None:
    source = (
        f"CREATE TABLE boss (id {parent} PRIMARY KEY);\nCREATE TABLE t (id int PRIMARY KEY, boss_id {child} NULL,"
        " CONSTRAINT fk FOREIGN KEY (boss_id) REFERENCES boss (id) ON UPDATE CASCADE);\n"
    )
    migration = build(mariadb, source, f"CREATE TABLE t (id int PRIMARY KEY, boss_id {child} NULL);\n", COPY)
    assert fails(migration.check("foreign_keys"), "t.boss_id", "boss.id", "not the same value", "DROP FOREIGN KEY `fk`")
    if parent == "char(5)":
        migration.in_source("ALTER TABLE t DROP FOREIGN KEY fk")
        migration.in_source("ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (boss_id) REFERENCES boss (id) ON DELETE CASCADE")
        assert passes(migration.check("foreign_keys"))
    migration.in_source(f"ALTER TABLE t DROP FOREIGN KEY fk, MODIFY boss_id {parent} NULL")
    migration.in_source("ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (boss_id) REFERENCES boss (id) ON UPDATE CASCADE")
    assert passes(migration.check("foreign_keys"))


def test_cascades_that_are_logged(build: Build, mysql: Server) -> None:
    migration = build(mysql, CASCADE, "CREATE TABLE t (id int PRIMARY KEY, boss_id int);\n", COPY)
    assert "derived from staging" not in only(migration.check("foreign_keys")).message


def test_cascades_from_another_database(build: Build, mariadb: Server, database: Callable[..., str]) -> None:
    other = database(mariadb, "other")
    run_script(mariadb, other, "CREATE TABLE boss (id int PRIMARY KEY)")
    migration = build(
        mariadb,
        f"CREATE TABLE t (id int PRIMARY KEY, boss_id int,"
        f" CONSTRAINT fk FOREIGN KEY (boss_id) REFERENCES `{other}`.boss (id) ON DELETE SET NULL);\n",
        "CREATE TABLE t (id int PRIMARY KEY, boss_id int);\n",
        COPY,
    )
    assert fails(migration.check("foreign_keys"), f"{other}.boss", "not in the log", "DROP FOREIGN KEY `fk`")
    migration.in_source("ALTER TABLE t DROP FOREIGN KEY fk")
    assert passes(migration.check("foreign_keys"))


def test_triggers_on_the_target(migration: Migration) -> None:
    assert passes(migration.check("triggers"))
    migration.in_target("CREATE TRIGGER `write more` AFTER INSERT ON orders FOR EACH ROW SET @x = 1")
    assert fails(migration.check("triggers"), "target table", "write more", "DROP TRIGGER")


def test_triggers_on_the_source(migration: Migration) -> None:
    migration.in_source("CREATE TRIGGER `look at me` AFTER INSERT ON orders FOR EACH ROW SET @x = 1")
    assert fails(migration.check("triggers"), "source table orders", "look at me", "cannot be renamed")
    assert fails(migration.check("triggers", '[cutover]\nmode = "hooks"'), "cannot be renamed")


def test_partitions(build: Build, server: Server) -> None:
    plain = "id int NOT NULL PRIMARY KEY"
    migration = copied(build, server, plain)
    assert passes(migration.check("partitions"))
    migration.in_target("ALTER TABLE t PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10))")
    assert fails(migration.check("partitions"), "target table t", "ADD PARTITION", status="warning")
    migration.in_target("ALTER TABLE t ADD PARTITION (PARTITION b VALUES LESS THAN MAXVALUE)")
    assert passes(migration.check("partitions"))
    migration.in_target("ALTER TABLE t PARTITION BY HASH (id) PARTITIONS 3")
    assert passes(migration.check("partitions"))
    migration.in_source("ALTER TABLE t PARTITION BY HASH (id) PARTITIONS 3")
    assert fails(migration.check("partitions"), "source table t", "stops the stream", status="warning")


def test_partitions_of_tables_that_are_not_there_yet(build: Build, server: Server) -> None:
    migration = build(server, "CREATE TABLE t (id int NOT NULL PRIMARY KEY);\n", "", COPY)
    schema = migration.folder / "schema" / "target"
    schema.mkdir(parents=True)
    ddl = "CREATE TABLE t (id int NOT NULL PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10));\n"
    (schema / "t.sql").write_text(ddl)
    assert fails(migration.check("partitions"), "target table t", status="warning")
    (schema / "t.sql").write_text(ddl.replace("(10)", "MAXVALUE"))
    assert passes(migration.check("partitions"))


def test_rename_needs_one_server(migration: Migration) -> None:
    assert passes(migration.check("rename"))
    with opened(migration.config()) as context:
        two = pretend(context, "target", server=replace(context.target.server, identity="another"))
        assert fails(look(two, "rename"), "one server", 'mode = "hooks"')
    with opened(migration.config('[cutover]\nmode = "hooks"')) as context:
        two = pretend(context, "target", server=replace(context.target.server, identity="another"))
        assert passes(look(two, "rename"))


def test_rename_needs_a_server_that_can(migration: Migration) -> None:
    with opened(migration.config()) as context:
        for version, able in (((8, 0, 12), False), ((8, 0, 13), True)):
            old = Identity("mysql", version, context.source.server.identity)
            results = look(pretend(context, "source", server=old), "rename")
            assert passes(results) if able else fails(results, "8.0.13")


def test_rename_needs_a_free_name(migration: Migration, server: Server, database: Callable[..., str]) -> None:
    archive = database(server, "archive")
    settings = f'[cutover]\narchive_database = "{archive}"'
    assert passes(migration.check("rename", settings))
    run_script(server, archive, "CREATE TABLE customers (id int PRIMARY KEY);\nCREATE TABLE unlike (id int PRIMARY KEY)")
    assert fails(migration.check("rename", settings), archive, "customers", "archive_database")
    assert "unlike" not in only(migration.check("rename", settings)).message


def test_a_kept_table_in_the_place_of_a_target_table(build: Build, server: Server) -> None:
    migration = build(
        server,
        "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (id int PRIMARY KEY);\n",
        "CREATE TABLE b (id int PRIMARY KEY);\n",
        "from replicator import copy_table, keep_table\ncopy_table('a', target='b')\nkeep_table('b', reason='ours')\n",
    )
    assert fails(migration.check("rename"), "b is kept", "drop_table")


@pytest.mark.parametrize("ddl", ["CREATE TABLE t (id int PRIMARY KEY", "CREATE TABLE t (id int)"])
def test_schema_files_that_do_not_work(build: Build, server: Server, ddl: str) -> None:
    migration = build(server, "CREATE TABLE t (id int NOT NULL PRIMARY KEY);\n", "", COPY)
    schema = migration.folder / "schema" / "target"
    schema.mkdir(parents=True)
    (schema / "t.sql").write_text(ddl)
    assert fails(migration.check("transforms"), "t.sql" if "(id int PRIMARY" in ddl else "no primary key")
