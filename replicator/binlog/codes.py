"""Numbers of the binlog format: event types, column types, metadata fields.

Sources: libs/mysql/binlog/event/binlog_event.h and include/field_types.h of MySQL 9, sql/log_event.h of MariaDB 10.11.
"""

from __future__ import annotations

from typing import Final, Literal


class EventType:
    """The fifth byte of an event."""

    QUERY: Final = 2
    STOP: Final = 3
    ROTATE: Final = 4
    INTVAR: Final = 5
    APPEND_BLOCK: Final = 9
    RAND: Final = 13
    USER_VAR: Final = 14
    FORMAT_DESCRIPTION: Final = 15
    XID: Final = 16
    BEGIN_LOAD_QUERY: Final = 17
    EXECUTE_LOAD_QUERY: Final = 18
    TABLE_MAP: Final = 19
    INCIDENT: Final = 26
    HEARTBEAT: Final = 27
    IGNORABLE: Final = 28
    ROWS_QUERY: Final = 29
    GTID: Final = 33
    ANONYMOUS_GTID: Final = 34
    PREVIOUS_GTIDS: Final = 35
    TRANSACTION_CONTEXT: Final = 36
    VIEW_CHANGE: Final = 37
    XA_PREPARE: Final = 38
    PARTIAL_UPDATE_ROWS: Final = 39
    TRANSACTION_PAYLOAD: Final = 40
    GTID_TAGGED: Final = 42
    MARIADB_ANNOTATE_ROWS: Final = 160
    MARIADB_BINLOG_CHECKPOINT: Final = 161
    MARIADB_GTID: Final = 162
    MARIADB_GTID_LIST: Final = 163
    MARIADB_START_ENCRYPTION: Final = 164
    MARIADB_QUERY_COMPRESSED: Final = 165


ROWS: Final[dict[int, tuple[Literal["insert", "update", "delete"], int, bool]]] = {
    23: ("insert", 8, False), 24: ("update", 8, False), 25: ("delete", 8, False),
    30: ("insert", 10, False), 31: ("update", 10, False), 32: ("delete", 10, False),
    166: ("insert", 8, True), 167: ("update", 8, True), 168: ("delete", 8, True),
    169: ("insert", 10, True), 170: ("update", 10, True), 171: ("delete", 10, True),
}  # fmt: skip
"""Rows events: what they do, the length of their post-header, and whether MariaDB compressed the images."""

HEADER_LENGTH: Final = 19
IGNORABLE_FLAG: Final = 0x80
ARTIFICIAL_FLAG: Final = 0x20
THREAD_SPECIFIC_FLAG: Final = 0x04
"""Of a statement that needs something of its session: a temporary table, for one."""
NO_FOREIGN_KEY_CHECKS: Final = 0x02


class FieldType:
    """Column types as they stand in table maps."""

    DECIMAL: Final = 0
    TINY: Final = 1
    SHORT: Final = 2
    LONG: Final = 3
    FLOAT: Final = 4
    DOUBLE: Final = 5
    NULL: Final = 6
    TIMESTAMP: Final = 7
    LONGLONG: Final = 8
    INT24: Final = 9
    DATE: Final = 10
    TIME: Final = 11
    DATETIME: Final = 12
    YEAR: Final = 13
    NEWDATE: Final = 14
    VARCHAR: Final = 15
    BIT: Final = 16
    TIMESTAMP2: Final = 17
    DATETIME2: Final = 18
    TIME2: Final = 19
    BLOB_COMPRESSED: Final = 140
    VARCHAR_COMPRESSED: Final = 141
    VECTOR: Final = 242
    TYPED_ARRAY: Final = 244
    JSON: Final = 245
    NEWDECIMAL: Final = 246
    ENUM: Final = 247
    SET: Final = 248
    TINY_BLOB: Final = 249
    MEDIUM_BLOB: Final = 250
    LONG_BLOB: Final = 251
    BLOB: Final = 252
    VAR_STRING: Final = 253
    STRING: Final = 254
    GEOMETRY: Final = 255


class Metadata:
    """Optional metadata fields of a table map."""

    SIGNEDNESS: Final = 1
    DEFAULT_CHARSET: Final = 2
    COLUMN_CHARSET: Final = 3
    COLUMN_NAME: Final = 4
    SET_STR_VALUE: Final = 5
    ENUM_STR_VALUE: Final = 6
    GEOMETRY_TYPE: Final = 7
    SIMPLE_PRIMARY_KEY: Final = 8
    PRIMARY_KEY_WITH_PREFIX: Final = 9
    ENUM_AND_SET_DEFAULT_CHARSET: Final = 10
    ENUM_AND_SET_COLUMN_CHARSET: Final = 11
    COLUMN_VISIBILITY: Final = 12


BINARY: Final = 63
"""The collation of bytes that are not text."""
