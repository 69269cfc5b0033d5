"""Quoting: the only place where a name or a text becomes SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def quote(*parts: str) -> str:
    """`quote("db", "table")` → `` `db`.`table` ``; backticks inside a name are doubled."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def quoted(text: str) -> str:
    """A string literal; needs a sql_mode without NO_BACKSLASH_ESCAPES, which our sessions set."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def quote_list(names: Iterable[str], alias: str | None = None) -> str:
    """Quoted names joined by commas, each prefixed by `alias` when one is given."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + quote(name) for name in names)


def key_condition(columns: Sequence[str], keys: Iterable[Sequence[str]]) -> str:
    """A condition that holds for the rows whose `columns` (SQL) equal one of the `keys` (literals); NULL equals NULL.

    Without rows as in `(a, b) IN ((1, 2), …)`: where a column is not in the session's charset, MariaDB finds a few of them.
    """
    lasts: dict[tuple[str, ...], list[str]] = {}
    parts = []
    for key in keys:
        if "NULL" in key:
            equal = [f"{column} <=> {literal}" for column, literal in zip(columns, key, strict=True)]
            parts.append(f"({' AND '.join(equal)})")
        else:
            lasts.setdefault(tuple(key[:-1]), []).append(key[-1])
    for first, last in lasts.items():
        equal = [f"{column} = {literal}" for column, literal in zip(columns[:-1], first, strict=True)]
        equal.append(f"{columns[-1]} = {last[0]}" if len(last) == 1 else f"{columns[-1]} IN ({','.join(last)})")
        parts.append(f"({' AND '.join(equal)})" if len(equal) > 1 else equal[0])
    return f"({' OR '.join(parts)})" if parts else "FALSE"


def after_condition(columns: Sequence[str], low: Sequence[str]) -> str:
    """Rows behind the key `low` in the order of `columns`, in the form that both optimizers turn into a range."""
    return _bound(columns, low, ">", ">")


def until_condition(columns: Sequence[str], high: Sequence[str]) -> str:
    """Rows up to and including the key `high` in the order of `columns`."""
    return _bound(columns, high, "<", "<=")


def _bound(columns: Sequence[str], literals: Sequence[str], strict: str, last: str) -> str:
    alternatives = []
    for index in range(len(columns)):
        operator = last if index == len(columns) - 1 else strict
        equal = [f"{column} = {literal}" for column, literal in zip(columns[:index], literals[:index], strict=True)]
        alternatives.append(" AND ".join([*equal, f"{columns[index]} {operator} {literals[index]}"]))
    if len(columns) == 1:
        return alternatives[0]
    return f"({columns[0]} {strict}= {literals[0]} AND ({' OR '.join(alternatives)}))"
