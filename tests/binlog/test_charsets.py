"""Text in every character set of both servers, byte by byte."""

from __future__ import annotations

import json

import pytest

from replicator.binlog.charset import charset_name, codec
from replicator.binlog.events import Wanted
from replicator.errors import BadRow, Unsupported
from tests.binlog.reading import Story, changes

SAMPLES = {
    "latin1": "é€ß", "latin2": "ąść", "latin5": "ığş", "latin7": "ąž", "cp1250": "ąść", "cp1251": "привет Ђ",
    "cp1256": "سلام", "cp1257": "ąž", "cp850": "éß╬", "cp852": "ąś", "cp866": "привет²ⁿ", "koi8r": "привет",
    "koi8u": "привіт•", "greek": "αβγ", "hebrew": "שלום", "tis620": "สวัสดี", "macce": "ąś", "macroman": "éπ", "hp8": "éñ",
    "dec8": "é", "swe7": "åäö", "armscii8": "բար", "geostd8": "გამარჯობა", "keybcs2": "čšž", "gbk": "你好世界丂",
    "gb2312": "你好", "big5": "你好碁", "sjis": "日本語ｱｲｳ", "cp932": "日本語①～∥", "ujis": "日本語ｱｲｳ",
    "eucjpms": "日本語①～∥￢", "euckr": "안녕하세요갂", "ucs2": "ä€日", "utf16": "ä€😀", "utf16le": "ä€😀",
    "utf32": "ä€😀", "utf8mb3": "ä€", "utf8mb4": "ä€😀", "ascii": "abc", "gb18030": "你好😀ḿ",
}  # fmt: skip
TWO_BYTES = frozenset(("big5", "cp932", "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "sjis", "ujis"))
SHIFTED = frozenset(("sjis", "cp932"))
"""Their bytes from 0xA1 to 0xDF are characters alone."""


def _charsets(story: Story) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    source = "information_schema.collations"
    if story.server.flavour == "mariadb":
        source = "information_schema.collation_character_set_applicability"
    with story.connection.cursor() as cursor:
        cursor.execute(f"SELECT character_set_name, id FROM {source} WHERE id IS NOT NULL")
        for charset, number in cursor.fetchall():
            found.setdefault({"utf8": "utf8mb3"}.get(charset, charset), []).append(int(number))
    return found


def test_every_collation_of_the_server_is_known(story: Story) -> None:
    charsets = _charsets(story)
    assert len(charsets) > 35
    for charset, numbers in charsets.items():
        assert {charset_name(number) for number in numbers} == {charset}
        assert all(codec(number) is not None for number in numbers)


def test_each_byte_sequence_is_decoded_as_the_server_converts_it(story: Story) -> None:
    """All single bytes, and for Asian charsets all pairs: only what the server has no character for may be refused."""
    wrong = []
    for charset, numbers in _charsets(story).items():
        if charset.startswith(("utf", "ucs", "binary")):
            continue
        decode = codec(numbers[0])
        assert decode is not None
        sequences = [bytes([byte]) for byte in range(256)]
        if charset in TWO_BYTES:
            leads = (*range(0x81, 0xA0), *range(0xE0, 0xFD)) if charset in SHIFTED else range(0xA1, 0xFF)
            sequences = [bytes([byte]) for byte in range(0x80)]
            sequences += [bytes([lead, trail]) for lead in leads for trail in range(0x40, 0xFF) if trail != 0x7F]
        with story.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT n, HEX(CONVERT(CONVERT(UNHEX(b) USING {charset}) USING utf8mb4)) FROM JSON_TABLE(%s, '$[*]'"
                " COLUMNS (n FOR ORDINALITY, b varchar(8) PATH '$')) t",
                (json.dumps([sequence.hex() for sequence in sequences]),),
            )
            for number, converted in cursor.fetchall():
                sequence = sequences[number - 1]
                server = bytes.fromhex(converted).decode() if converted is not None else None
                if server is None or ("?" in server and sequence != b"?") or server in ("", "\ufffd"):
                    continue  # no character there: whatever we do with it, no column can hold it
                try:
                    ours: str | None = decode(sequence)
                except UnicodeDecodeError:
                    ours = None
                if ours != server:
                    wrong.append((charset, sequence.hex(), ours, server))
    assert wrong == []


def test_columns_enums_and_sets_of_every_charset(story: Story) -> None:
    known = _charsets(story)
    tables = {}
    statements = []
    for charset, text in SAMPLES.items():
        if charset not in known:
            continue
        tables[f"t_{charset}"] = Wanted((), ("a", "b", "c", "d", "e"))
        statements += [
            (
                f"CREATE TABLE t_{charset} (a varchar(50), b char(20), c text, d enum('{text}', 'a'), e set('x', '{text}'))"
                f" CHARACTER SET {charset}"
            ),
            f"INSERT INTO t_{charset} VALUES ('{text}', '{text}', '{text}', '{text}', '{text},x'), ('', '', '', 'a', '')",
        ]
    found = changes(story.events(statements, tables))
    assert len(found) == 2 * len(tables)
    for _, table, _, row in found:
        text = SAMPLES[table[2:]]
        assert row in ((text, text, text, text, f"x,{text}"), ("", "", "", "a", "")), table


def test_bytes_that_are_no_text_are_refused_by_name(story: Story) -> None:
    """koi8r has a character for each byte, but cp1251 none for 0x98: SELECT gives a question mark, which is another value."""
    with pytest.raises(BadRow, match=r"\.t\.word, .*no value of the column's type") as caught:
        story.events(
            ["CREATE TABLE t (id int, word varchar(9) CHARACTER SET cp1251)", "INSERT INTO t VALUES (1, x'e098')"],
            {"t": Wanted((), ("id", "word"))},
        )
    assert caught.value.column == "word"


def test_an_unknown_collation_is_refused_only_where_it_is_wanted() -> None:
    from replicator.binlog.decoder import compile_rows
    from replicator.binlog.events import BinlogColumn, TableMap

    table = TableMap("db", "t", (BinlogColumn("id", 3, 0), BinlogColumn("word", 15, 20, collation=20_000)))
    present = b"\xff"
    with pytest.raises(Unsupported, match=r"db\.t\.word: .*collation 20000"):
        compile_rows(table, Wanted((), ("word",)), None, present, dict)
    decode = compile_rows(table, Wanted((), ("id",)), None, present, dict)
    assert decode(b"\x00\x05\x00\x00\x00\x02ab", 0, 8) == [(None, (5,))]
