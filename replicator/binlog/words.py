"""Statements taken apart into words, as the server does it that wrote them into its binlog."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

Name = tuple[str | None, str]
"""Schema, None where the statement leaves it to the session, and table."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What decides where a word of a statement ends."""

    mariadb: bool = False
    """It executes what stands in /*M! … */, which is a comment to MySQL."""
    escapes: bool = True
    """Whether a backslash in a text escapes what follows: not with NO_BACKSLASH_ESCAPES."""
    ansi: bool = False
    """Whether "…" is a name: with ANSI_QUOTES."""
    readable: bool = True
    """Whether the bytes of the statement are text in the charset of its session."""


_TOKEN = r"""(?P<nothing>[ \t-\r]+|/\*(?!%(bang)s).*?\*/|--(?=[\x00-\x20\x7f]|\Z)[^\n]*|\#[^\n]*)
      | (?P<hint>/\*%(bang)s(?:\d{5,6}(?!%(letter)s)|(?!\d))|\*/)
      | (?P<name>`(?:[^`]|``)+`%(names)s)
      | (?P<text>'(?:[^'%(escape)s]%(escaped)s|'')*'%(texts)s)
      | (?P<word>%(letter)s+)
      | (?P<strange>[\x00-\x08\x0e-\x1f\x7f\xa0\\'"`\[\]]|/(?=\*))
      | (?P<mark>.)"""
"""A hint is the mark of an executable comment: what stands in it counts, as the server has made a comment of those that were
not for it. Strange is what cannot stand there, or is read by one charset or mode as this and by another as that: white space
or part of a name, a quote or comment that nothing closes, a bracket in place of a quote."""


@cache
def _lexer(mariadb: bool, escapes: bool, ansi: bool) -> re.Pattern[str]:
    double = r"""|"(?:[^"%(escape)s]%(escaped)s|"")*" """
    escaping = {"escape": r"\\" if escapes else "", "escaped": r"|\\." if escapes else ""}
    parts = {
        "bang": "M?!" if mariadb else "!",
        "letter": r"[0-9A-Za-z$_\x80-\x9f\xa1-\U0010ffff]",
        "names": r"""|"(?:[^"]|"")+" """ if ansi else "",
        "texts": "" if ansi else double % escaping,
    }
    return re.compile(_TOKEN % (parts | escaping), re.VERBOSE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, name, text or mark. `word` is its upper case where it is no quoted name or text, else ""."""

    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind in ("word", "mark") else ""

    @property
    def name(self) -> str | None:
        """The identifier that it is, if it can be one."""
        if self.kind == "word":
            return self.text
        if self.kind == "name":
            mark = self.text[0]
            return self.text[1:-1].replace(mark * 2, mark)
        return None


@dataclass(slots=True)
class Words:
    """Tokens, read from the left."""

    tokens: Sequence[Token]
    place: int = field(default=0)

    def peek(self, ahead: int = 0) -> str:
        """The next word in upper case, or one behind it; "" behind the end and for a quoted name."""
        place = self.place + ahead
        return self.tokens[place].word if place < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Step over these words if they come next, all of them."""
        found = self.tokens[self.place : self.place + len(words)]
        if [token.word for token in found] != list(words):
            return False
        self.place += len(words)
        return True

    def any_of(self, words: Sequence[str] | set[str] | frozenset[str]) -> str:
        """Step over the next word if it is one of these; "" if it is not."""
        word = self.peek()
        if word not in words:
            return ""
        self.place += 1
        return word

    def name(self) -> str | None:
        """The next identifier."""
        found = self.tokens[self.place].name if self.place < len(self.tokens) else None
        if found is not None:
            self.place += 1
        return found

    def table(self) -> Name | None:
        """The next `table`, `.table` or `schema.table`."""
        if self.take("."):
            name = self.name()
            return None if name is None else (None, name)
        first = self.name()
        if first is None:
            return None
        if not self.take("."):
            return None, first
        second = self.name()
        return None if second is None else (first, second)

    def more(self) -> bool:
        """Whether there are more."""
        return self.place < len(self.tokens)

    def ended(self) -> bool:
        """Whether nothing but the end of the statement comes."""
        self.take(";")
        return not self.more()


def tokens(statement: str, dialect: Dialect) -> list[Token]:
    """The statement without white space and comments."""
    lexer = _lexer(dialect.mariadb, dialect.escapes, dialect.ansi)
    found = []
    for match in lexer.finditer(statement):
        kind = match.lastgroup or ""
        if kind not in ("nothing", "hint"):
            found.append(Token(kind, match[0], match.start()))
    return found


def split(found: Sequence[Token]) -> list[tuple[Token, ...]]:
    """Parts between the commas that stand in no parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if token.word == "," and not depth:
            parts.append([])
        elif token.word != ";" or depth:
            parts[-1].append(token)
    return [tuple(part) for part in parts if part]
