"""Random tables of every type, with values at the limits: what the copy and the stream bring is what the source holds.

`VALUES_SEED` chooses the tables and the values, `VALUES_ROWS` how many rows each table gets. A failure names the seed, the
way, the table, the column with its type, and what stands on both sides.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, connected, execute
from replicator.mysql.sql import quote
from tests.values.kinds import kinds
from tests.values.oracle import compare
from tests.values.tables import Table, tables
from tests.values.world import Way, begin, charsets, forget

SEED = int(os.environ.get("VALUES_SEED", "1"))
ROWS = int(os.environ.get("VALUES_ROWS", "1000"))
TABLES, WIDTH = 9, 42
LENIENT = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"


def _copied(made: list[Table]) -> tuple[str, list[str]]:
    return "".join(f"copy_table({table.name!r})\n" for table in made), [table.ddl() for table in made]


def _passed(made: list[Table]) -> tuple[str, list[str]]:
    text, schema = "", []
    for number, table in enumerate(made):
        names = [column for column, _ in table.key.columns] + [column.name for column in table.columns]
        for target in (table.name, f"wide{number}"):
            text += f"@transform({target!r}, source={table.name!r})\n"
            text += f"def f(row):\n    return {{n: row[n] for n in {names!r}}}\n\n"
        schema += [table.ddl(plain=True), table.ddl(wide=True, name=f"wide{number}")]
    return text, schema


class Comparison:
    """Adds up what was compared."""

    def __init__(self, connection: Connection, source: str, made: list[Table]) -> None:
        self.connection = connection
        self.source = source
        self.tables = made
        self.values = 0

    def __call__(self, way: Way, moment: str) -> None:
        problems: list[str] = []
        for number, table in enumerate(self.tables):
            key = [column for column, _ in table.key.columns]
            for target in (table.name, f"wide{number}") if way.name == "passed" else (table.name,):
                wide = target != table.name
                shown = [(name, "HEX({})") for name in key]
                shown += [(column.name, column.shown(wide=wide)) for column in table.columns]
                types = dict(table.key.columns) | {column.name: column.kind.sql for column in table.columns}
                sides = quote(self.source, table.name), quote(way.database, target)
                compared, found = compare(self.connection, *sides, key, shown, types, f"{way.name}, {moment}")
                self.values += compared
                problems += found
        if problems:
            pytest.fail(f"VALUES_SEED={SEED}\n" + "\n".join(problems), pytrace=False)


@pytest.mark.timeout(240)
def test_every_value_arrives(
    server: Server,
    database: Callable[..., str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    draw = random.Random(SEED)
    print(f"VALUES_SEED={SEED}")
    source = database(server, "values")
    with connected(server.endpoint("source", source), settings={"sql_mode": f"STRICT_ALL_TABLES,{LENIENT}"}) as writer:
        made = tables(draw, kinds(server.flavour, charsets(writer)), TABLES, WIDTH)
        for table in made:
            execute(writer, table.ddl())
            _insert(writer, table, draw, range(ROWS * 6 // 10))
        ways = []
        for name, (transforms, schema) in (("copied", _copied(made)), ("passed", _passed(made))):
            text = "from replicator import copy_table, transform\n\n" + transforms
            target = database(server, name)
            ways.append(begin(name, server, source, target, tmp_path / name, transforms=text, schema=schema))
        comparison = Comparison(writer, source, made)
        for way in ways:
            way.copy()
            comparison(way, "copied")
        for table in made:
            _change(writer, table, draw, range(ROWS * 6 // 10, ROWS * 8 // 10))
        for way in ways:
            way.catch_up()
        for table in made:
            _change(writer, table, draw, range(ROWS * 8 // 10, ROWS))
        for way in ways:
            way.follow()
            comparison(way, "streamed")
            forget(writer, way)
    record_property(f"values compared on {server.flavour}", comparison.values)
    assert comparison.values >= 1_000_000 or ROWS < 1000


def _insert(writer: Connection, table: Table, draw: random.Random, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, 200):
        execute(writer, table.insert(draw, range(start, min(start + 200, numbers.stop))))


def _change(writer: Connection, table: Table, draw: random.Random, new: range) -> None:
    """Insert rows, give others the values of their neighbours, move some and delete some."""
    execute(writer, "BEGIN")
    _insert(writer, table, draw, new)
    names = [column.name for column in table.written]
    chosen = draw.sample(names, draw.randint(1, len(names)))
    name = quote(table.name)
    for number in draw.sample(range(new.start), 12):
        values = ", ".join(f"a.{quote(column)} = b.{quote(column)}" for column in chosen)
        other = table.places(draw.randrange(new.start, new.stop), alias="b.")
        condition = f"{table.places(number, alias='a.')} AND {other}"
        execute(writer, f"UPDATE {name} AS a JOIN {name} AS b ON TRUE SET {values} WHERE {condition}")
    for number in draw.sample(range(new.start), 5):
        execute(writer, f"DELETE FROM {name} WHERE {table.places(number)}")
    for number in draw.sample(range(new.start), 5):
        moved = table.places(new.stop * 3 + number, between=", ")
        execute(writer, f"UPDATE {name} SET {moved} WHERE {table.places(number)}")
    writer.commit()
