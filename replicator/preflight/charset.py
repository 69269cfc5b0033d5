"""Text that can be read from the binary log and written to the target."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.binlog.charset import codec
from replicator.mysql.connection import rows
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, listed, warning

_FAMILY = "utf8mb4"


def check(context: Context) -> Iterator[Finding]:
    """Text of the source can be decoded exactly, and the target columns hold every character."""
    readable = {
        charset
        for charset, number in rows(
            context.source.connection,
            "SELECT character_set_name, id FROM information_schema.collations WHERE is_default = 'Yes'",
        )
        if codec(int(number)) is not None
    }
    for source in context.plan.sources.values():
        for name in dict.fromkeys((*source.columns, *source.before)):
            column = source.table.by_name[name]
            if column.charset and column.charset not in readable:
                yield failed(
                    f"source column {source.table.name}.{name} is in {column.charset}, which cannot be decoded exactly",
                    f"ALTER TABLE {source.table.sql} CONVERT TO CHARACTER SET utf8mb4, or leave the column out of the "
                    "transforms",
                )
    for table in context.plan.targets.values():
        narrow = {
            column.name: column.charset
            for column in table.columns
            if column.charset not in (None, _FAMILY) and not column.generated
        }
        if narrow:
            charsets = ", ".join(sorted({charset for charset in narrow.values() if charset}))
            yield warning(
                f"target table {table.name} holds text in {charsets} ({listed(tuple(narrow))}): a character that is not "
                "in there stops the stream",
                f"ALTER TABLE {table.sql} CONVERT TO CHARACTER SET utf8mb4, unless all text is known to fit",
            )
