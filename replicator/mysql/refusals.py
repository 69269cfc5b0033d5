"""What a server says about a row that it does not take, without the row's values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pymysql
from pymysql.constants import ER

from replicator.errors import BadRow
from replicator.mysql.catalog import Table
from replicator.mysql.connection import error_code

COLLISIONS = (ER.DUP_ENTRY, 1169, 1586)
"""Another row has the same values in a unique key."""

ROW_ERRORS = {
    *COLLISIONS, ER.DATA_TOO_LONG, ER.WARN_DATA_OUT_OF_RANGE, ER.BAD_NULL_ERROR, ER.TRUNCATED_WRONG_VALUE,
    ER.TRUNCATED_WRONG_VALUE_FOR_FIELD, ER.WARN_DATA_TRUNCATED, ER.NO_DEFAULT_FOR_FIELD, ER.CANT_CREATE_GEOMETRY_OBJECT,
    ER.CONSTRAINT_FAILED, 1367, 1411, 1441, 1526, 1690, 1748, 3140, 3156, 3157, 3819, 6138,
}  # fmt: skip
"""Errors that a row causes, not the statement or the server."""

_SYMBOLS: dict[Any, str] = {
    value: name.replace("_", " ").lower() for name, value in vars(ER).items() if isinstance(value, int)
} | {3140: "invalid json text", 3819: "check constraint violated", 4025: "check constraint violated"}


def key_text(table: Table, names: Sequence[str], row: Sequence[str]) -> str:
    """The row's key as `id=5`, given its literals in the order of `names`."""
    return ", ".join(f"{name}={row[names.index(name)]}" for name in table.row_key)


def refused(table: Table, names: Sequence[str], row: Sequence[str], error: pymysql.MySQLError) -> BadRow:
    """The server's message holds the value: only what it says about place and kind goes on."""
    code, message = error_code(error), str(error.args[1])
    key = key_text(table, names, row)
    if code in COLLISIONS:
        found = re.search(r"for key '(.*)'$", message)
        return BadRow(
            table.name,
            key,
            f"another row has the same values in the unique key {found[1] if found else '?'}: change the transform"
            " or the source rows, so that the keys differ",
        )
    found = re.search(r"column [`']?([^`']+?)[`']? at row", message.replace("`.`", "."))
    column = found[1].rpartition(".")[2] if found else None
    return BadRow(table.name, key, f"the target refuses it (error {code}, {_SYMBOLS.get(code, 'unknown')})", column)
