"""JSON documents that hold more than their text says.

MySQL keeps a DECIMAL, a date, a time or bytes that SQL put into a document as what they are. Their text, read again, would
make a DOUBLE of the DECIMAL, which loses digits, and strings of the others: so such a document goes with the SQL that makes
it again. Documents that came as text, which are nearly all, never meet this module.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from replicator.mysql.sql import quoted

_CASTS = {
    "DATE": "DATE", "TIME": "TIME(6)", "DATETIME": "DATETIME(6)", "TIMESTAMP": "DATETIME(6)", "UNSIGNED INTEGER": "UNSIGNED",
}  # fmt: skip
_BYTES = frozenset({"BLOB", "BIT", "OPAQUE"})
SPECIAL = frozenset({*_CASTS, *_BYTES, "DECIMAL"})
"""What JSON_TYPE calls values that their text does not bring back."""
_OPAQUE = re.compile(r'"base64:type(\d+):(.*)"', re.DOTALL)
_SQL_BYTES = 15
"""The type number of bytes that an expression puts into a document; columns put in others."""


class Document(str):
    """A document's text, and in `sql` the expression that makes it; "" where none does."""

    __slots__ = ("sql",)
    sql: str

    def __reduce__(self) -> tuple[object, ...]:
        return _document, (str(self), self.sql)


def _document(text: str, sql: str) -> Document:
    made = Document(text)
    made.sql = sql
    return made


@dataclass(slots=True)
class Node:
    """A value inside a document: what JSON_TYPE says of it, and its text, keys or members."""

    kind: str
    text: str = ""
    """Of a scalar."""
    keys: Sequence[str] = ()
    """Of an object, as JSON strings."""
    members: list[Node] = field(default_factory=list)


def document(root: Node) -> Document:
    """The document with its SQL."""
    return _document(_text(root), _whole(root))


def select_document(name: str) -> str:
    """How a JSON column is read: the text, and in front of it, where a value is special, the types of all values."""
    special = ", ".join(f"'{kind}'" for kind in sorted(SPECIAL))

    def values(path: str, wanted: str) -> str:
        return f"SELECT {wanted} FROM JSON_TABLE({name}, '{path}' COLUMNS (v JSON PATH '$')) AS found"

    kinds = [f"COALESCE(({values(path, 'JSON_ARRAYAGG(JSON_TYPE(v))')}), JSON_ARRAY())" for path in ("$**.*", "$**[*]")]
    among = " OR ".join(f"EXISTS ({values(path, '1')} WHERE JSON_TYPE(v) IN ({special}))" for path in ("$**.*", "$**[*]"))
    typed = f"CONCAT('\\0', JSON_ARRAY(JSON_TYPE({name}), {', '.join(kinds)}), '\\0', {name})"
    # NULL is what CONCAT gives for more than max_allowed_packet: nothing behind the \0 cannot be read.
    return f"IF(JSON_TYPE({name}) IN ({special}) OR {among}, COALESCE({typed}, '\\0'), {name})"


def read_document(data: bytes) -> str:
    """What `select_document` gave."""
    text = data.decode()
    if text[0] != "\0":
        return text
    types, _, text = text[1:].partition("\0")
    root_kind, members, cells = json.loads(types)
    root = _parsed(json.loads(text, parse_float=_Number, parse_int=_Number))
    for node, kind in zip((root, *_of_objects(root), *_of_arrays(root)), (root_kind, *members, *cells), strict=True):
        node.kind = kind
    return _document(text, _whole(root))


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def _parsed(value: object) -> Node:
    if isinstance(value, dict):
        return Node("OBJECT", keys=[_string(key) for key in value], members=[_parsed(member) for member in value.values()])
    if isinstance(value, list):
        return Node("ARRAY", members=[_parsed(member) for member in value])
    return Node("", value if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False))


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _of_objects(node: Node) -> Iterator[Node]:
    """The order of the path `$**.*`."""
    if node.keys:
        yield from node.members
    for member in node.members:
        yield from _of_objects(member)


def _of_arrays(node: Node) -> Iterator[Node]:
    """The order of the path `$**[*]`."""
    if not node.keys:
        yield from node.members
    for member in node.members:
        yield from _of_arrays(member)


def _text(node: Node) -> str:
    if node.kind == "OBJECT":
        return "{" + ", ".join(f"{key}: {_text(value)}" for key, value in zip(node.keys, node.members, strict=True)) + "}"
    if node.kind == "ARRAY":
        return "[" + ", ".join(map(_text, node.members)) + "]"
    return node.text


def _special(node: Node) -> bool:
    return node.kind in SPECIAL or any(map(_special, node.members))


def _whole(root: Node) -> str:
    made = _sql(root)
    if made is None:
        return ""
    return made if root.members else f"JSON_EXTRACT(JSON_ARRAY({made}), '$[0]')"


def _sql(node: Node) -> str | None:
    """None where a value is of a type that no expression has."""
    if not _special(node):
        return f"CAST({quoted(_text(node))} AS JSON)"
    if not node.members:
        return _scalar(node)
    made = [_sql(member) for member in node.members]
    if None in made:
        return None
    members = [text for text in made if text is not None]
    if node.kind == "ARRAY":
        return f"JSON_ARRAY({', '.join(members)})"
    keys = [quoted(json.loads(key)) for key in node.keys]
    return f"JSON_OBJECT({', '.join(f'{key}, {value}' for key, value in zip(keys, members, strict=True))})"


def _scalar(node: Node) -> str | None:
    if node.kind == "DECIMAL":
        whole, _, fraction = node.text.lstrip("-").partition(".")
        return f"CAST({node.text} AS DECIMAL({max(1, len(whole.lstrip('0')) + len(fraction))},{len(fraction)}))"
    if node.kind in _CASTS:
        return f"CAST({node.text.replace(chr(34), chr(39))} AS {_CASTS[node.kind]})"
    found = _OPAQUE.fullmatch(json.dumps(json.loads(node.text), ensure_ascii=False))
    if found is None or int(found[1]) != _SQL_BYTES:
        return None
    return f"x'{base64.b64decode(json.loads(node.text).partition(':type15:')[2]).hex()}'"
