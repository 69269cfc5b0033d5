"""Schema files: SQL text cut into its statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from replicator.errors import ConfigError

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*|--(?=\s|\Z)[^\n]*|/\*(?!M?!).*?\*/)"""
    r"""|(?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`)"""
    r"""|(?P<end>;)|(?P<other>[^#\-/'"`;]+|.)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and where it stands, as `tables.sql:12`."""

    place: str
    sql: str


def read_schema(path: Path) -> tuple[Statement, ...]:
    """The statements of a file, or of every `*.sql` of a folder in name order. Raises ConfigError."""
    files = sorted(path.glob("*.sql")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path}: no .sql files here; put the DDL of the target tables into it")
    statements: list[Statement] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: cannot be read: {error}") from None
        statements += [Statement(f"{file.name}:{line}", sql) for line, sql in _split(text)]
    return tuple(statements)


def _split(text: str) -> Iterator[tuple[int, str]]:
    """(line, statement) without comments; a semicolon in a string or a name ends nothing."""
    parts: list[str] = []
    line = start = 1
    for token in _TOKEN.finditer(text):
        piece = token[0]
        if token["end"]:
            yield from _statement(start, parts)
            parts = []
        elif not token["comment"]:
            if not "".join(parts).strip():
                start = line + piece[: len(piece) - len(piece.lstrip())].count("\n")
            parts.append(piece)
        line += piece.count("\n")
    yield from _statement(start, parts)


def _statement(line: int, parts: list[str]) -> Iterator[tuple[int, str]]:
    sql = "".join(parts).strip()
    if sql:
        yield line, sql
