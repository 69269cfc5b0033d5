"""Collation number → the function that decodes the column's bytes as the server itself would convert them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

from replicator.binlog.charset_tables import MULTI_BYTE, SINGLE_BYTE, UNDEFINED

Decode: TypeAlias = Callable[[bytes], str]

_COLLATIONS: Final = {
    "armscii8": (32, 64), "ascii": (11, 65), "big5": (1, 84), "binary": (63,), "cp1250": (26, 34, 44, 66, 99),
    "cp1251": (14, 23, 50, 51, 52), "cp1256": (57, 67), "cp1257": (29, 58, 59), "cp850": (4, 80), "cp852": (40, 81),
    "cp866": (36, 68), "cp932": (95, 96), "dec8": (3, 69), "eucjpms": (97, 98), "euckr": (19, 85),
    "gb18030": (248, 249, 250), "gb2312": (24, 86), "gbk": (28, 87), "geostd8": (92, 93), "greek": (25, 70),
    "hebrew": (16, 71), "hp8": (6, 72), "keybcs2": (37, 73), "koi8r": (7, 74), "koi8u": (22, 75),
    "latin1": (5, 8, 15, 31, 47, 48, 49, 94), "latin2": (2, 9, 21, 27, 77), "latin5": (30, 78),
    "latin7": (20, 41, 42, 79), "macce": (38, 43), "macroman": (39, 53), "sjis": (13, 88), "swe7": (10, 82),
    "tis620": (18, 89), "ucs2": (35, 90, *range(128, 160), *range(640, 672), *range(2560, 2816)), "ujis": (12, 91),
    "utf16": (54, 55, *range(101, 128), *range(672, 704), *range(2816, 3072)), "utf16le": (56, 62),
    "utf32": (60, 61, *range(160, 192), *range(736, 768), *range(3072, 3328)),
    "utf8mb3": (33, 76, 83, *range(192, 224), *range(576, 608), *range(2048, 2304)),
    "utf8mb4": (45, 46, *range(224, 248), *range(255, 400), *range(608, 640), *range(2304, 2560)),
}  # fmt: skip
"""Of both flavours: they never give one number to two character sets. From 2048 on: MariaDB's uca1400."""

_BY_NUMBER: Final = {number: charset for charset, numbers in _COLLATIONS.items() for number in numbers}
_NOPAD: Final = 1024
"""MariaDB numbers the NO PAD twin of a collation 1024 higher."""

_PYTHON: Final = {
    "ascii": "ascii", "utf8mb3": "utf-8", "utf8mb4": "utf-8", "utf16": "utf-16-be",
    "utf16le": "utf-16-le", "utf32": "utf-32-be", "cp1250": "cp1250", "cp1251": "cp1251", "cp1257": "cp1257",
    "cp850": "cp850", "cp852": "cp852", "cp932": "cp932", "euckr": "cp949", "gb2312": "gb2312", "gbk": "gbk",
    "hp8": "hp_roman8", "koi8r": "koi8_r", "latin2": "iso8859_2", "latin5": "iso8859_9", "latin7": "iso8859_13",
    "macce": "mac_latin2", "macroman": "mac_roman", "tis620": "tis_620",
}  # fmt: skip
"""Where Python's codec agrees with the server on every byte sequence that the server can store."""


def charset_name(collation: int) -> str | None:
    """The character set of a collation's number, or None for a number that neither flavour uses."""
    name = _BY_NUMBER.get(collation)
    if name is None and _NOPAD < collation < 2 * _NOPAD:
        name = _BY_NUMBER.get(collation - _NOPAD)
    return name


def python_codec(charset: str) -> str | None:
    """Python's codec for the character set, or None where it would differ from the server."""
    return _PYTHON.get(charset)


@cache
def codec(collation: int) -> Decode | None:
    """The decoding function of a collation, or None where we have none that is exact. It raises UnicodeDecodeError."""
    charset = charset_name(collation)
    if charset is None:
        return None
    if charset == "binary":
        charset = "utf8mb4"  # only names of ENUM and SET members come here
    if charset == "ucs2":
        return _ucs2
    if name := _PYTHON.get(charset):
        lookup = codecs.lookup(name).decode
        return lambda data: lookup(data)[0]
    if charset in SINGLE_BYTE:
        table = _table(*SINGLE_BYTE[charset])
        return lambda data: codecs.charmap_decode(data, "strict", table)[0]
    base, split, changes = MULTI_BYTE[charset]
    characters, pieces = _Characters(base, changes), re.compile(split, re.DOTALL).findall
    return lambda data: "".join([characters[piece] for piece in pieces(data)])


@cache
def lossy_codec(charset: str) -> Decode | None:
    """The decoding function of a charset whose columns can hold bytes that the server would send as question marks, or leave
    out, when asked for text; None where it converts all that can stand there."""
    number = next((numbers[0] for name, numbers in _COLLATIONS.items() if name == charset), None)
    if number is None or charset in _WHOLE or ((charset in _PYTHON or charset in SINGLE_BYTE) and _has_all_bytes(number)):
        return None
    return codec(number)


_WHOLE: Final = frozenset(("binary", "utf8mb3", "utf8mb4", "utf16", "utf16le"))


def _has_all_bytes(collation: int) -> bool:
    decode = codec(collation)
    assert decode is not None
    try:
        return all(len(decode(bytes([byte]))) == 1 for byte in range(256))
    except UnicodeDecodeError:
        return False


def _ucs2(data: bytes) -> str:
    """Half of a surrogate pair is a character to the server, and none to anyone else."""
    text = data.decode("utf-16-be")
    if 2 * len(text) != len(data):
        raise UnicodeDecodeError("ucs2", data, 0, len(data), "surrogates")
    return text


def _table(base: str, changes: dict[int, str]) -> str:
    """A charmap decoder's 256 characters, with U+FFFE where the byte has none."""
    table = [bytes([byte]).decode(base, "replace").replace("\ufffd", UNDEFINED) for byte in range(256)]
    for first, characters in changes.items():
        table[first : first + len(characters)] = characters
    return "".join(table)


class _Characters(dict[bytes, str]):
    """The characters of a multi-byte charset that were met so far, first of all those that Python's codec has otherwise."""

    __slots__ = ("_base",)

    def __init__(self, base: str, changes: dict[bytes, str]) -> None:
        super().__init__(changes)
        self._base = base

    def __missing__(self, piece: bytes) -> str:
        text = piece.decode(self._base)
        if len(text) == 1:  # runs of ASCII are without number
            self[piece] = text
        return text
