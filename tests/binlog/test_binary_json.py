"""MySQL's binary JSON: the text is the server's own, for any document."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

import pytest

from replicator.binlog.binary_json import double_text
from replicator.binlog.events import Wanted
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection
from tests.binlog.reading import Story, changes, read

INTEGERS = (
    *(0, 1, -1, 127, 128, 32767, 32768, -32768, -32769, 65535, 65536, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32),
    *(2**63 - 1, 2**63, -(2**63), 2**64 - 1),
)
DOUBLES = (
    *(0.0, -0.0, 1.0, 1e15, 1e16, 123456789012345.0, 1234567890123456.0, 1627026002327295.2, 999999999999999.9, 0.001),
    *(1e-4, 1e-5, 1e-14, 1e-15, 1e-16, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 0.1, 100.0),
)


def _double(draw: random.Random) -> float:
    while True:
        (number,) = struct.unpack("<d", draw.randbytes(8))
        number = draw.choice((number, draw.choice(DOUBLES), draw.random() * 10 ** draw.randint(-20, 25)))
        if number == number and abs(number) != float("inf"):
            return float(number)


def _text(draw: random.Random) -> str:
    length = draw.choice((0, 1, 3, 10, 40, 127, 128, 200))
    return "".join(draw.choice('ab"\\\n\t\x01\x1f\x7fäß€😀/ {}%') for _ in range(length))


def _document(draw: random.Random, depth: int) -> Any:
    kind = draw.random()
    if depth and kind < 0.35:
        keys = [_text(draw) if draw.random() < 0.3 else draw.choice("abcdefgh") * draw.randint(1, 3) for _ in range(40)]
        return {key: _document(draw, depth - 1) for key in keys[: draw.choice((0, 1, 2, 5, 20, 40))]}
    if depth and kind < 0.6:
        return [_document(draw, depth - 1) for _ in range(draw.choice((0, 1, 2, 5, 7, 33)))]
    return draw.choice((None, True, False, _text(draw), draw.choice(INTEGERS), draw.randrange(-(2**63), 2**64), _double(draw)))


@pytest.fixture
def story(mysql: Server, database: Any, connect: Any) -> Story:
    """MariaDB's JSON is text."""
    connection: Connection = connect(mysql, database(mysql))
    return Story(mysql, connection)


@pytest.mark.parametrize("seed", range(2))
def test_random_documents(story: Story, seed: int) -> None:
    draw = random.Random(seed)
    start, _ = story.run("CREATE TABLE j (id int PRIMARY KEY AUTO_INCREMENT, j json, old json)")
    with story.connection.cursor() as cursor:
        for _ in range(15):
            texts = [json.dumps(_document(draw, draw.randint(0, 3))) for _ in range(40)]
            cursor.executemany("INSERT INTO j (j) VALUES (%s)", [(text,) for text in texts if len(text) < 500_000])
        for large in ([["x" * 100] * 50_000], {f"k{number}": number for number in range(20_000)}):
            cursor.execute("INSERT INTO j (j) VALUES (%s)", (json.dumps(large),))
        cursor.execute("INSERT INTO j (j) VALUES (%s)", ("[" * 99 + "]" * 99,))
        cursor.execute("UPDATE j SET old = j")
        cursor.execute("SELECT id, j FROM j")
        expected = dict(cursor.fetchall())
    _, end = story.run()
    found = changes(read(story.server, start, end, {"j": Wanted(("id", "j"), ("id", "j", "old"))}))
    inserted = {after[0]: after[1] for what, _, _, after in found if what == "insert"}
    wrong = [number for number, text in expected.items() if inserted[number] != text]
    assert wrong == []
    assert all(before[1] == after[1] == after[2] == expected[after[0]] for what, _, before, after in found if what == "update")


def test_a_document_of_sixteen_megabytes(story: Story) -> None:
    """Larger than one packet of the protocol, too."""
    start, end = story.run(
        "CREATE TABLE j (id int PRIMARY KEY, j json)",
        "INSERT INTO j VALUES (1, JSON_ARRAY(REPEAT('ä€', 1700000), REPEAT('xy', 4400000), 3)), (2, '[]')",
    )
    found = changes(read(story.server, start, end, {"j": Wanted((), ("id", "j"))}))
    texts = ["ä€" * 1_700_000, "xy" * 4_400_000]
    assert [after for *_, after in found] == [(1, f'["{texts[0]}", "{texts[1]}", 3]'), (2, "[]")]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (1e14, "100000000000000.0"),
        (1e15, "1e15"),
        (1627026002327295.2, "1627026002327295.2"),
        (1e-14, "0.00000000000001"),
        (1e-16, "1e-16"),
        (1.5e300, "1.5e300"),
        (0.1, "0.1"),
    ],
)
def test_doubles_are_printed_as_the_server_does(number: float, text: str) -> None:
    assert double_text(number) == text
