"""XA transactions: their ids, in the one spelling that both servers write to their binlogs, and which are prepared."""

from __future__ import annotations

import re
from typing import Final

from replicator.mysql.connection import Connection, rows
from replicator.mysql.flavour import identify

_WRITTEN: Final = re.compile(r"X'([0-9A-F]*)'\s*,\s*X'([0-9A-F]*)'\s*,\s*(-?\d+)", re.IGNORECASE)
_PART: Final = re.compile(r"X'([0-9A-F]*)'|'((?:[^']|'')*)'", re.IGNORECASE)
_FORMAT: Final = re.compile(r"(-?\d+)\s*$")
_DEFAULT_FORMAT: Final = 1


def xid(gtrid: bytes, bqual: bytes, format_id: int) -> str:
    """As XA COMMIT and XA ROLLBACK take it: `X'6162',X'',1`."""
    return f"X'{gtrid.hex()}',X'{bqual.hex()}',{format_id % 2**32}"


def xid_of(statement: str) -> str:
    """The id in an XA statement of the binlog. Raises ValueError where there is none."""
    found = _WRITTEN.search(statement)
    if found is None:
        raise ValueError("an XA statement without an id")
    return xid(bytes.fromhex(found[1]), bytes.fromhex(found[2]), int(found[3]))


def prepared(connection: Connection) -> list[str]:
    """The ids of all transactions of the server that are prepared and not decided.

    Raises pymysql's error where the account may not see them (MySQL: XA_RECOVER_ADMIN).
    """
    if identify(connection).flavour == "mariadb":
        return [_mariadb_xid(str(found[3])) for found in rows(connection, "XA RECOVER FORMAT='SQL'")]
    found_xids = []
    for format_id, length, _, data in rows(connection, "XA RECOVER CONVERT XID"):
        whole = bytes.fromhex(str(data).removeprefix("0x"))
        found_xids.append(xid(whole[: int(length)], whole[int(length) :], int(format_id)))
    return found_xids


def _mariadb_xid(text: str) -> str:
    """`'it''s','b',7` or `X'…',X'…',7`; parts that have their default may be missing."""
    parts = [
        bytes.fromhex(found[1]) if found[1] is not None else found[2].replace("''", "'").encode()
        for found in _PART.finditer(text)
    ]
    format_id = _FORMAT.search(text)
    return xid(parts[0], parts[1] if len(parts) > 1 else b"", int(format_id[1]) if format_id else _DEFAULT_FORMAT)
