"""What transforms and inverses return may be anything: each fault is named, once, and is the fault of who made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pymysql
import pytest

from replicator.demo.servers import Server
from replicator.mysql.connection import WRITE_SQL_MODE, Connection, execute
from replicator.preflight.context import opened
from tests.preflight.migrations import Migration, check, fails, look, passes

Build = Callable[..., Migration]

INVERTED = """
import decimal

from replicator import inverse, transform


class Odd:
    def __getitem__(self, name):
        return 1

    def __ne__(self, other):
        raise ZeroDivisionError


@transform("tickets")
def tickets(row):
    made = {{"id": row.id, "title": row.title, "is_open": row.id > 1, "labels": [row.title]}}
    if row.id == 2:
        {wrong}
    return made


@inverse("tickets")
def tickets_back(row):
    row.labels.lower(), row.is_open + 1, row.title.lower()
    return {{"id": row.id, "title": row.title}}
"""
TICKETS = "CREATE TABLE tickets (id int NOT NULL PRIMARY KEY, title varchar(20) NOT NULL);\n"
ROWS = "INSERT INTO tickets VALUES (1, 'one'), (2, 'two'), (3, 'three');\n"
NEW_TICKETS = (
    "CREATE TABLE tickets (id int NOT NULL PRIMARY KEY, title varchar(20) NOT NULL, is_open bool NOT NULL,"
    " labels json);\n"
)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("made['title'] *= 10", "tickets.title, key id=2: a text of 30 characters for varchar(20)"),
        ("made['is_open'] = None", "tickets.is_open, key id=2: NULL for a NOT NULL column"),
        ("made['labels'] = [object()]", "tickets.labels, key id=2: a value that JSON cannot hold"),
        ("made['labels'] = {'a': float('nan')}", "tickets.labels, key id=2: a value that JSON cannot hold"),
        ("made['labels'].append(made['labels'])", "tickets.labels, key id=2: a value that JSON cannot hold"),
        ("for _ in range(9999): made['labels'] = [made['labels']]", "tickets.labels, key id=2: a value that JSON cannot hold"),
        ("for _ in range(150): made['labels'] = [made['labels']]", "tickets.labels, key id=2: a list that is no JSON"),
        ("made['labels'] = 'not json'", "tickets.labels, key id=2: a str of 8 characters that is no JSON"),
        ("made['labels'] = '[NaN]'", "tickets.labels, key id=2: a str of 5 characters that is no JSON"),
        ("made['labels'] = ''", "tickets.labels, key id=2: a str of 0 characters that is no JSON"),
        ("made['labels'] = ['\\ud83d']", "tickets.labels, key id=2: half of a surrogate pair"),
        ("made['title'] = '\\ud83d'", "tickets.title, key id=2: half of a surrogate pair"),
        ("made['title'] = Odd()", "tickets.title, key id=2: a Odd for a column of type varchar"),
        ("made['id'] = Odd()", "tickets, key id=2: the transform returned a key (id) that raised ZeroDivisionError"),
        ("made['id'] = decimal.Decimal('sNaN')", "tickets, key id=2: the transform returned a key (id) that raised"),
        ("made['id'] = 10**5000", "tickets, key id=2: the transform returned a row whose key (id) is not that"),
        ("return Odd()", "tickets, key id=2: the transform returned a Odd"),
        ("return dict", "tickets, key id=2: the transform returned a type"),
        ("return 'x'", "tickets, key id=2: the transform returned a str"),
        ("del made['title']", "tickets.title, key id=2: the transform returned no value for this column"),
        ("made['more'] = 1", "tickets.more, key id=2: the transform returned a column that the target table does not have"),
        ("1 / 0", "tickets, key id=2: the transform raised ZeroDivisionError"),
    ],
)  # fmt: skip
def test_the_way_back_passes_over_what_a_transform_makes_wrongly(
    build: Build, server: Server, wrong: str, expected: str
) -> None:
    migration = build(server, TICKETS + ROWS, NEW_TICKETS, INVERTED.format(wrong=wrong))
    config = migration.config()
    with opened(config) as context:
        results = {name: look(context, name) for name in ("samples", "way_back")}
    assert fails(results["samples"], expected)
    assert passes(results["way_back"])
    assert "2 sampled target rows come back" in results["way_back"][0].message
    with opened(migration.config('[stream]\non_bad_row = "quarantine"')) as context:
        results = {name: look(context, name) for name in ("samples", "way_back")}
    assert fails(results["samples"], expected, "will be in quarantine", status="warning")
    assert {result.status for result in results["samples"]} == {"warning", "ok"}
    assert passes(results["way_back"])


DOCUMENTS = (
    "", " ", "not json", "{}", "[]", "null", "NaN", "[NaN]", "[Infinity]", "-0", "01", "1.", ".5", "1e400", "-1e400", "1" * 400,
    "18446744073709551616", "1E5", '{"a":1,"a":2}', "{'a':1}", '"\\ud83d"', '"\\ude00\\ud83d"', '"\\u0000"', '"\\x"', '"\t"',
    "\ufeff[]", "[1,]", "[1] x", " [1]\n", "\u00a0[]", "True", "true", "[" * 30 + "]" * 30, "[" * 90 + "]" * 90,
    "[" * 150 + "]" * 150, '"' + "ä" * 300_000 + '"', '"', "\0", '"\'\\\\"', '{"a"}', '{"a":1,"b":}',
)  # fmt: skip


def test_samples_refuse_exactly_the_documents_that_the_target_refuses(
    build: Build, server: Server, connect: Callable[..., Connection]
) -> None:
    text = f"""
from replicator import transform

TEXTS = {DOCUMENTS!r}


@transform("tickets")
def tickets(row):
    return {{"id": row.id, "labels": TEXTS[row.id]}}
"""
    new = "CREATE TABLE tickets (id int NOT NULL PRIMARY KEY, labels json);\n"
    migration = build(server, TICKETS, new, text)
    connection = connect(server, migration.target)
    execute(connection, f"SET SESSION sql_mode = '{WRITE_SQL_MODE}'")
    refused = []
    for place, document in enumerate(DOCUMENTS):
        migration.in_source(f"DELETE FROM tickets;\nINSERT INTO tickets VALUES ({place}, '')")
        try:
            execute(connection, "INSERT INTO tickets VALUES (%s, %s)", (place, document))
        except pymysql.MySQLError:
            refused.append(place)
        results = migration.check("samples")
        if place in refused:
            expected = f"tickets.labels, key id={place}: a str of {len(document)} characters that is no JSON"
            assert fails(results, expected), document
        else:
            assert passes(results), document
    assert 10 < len(refused) < len(DOCUMENTS) - 10


def test_samples_ask_about_many_documents_and_long_ones(build: Build, server: Server) -> None:
    text = """
from replicator import transform


@transform("tickets")
def tickets(row):
    return {"id": row.id, "labels": "x" if row.id == 44 else ["y" * 200_000 if row.id % 10 == 3 else row.id]}
"""
    values = ", ".join(f"({number}, '')" for number in range(60))
    new = "CREATE TABLE tickets (id int NOT NULL PRIMARY KEY, labels json NOT NULL);\n"
    migration = build(server, f"{TICKETS}INSERT INTO tickets VALUES {values};\n", new, text)
    results = migration.check("samples")
    assert fails(results, "tickets.labels, key id=44: a str of 1 characters")
    assert [result.status for result in results] == ["failed", "ok"]


def test_documents_of_tables_that_schema_files_will_create(build: Build, server: Server) -> None:
    migration = build(server, TICKETS + ROWS, "", INVERTED.format(wrong="made['labels'] = 'not json'"))
    (migration.folder / "schema.sql").write_text(NEW_TICKETS)
    config = migration.config()
    config = replace(config, migration=replace(config.migration, schema=migration.folder / "schema.sql"))
    assert fails(check(config, "samples"), "tickets.labels, key id=2: a str of 8 characters that is no JSON")
    assert passes(check(config, "way_back"))


def test_a_key_that_cannot_be_shown(build: Build, server: Server) -> None:
    text = """
from replicator import transform


@transform("parts", source="tickets", key={"ticket": "id"})
def parts(row):
    return [{"ticket": row.id, "part": 10**5000}]
"""
    new = "CREATE TABLE parts (ticket int NOT NULL, part int NOT NULL, PRIMARY KEY (ticket, part));\n"
    migration = build(server, TICKETS + ROWS, new, text)
    assert fails(migration.check("samples"), "parts.part, key ticket=1, part=a int: a number outside")


ANSWERED = """
import itertools

from replicator import inverse, keep_table, transform

answers = itertools.cycle([lambda row: {{"id": row.id, "title": row.title.upper()}}, lambda row: {{"title": [object()]}}])
keep_table("notes", reason="ours")


@transform("tickets")
def tickets(row):
    return {{"id": row.id, "title": row.title, "twice": row.title * 2, "labels": '["' + row.title + '"]'}}


@inverse("tickets")
def tickets_back(row):
    return {returned}
"""
TWICE = (
    "CREATE TABLE tickets (id int NOT NULL PRIMARY KEY, title varchar(20) NOT NULL, twice varchar(15) NOT NULL, labels json);\n"
)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("{}", "an empty dict for tickets"),
        ("'x'", "returned a str"),
        ("[('tickets', {})]", "an empty dict for tickets"),
        ("[('tickets', None)]", "a list of something else"),
        ("{'id': row.id, None: 1}", '"tickets.NoneType"'),
        ("[('notes', {'text': 'x'})]", '"notes", whose rows no key tells apart'),
        ("{'id': row.id, 'title': '\\ud83d'}", "half of a surrogate pair, which is no character"),
        ("{'id': row.id, 'title': object()}", "a object for a column of type varchar"),
        ("{'id': row.id, 'title': None}", "NULL for a NOT NULL column"),
        ("{'id': row.id, 'title': row.title * 3}", "brought back, the transform refuses it: a text of "),
        ("{'id': row.id, 'title': '\"'}", "brought back, the transform"),
        ("next(answers)(row)", "cannot be brought back: a value that JSON cannot hold"),
    ],
)
def test_whatever_an_inverse_returns_is_named(build: Build, server: Server, returned: str, expected: str) -> None:
    notes = "CREATE TABLE notes (text varchar(20));\nINSERT INTO notes VALUES ('x');\n"
    migration = build(server, TICKETS + ROWS + notes, TWICE, ANSWERED.format(returned=returned))
    results = migration.check("way_back")
    assert fails(results, expected, "correct the inverse at")
    assert passes(migration.check("samples"))
