"""Quoting of identifiers: the only place where a name becomes SQL."""

from __future__ import annotations

from collections.abc import Iterable


def quote(*parts: str) -> str:
    """`quote("db", "table")` → `` `db`.`table` ``; backticks inside a name are doubled."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def quote_list(names: Iterable[str], alias: str | None = None) -> str:
    """Quoted names joined by commas, each prefixed by `alias` when one is given."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + quote(name) for name in names)
