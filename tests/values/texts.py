"""Text in every charset, and bytes."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.values.kind import BYTES, Draw, Kind, hexadecimal, quoted


def _characters(python: str, first: int, last: int) -> str:
    """Those of two bytes between two codes that Python has, too."""
    found = (code.to_bytes(2, "big").decode(python, "ignore") for code in range(first, last + 1))
    return "".join(character for character in found if len(character) == 1)


_ASCII = "".join(map(chr, range(32, 127))) + "\n\r\t\0\x1a\b''\"\"\\\\%%__,,;;``"
_LATIN = "".join(map(chr, range(0xA0, 0x100))) + "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ\x81\x8d\x8f\x90\x9d"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯёЁ"
_PLANE = "äöü߀日本語한국어עברית\u0301\u200b\ufeff\uffee\u07ff\u0800\ud7ff\ue000"
_ALL = _PLANE + "😀𝔘\U00010000\U0010fffd👩\u200d👧"
ALPHABETS = {
    "utf8mb4": _ALL, "utf8mb3": _PLANE, "latin1": _LATIN, "ascii": "", "ucs2": _PLANE, "utf16": _ALL, "utf16le": _ALL,
    "utf32": _ALL, "gbk": _characters("gbk", 0xB0A1, 0xF7FE), "gb2312": _characters("gb2312", 0xB0A1, 0xF7FE),
    "sjis": _characters("shift_jis", 0x889F, 0x9872) + "アイウｱｲｳ", "cp932": _characters("shift_jis", 0x889F, 0x97FC) + "①ⅷ",
    "big5": _characters("big5", 0xA440, 0xC67E), "euckr": _characters("euc_kr", 0xB0A1, 0xC8FE),
    "ujis": _characters("euc_jp", 0xB0A1, 0xCFD3), "eucjpms": _characters("euc_jp", 0xB0A1, 0xCFD3) + "①",
    "koi8r": _CYRILLIC, "koi8u": _CYRILLIC + "іїєґ", "cp1251": _CYRILLIC + "Ђ€", "cp866": _CYRILLIC, "greek": "αβγδεζηθάέ",
    "hebrew": "אבגדה", "tis620": "สวัสดีครับ", "latin2": "ąćęłńóśźżőű", "latin5": "ığşİĞŞ", "latin7": "ąčęėįšųūž",
    "cp1250": "ąćęłńóśźżőű€", "cp1256": "سلام€", "cp1257": "ąčęėįšųūž€", "cp850": "éñßøÅ╬", "cp852": "ąćęł", "macroman": "éñπ",
    "macce": "ąćę", "hp8": "éñ", "dec8": "éñ", "keybcs2": "čšž", "armscii8": "բար", "geostd8": "გამარჯობა",
    "gb18030": "你好😀ḿ", "swe7": "åäöÅÄÖéÉ",
}  # fmt: skip
"""Characters besides ASCII that stand in each charset; in swe7 some stand in place of ASCII's."""
_SWE7 = str.maketrans("", "", "@[\\]^`{|}~")
_WORDS = ("", "NULL", "\\N", "0", "''", "\\'", "%s", "a\0b", "null", " ", "\t", "a  ", "'", "\\", "\n", "x'00'", "{}", "--")


def text(charset: str, characters: int, *, fixed: bool = False) -> Draw:
    """Texts of at most so many characters; `fixed` mostly without the spaces at the end that CHAR drops."""
    ascii_ = _ASCII.translate(_SWE7) if charset == "swe7" else _ASCII
    alphabet = ascii_[::2] + (ALPHABETS[charset] * (1 + len(ascii_) // max(1, len(ALPHABETS[charset]))))
    words = [word for word in _WORDS if charset != "swe7" or not set(word) & set("@[\\]^`{|}~")]

    def value(draw: random.Random) -> str:
        choice = draw.random()
        if choice < 0.15:
            text = draw.choice(words)
        else:
            text = "".join(draw.choices(alphabet, k=characters if choice > 0.97 else draw.randint(0, min(characters, 12))))
        return quoted(text[:characters].rstrip(" ") if fixed and draw.random() < 0.8 else text[:characters])

    return value


def texts(charsets: Sequence[str]) -> list[Kind]:
    """CHAR, VARCHAR and one of the long texts in each charset."""
    found = []
    for number, charset in enumerate(charsets):
        sizes = [("char(9)", 9), ("varchar(40)", 40), (("tinytext", "text", "mediumtext", "longtext")[number % 4], 50)]
        if charset in ("utf8mb4", "latin1"):
            sizes += [("char(255)", 255), ("varchar(255)", 255), ("varchar(256)", 256)]
        for sql, size in sizes:
            found.append(
                Kind(
                    f"{sql} CHARACTER SET {charset}",
                    text(charset, size, fixed=sql.startswith("char")),
                    BYTES,
                    f"{sql if charset != 'utf8mb4' else 'varchar(300)'} CHARACTER SET utf8mb4".replace("tinytext", "text"),
                    has_default="text" not in sql,
                )
            )
    return found


def blob(size: int, *, least: int = 0) -> Draw:
    """Bytes, at most so many."""

    def value(draw: random.Random) -> str:
        choice = draw.random()
        length = size if choice > 0.95 else draw.randint(least, max(least, min(size, 20)))
        data = draw.choice((b"\0", b"\xff", b" ", b"'", b"\\")) * length if choice < 0.2 else draw.randbytes(length)
        if 0.2 < choice < 0.4 and length > 1:
            data = data[:-1] + b"\0"
        return hexadecimal(data)

    return value


def binaries() -> list[Kind]:
    """Types of bytes."""
    return [
        Kind("binary(1)", blob(1)),
        Kind("binary(16)", blob(16)),
        Kind("binary(255)", blob(255)),
        Kind("varbinary(20)", blob(20)),
        Kind("varbinary(300)", blob(300)),
        Kind("tinyblob", blob(255)),
        Kind("blob", blob(900)),
        Kind("mediumblob", blob(700)),
        Kind("longblob", blob(600)),
    ]
