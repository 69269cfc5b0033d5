"""writer.sql: sections of statements, each executed by a session of a name.

    -- @ before the copy            a section begins
    -- session: other               the statements that follow belong to another session; sessions stay open
    -- fails: 1062                  the next statement has to fail so
    INSERT INTO t VALUES ({n});     {n} counts the rounds of a section that is repeated; {source}, {target}, … are the databases
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"--\s*(?:@\s*(?P<section>.+)|session:\s*(?P<session>\w+)|fails:\s*(?P<error>\d+))")


@dataclass(frozen=True)
class Statement:
    """One statement, by a session."""

    text: str
    session: str = "main"
    error: int | None = None
    """The error that the server has to answer with."""


Section = tuple[Statement, ...]


def sections(script: str) -> dict[str, Section]:
    """Sections by name."""
    found: dict[str, list[Statement]] = {}
    section, session, error = "", "main", None
    text: list[str] = []
    for line in script.splitlines():
        directive = _DIRECTIVE.fullmatch(line.strip()) if not text else None
        if directive is not None:
            if directive["section"]:
                section, session = directive["section"], "main"
                found[section] = []
            session = directive["session"] or session
            error = int(directive["error"]) if directive["error"] else error
        elif line.strip() and not (line.startswith("-- ") and not text):
            text.append(line)
            if line.rstrip().endswith(";"):
                found[section].append(Statement("\n".join(text).rstrip().removesuffix(";"), session, error))
                text, error = [], None
    assert not text, f"writer.sql ends inside a statement: {text}"
    return {name: tuple(statements) for name, statements in found.items()}


def statements(script: str) -> Iterator[str]:
    """The statements of a plain script; each ends with a semicolon at the end of a line."""
    for statement in sections("-- @ all\n" + script)["all"]:
        yield statement.text
