"""Every type of column that the servers have: how it is declared, values of it as SQL, and how two of it are compared.

The values lean to the limits. Comparing is the server's work alone: a column is shown as text or as digits in such a way that
two that show alike are alike in every bit.
"""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Sequence
from typing import Any

from tests.values.kind import BITS, DOCUMENT, FLOATING, MEMBERS, NUMBER, Draw, Kind, hexadecimal, often, quoted
from tests.values.texts import ALPHABETS, binaries, blob, text, texts

# Numbers ----------------------------------------------------------------------------------------------------


def _between(low: int, high: int) -> Draw:
    return lambda draw: str(draw.randint(low, high))


def _integers() -> list[Kind]:
    found = []
    for name, bits in (("tinyint", 8), ("smallint", 16), ("mediumint", 24), ("int", 32), ("bigint", 64)):
        for unsigned in (False, True):
            low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            limits = [str(number) for number in (low, low + 1, high, high - 1, high // 2, high // 2 + 1, 0, 1, 9, 10)]
            found.append(Kind(f"{name}{' unsigned' * unsigned}", often(_between(low, high), limits), NUMBER, has_default=True))
    found.append(Kind("int(7) unsigned zerofill", often(lambda draw: str(draw.randint(0, 99)), ["0", "4294967295"]), NUMBER))
    found.append(Kind("year", often(lambda draw: str(draw.randint(1901, 2155)), ["0", "1901", "2155"]), NUMBER))
    return found


def _decimal(precision: int, scale: int, unsigned: bool) -> Draw:
    def digits(draw: random.Random, number: int) -> str:
        return "".join(draw.choices("0123456789", k=number)) if draw.random() < 0.7 else draw.choice("09") * number

    def value(draw: random.Random) -> str:
        whole = digits(draw, draw.randint(0, precision - scale)) or "0"
        fraction = digits(draw, draw.randint(0, scale))
        return ("" if unsigned or draw.random() < 0.5 else "-") + whole + (f".{fraction}" if fraction else "")

    least = f"0.{'0' * (scale - 1)}1" if scale else "1"
    most = "9" * (precision - scale) + (f".{'9' * scale}" if scale else "")
    limits = ["0", least, most or "0", "-0.0"] + ([] if unsigned else [f"-{least}", f"-{most}"])
    return often(value, limits)


def _decimals() -> list[Kind]:
    sizes = [(65, 30), (65, 0), (30, 30), (1, 0), (2, 2), (9, 0), (9, 9), (10, 2), (18, 9), (19, 1), (38, 10), (64, 29)]
    found = [Kind(f"decimal({size},{scale})", _decimal(size, scale, False), NUMBER) for size, scale in sizes]
    found += [Kind(f"decimal({size},{scale}) unsigned", _decimal(size, scale, True), NUMBER) for size, scale in sizes[::4]]
    return found


def _single(draw: random.Random) -> float:
    while True:
        number: float = struct.unpack("<f", draw.randbytes(4))[0]
        if math.isfinite(number):
            return number


def _double(draw: random.Random) -> float:
    while True:
        number: float = struct.unpack("<d", draw.randbytes(8))[0]
        if math.isfinite(number):
            return number


def _real(number: float) -> str:
    text = repr(number)
    return text if "e" in text else text + "e0"


def _floats() -> list[Kind]:
    whole = ["-0e0", "0e0", "1e0", "-1e0", "0.1e0", "16777216e0", "16777215e0", "9007199254740993e0"]
    singles = [*whole, "3.4028234663852886e38", "-3.4028234663852886e38", "1.401298464324817e-45", "1.1754943508222875e-38"]
    doubles = [*whole, "1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "1e22", "1e23"]
    hundredths = often(lambda draw: _real(draw.randint(-999999, 999999) / 1000), ["-0e0", "9999.999e0", "-9999.999e0"])
    return [
        Kind("float", often(lambda draw: _real(_single(draw)), singles), FLOATING),
        Kind("float", lambda draw: _real(draw.randint(-10000, 10000) / 100), FLOATING),
        Kind("float unsigned", lambda draw: _real(abs(_single(draw))), FLOATING),
        Kind("float(7,3)", hundredths, FLOATING),
        Kind("double", often(lambda draw: _real(_double(draw)), doubles), FLOATING),
        Kind("double", lambda draw: _real(draw.random() * 10 ** draw.randint(-5, 20)), FLOATING),
        Kind("double unsigned", lambda draw: _real(abs(_double(draw))), FLOATING),
        Kind("double(12,3)", hundredths, FLOATING),
    ]


def _bits() -> list[Kind]:
    def of(size: int) -> Draw:
        return often(_random_bits(size), ["0", "1", str(2**size - 1), str(1 << size - 1)])

    return [Kind(f"bit({size})", of(size), BITS) for size in (1, 7, 8, 9, 24, 33, 63, 64)]


# ENUM and SET ------------------------------------------------------------


def _enums() -> list[Kind]:
    found = []
    lists = [
        ("utf8mb4", ["a", "ä€", "it's", "x,y", 'q"r', "back\\slash", "two\nlines", "😀", "0", "1", "%s", "end"]),
        ("latin1", ["a", "ä", "€", "2", "ÿ", "3"]),
        ("gbk", ["你", "好", "a'b"]),
        ("sjis", ["日本", "ｱ", "a"]),
        ("utf16", ["ä", "日", "x"]),
        ("ucs2", ["ä", "日"]),
        ("koi8r", ["привет", "мир"]),
        ("utf8mb4", ["", "a", "b"]),
        ("binary", ["a", "b"]),
    ]
    for charset, members in lists:
        found.append(_of_members("enum", charset, members, _one_of(members)))
        apart = [member for member in members if "," not in member and member]
        found.append(_of_members("set", charset, apart, _some_of(apart)))
    many = ",".join(f"'m{number}'" for number in range(300))
    found.append(Kind(f"enum({many})", lambda draw: f"'m{draw.choice((0, 254, 255, 256, 299, draw.randrange(300)))}'", MEMBERS))
    for size in (8, 9, 33, 64):
        names = ",".join(f"'s{number}'" for number in range(size))
        limits = ["0", "1", str(1 << size - 1), str((1 << size) - 1)]
        found.append(Kind(f"set({names})", often(_random_bits(size), limits), MEMBERS))
    return found


def _of_members(kind: str, charset: str, members: Sequence[str], value: Draw) -> Kind:
    names = ",".join(map(quoted, members))
    wide = None if charset in ("binary", "utf8mb4") else f"{kind}({names}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    return Kind(f"{kind}({names}) CHARACTER SET {charset}", value, MEMBERS, wide)


def _one_of(members: Sequence[str]) -> Draw:
    return lambda draw: quoted(draw.choice(members))


def _some_of(members: Sequence[str]) -> Draw:
    return lambda draw: quoted(",".join(member for member in members if draw.random() < draw.choice((0.1, 0.5, 0.9))))


def _random_bits(size: int) -> Draw:
    return lambda draw: str(draw.getrandbits(size))


# Dates and times --------------------------------------------------------------------------------------------


def _fraction(draw: random.Random, digits: int) -> str:
    if not digits:
        return ""
    return "." + draw.choice(("0" * digits, "9" * digits, f"{draw.randrange(10**digits):0{digits}d}"))


def _day(draw: random.Random) -> str:
    year = draw.choice((0, 1, 999, 1000, 1969, 2024, 9999, draw.randint(0, 9999)))
    return f"{year:04d}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"


_ODD_DAYS = (
    *("0000-00-00", "2020-00-00", "2020-12-00", "2020-00-05", "2020-02-30", "2021-02-29", "9999-12-31", "0000-01-01"),
    *("1000-01-01", "0001-01-01"),
)


def _clock(draw: random.Random) -> str:
    if draw.random() < 0.3:
        return draw.choice(("00:00:00", "23:59:59"))
    return f"{draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:{draw.randint(0, 59):02d}"


def _moment(digits: int) -> Draw:
    def value(draw: random.Random) -> str:
        day = draw.choice(_ODD_DAYS) if draw.random() < 0.3 else _day(draw)
        return f"'{day} {_clock(draw)}{_fraction(draw, digits)}'"

    return value


def _stamp(digits: int) -> Draw:
    def value(draw: random.Random) -> str:
        if draw.random() < 0.1:
            return "'0000-00-00 00:00:00'"
        if draw.random() < 0.1:
            return draw.choice(("'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"))
        day = f"{draw.randint(1970, 2037)}-{draw.randint(1, 12):02d}-{draw.randint(2, 28):02d}"
        return f"'{day} {_clock(draw)}{_fraction(draw, digits)}'"

    return value


def _time(digits: int) -> Draw:
    def value(draw: random.Random) -> str:
        sign = draw.choice(("", "-"))
        if draw.random() < 0.15:
            return draw.choice((f"'{sign}838:59:59'", f"'{sign}00:00:00{_fraction(draw, digits)}'"))
        hours = draw.choice((0, 23, 24, 99, 100, 837, draw.randint(0, 837)))
        return f"'{sign}{hours:02d}:{draw.randint(0, 59):02d}:{draw.randint(0, 59):02d}{_fraction(draw, digits)}'"

    return value


def _temporal() -> list[Kind]:
    days = often(lambda draw: f"'{_day(draw)}'", [f"'{day}'" for day in _ODD_DAYS])
    found = [Kind("date", days, has_default=True)]
    for digits in range(7):
        size = f"({digits})" if digits else ""
        found += [
            Kind(f"datetime{size}", _moment(digits)),
            Kind(f"timestamp{size}", _stamp(digits)),
            Kind(f"time{size}", _time(digits)),
        ]
    return found


# Documents, places and what one flavour has -------------------------------------------------------------------


def _json_value(draw: random.Random, depth: int) -> Any:
    choice = draw.random()
    if depth and choice < 0.3:
        return {draw.choice(("a", "bb", "ä€", "", "x y", '"', "😀")): _json_value(draw, depth - 1) for _ in range(3)}
    if depth and choice < 0.5:
        return [_json_value(draw, depth - 1) for _ in range(draw.randint(0, 4))]
    numbers = (0, -1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 32768, draw.randint(-(10**6), 10**6))
    doubles = (0.0, -0.0, 1.0, 0.1, 1e20, 5e-324, 1.7976931348623157e308, draw.random())
    texts = ("", "text", "ä€😀", '"\\\n\0', "2020-01-01", "base64:type15:YWI=", "null", "'" * 3, "x" * 200)
    return draw.choice((None, True, False, draw.choice(numbers), draw.choice(doubles), draw.choice(texts)))


def _json(draw: random.Random) -> str:
    return quoted(json.dumps(_json_value(draw, draw.randint(0, 4)), ensure_ascii=draw.random() < 0.5))


_SPECIAL = (
    "CAST(12.340 AS DECIMAL(10,3))", "CAST(-0.05 AS DECIMAL(3,2))", "12345678901234567890.123456789", "CAST(5 AS UNSIGNED)",
    "CAST(7 AS DECIMAL(5,0))", "DATE'2020-02-29'", "TIMESTAMP'2020-01-02 03:04:05.678'", "TIME'-12:34:56.5'", "x'00ff27'",
    "CAST('it''s' AS BINARY)", "18446744073709551615", "TRUE", "NULL", "'text'", "1e0", "1.5e300", "CAST(2020 AS YEAR)",
    "TIMESTAMP'0000-00-00 00:00:00'", "CAST('[1, {\"a\": 1.5}]' AS JSON)", "0.1", "-9223372036854775808", "65535", "70000",
)  # fmt: skip


def _json_of_sql(draw: random.Random) -> str:
    def value(depth: int) -> str:
        if depth and draw.random() < 0.5:
            if draw.random() < 0.5:
                return f"JSON_ARRAY({', '.join(value(depth - 1) for _ in range(draw.randint(0, 3)))})"
            pairs = (f"{quoted(key)}, {value(depth - 1)}" for key in draw.sample(("a", "bb", "ä", "it's", ""), 2))
            return f"JSON_OBJECT({', '.join(pairs)})"
        return draw.choice(_SPECIAL)

    return f"JSON_EXTRACT(JSON_ARRAY({value(draw.randint(0, 3))}), '$[0]')"


def _point(draw: random.Random) -> str:
    return f"{draw.choice((0, -0.0, 1, -1.5, 89.999, draw.uniform(-90, 90)))} {draw.choice((0, 179.5, draw.uniform(-90, 90)))}"


def _geometry(draw: random.Random) -> str:
    points = [_point(draw) for _ in range(3)]
    return draw.choice((
        f"POINT({points[0]})", f"LINESTRING({', '.join(points)})", "POLYGON((0 0,0 5,5 5,5 0,0 0),(1 1,1 2,2 2,2 1,1 1))",
        f"MULTIPOINT({points[0]},{points[1]})", f"GEOMETRYCOLLECTION(POINT({points[0]}),LINESTRING({points[1]},{points[2]}))",
        f"MULTILINESTRING(({points[0]},{points[1]}),(0 0,1 1))", "MULTIPOLYGON(((0 0,0 1,1 1,0 0)),((5 5,5 6,6 6,5 5)))",
        "GEOMETRYCOLLECTION EMPTY",
    ))  # fmt: skip


def _places() -> list[Kind]:
    def of(text: Draw) -> Draw:
        return lambda draw: f"ST_GeomFromText('{text(draw)}', {draw.choice((0, 0, 4326))})"

    return [
        Kind("geometry", of(_geometry)),
        Kind("point", of(lambda draw: f"POINT({_point(draw)})")),
        Kind("linestring", of(lambda draw: f"LINESTRING({_point(draw)}, {_point(draw)})")),
        Kind("polygon", of(lambda draw: "POLYGON((0 0,0 1,1 1,0 0))")),
        Kind("geometrycollection", of(lambda draw: f"GEOMETRYCOLLECTION(POINT({_point(draw)}))")),
    ]


def _vector(dimensions: int) -> Draw:
    def value(draw: random.Random) -> str:
        numbers = [draw.choice((_single(draw), 0.0, -0.0, 1.5)) for _ in range(draw.choice((1, dimensions)))]
        return hexadecimal(struct.pack(f"<{len(numbers)}f", *numbers))

    return value


def _inet6(draw: random.Random) -> str:
    groups = [f"{draw.choice((0, 0, 0, 1, 0xFFFF, draw.getrandbits(16))):x}" for _ in range(8)]
    return draw.choice((f"'{':'.join(groups)}'", "'::'", "'::1'", "'::ffff:192.168.1.1'", "'::1.2.3.4'", "'ffff::'"))


def _uuid(draw: random.Random) -> str:
    digits = draw.choice((f"{draw.getrandbits(128):032x}", f"{draw.getrandbits(64):016x}" + "0" * 16, "f" * 31 + "0"))
    digits = f"{digits[:12]}{draw.choice('147')}{digits[13:16]}{draw.choice('89ab')}{digits[17:]}"
    if draw.random() < 0.1:
        digits = "0" * 32
    return f"'{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}'"


_MARIADB = [
    Kind("uuid", _uuid),
    Kind("inet4", lambda draw: "'" + ".".join(str(draw.choice((0, 255, draw.getrandbits(8)))) for _ in range(4)) + "'"),
    Kind("inet6", _inet6),
    Kind("varchar(500) COMPRESSED CHARACTER SET utf8mb4", text("utf8mb4", 500)),
    Kind("varchar(300) COMPRESSED CHARACTER SET latin1", text("latin1", 300)),
    Kind("text COMPRESSED CHARACTER SET utf8mb4", text("utf8mb4", 900)),
    Kind("mediumblob COMPRESSED", blob(900)),
    Kind("varbinary(300) COMPRESSED", blob(300)),
    Kind("json", _json),
]
_MYSQL = [
    Kind("json", _json, DOCUMENT),
    Kind("json", _json_of_sql, DOCUMENT),
    Kind("vector(5)", _vector(5)),
    Kind("vector(300)", _vector(300)),
    Kind("point", lambda draw: f"ST_GeomFromText('POINT({_point(draw)})', 4326)", attributes="SRID 4326"),
]


def kinds(flavour: str, charsets: Sequence[str]) -> list[Kind]:
    """All kinds of a server that knows these charsets."""
    known = [charset for charset in ALPHABETS if charset in charsets]
    numbers = [*_integers(), *_decimals(), *_floats(), *_bits()]
    common = [*numbers, *texts(known), *binaries(), *_enums(), *_temporal(), *_places()]
    return common + (_MARIADB if flavour == "mariadb" else _MYSQL)
