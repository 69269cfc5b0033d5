"""DDL statements on tables, taken apart into words: which tables they name, and what an ALTER TABLE does one after the other.

Only as much grammar as it takes to tell what certainly leaves every row as it is; whatever is not understood counts as a
change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Verb = Literal["alter", "drop", "truncate", "rename", "create", "replace", "drop index", "drop database"]
Name = tuple[str | None, str]
"""Schema, None where the statement leaves it to the session, and table."""

_TOKEN = re.compile(
    r"""(?P<nothing>\s+|/\*(?!M?!).*?\*/|--(?=\s)[^\n]*|\#[^\n]*)
      | (?P<hint>/\*M?!\d*|\*/)            # what stands in an executable comment counts, whatever version it is for
      | (?P<name>`(?:[^`]|``)+`)
      | (?P<double>"(?:[^"\\]|\\.|"")*")   # a name where sql_mode has ANSI_QUOTES, else a text
      | (?P<text>'(?:[^'\\]|\\.|'')*')
      | (?P<word>[\w$@]+)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_UNESCAPED = re.compile(_TOKEN.pattern.replace(r"[^'\\]|\\.|", "[^']|").replace(r'[^"\\]|\\.|', '[^"]|'), _TOKEN.flags)
"""The same in a session with NO_BACKSLASH_ESCAPES: a text may end with a backslash."""
_ALTER_OPTIONS = {"ONLINE", "OFFLINE", "IGNORE"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, name, text or mark. `word` is its upper case where it is no quoted name or text, else ""."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind in ("word", "mark") else ""

    @property
    def name(self) -> str | None:
        """The identifier that it is, if it can be one."""
        if self.kind == "word":
            return self.text
        if self.kind in ("name", "double"):
            mark = self.text[0]
            return self.text[1:-1].replace(mark * 2, mark)
        return None


@dataclass(frozen=True, slots=True)
class TableStatement:
    """A statement that concerns tables, or a database (`tables` is its name)."""

    verb: Verb
    tables: tuple[Name, ...]
    renamed: tuple[tuple[Name, Name], ...] = ()
    actions: tuple[tuple[Token, ...], ...] = ()
    """Of an ALTER TABLE, as they stand between its commas."""
    ignore: bool = False
    """ALTER IGNORE: rows that break a new unique key vanish."""
    index: str | None = None
    """What DROP INDEX drops."""
    partner: Name | None = None
    """The table whose rows an ALTER TABLE of another one exchanges with a partition, or makes one of, or takes out of one."""


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

    def any_of(self, words: Sequence[str] | set[str]) -> str:
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
        """The next `table` or `schema.table`."""
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


def tokens(statement: str, *, escapes: bool = True) -> list[Token]:
    """The statement without white space and comments. `escapes`: a backslash in a text escapes what follows."""
    found = []
    for match in (_TOKEN if escapes else _UNESCAPED).finditer(statement):
        kind = match.lastgroup
        if kind not in ("nothing", "hint") and kind is not None:
            found.append(Token(kind, match[0]))
    return found


def parse(statement: str, *, escapes: bool = True) -> TableStatement | None:
    """What the statement does to tables; None where that is nothing."""
    words = Words(tokens(statement, escapes=escapes))
    match words.any_of(("ALTER", "DROP", "TRUNCATE", "RENAME", "CREATE")):
        case "ALTER":
            return _alter(words)
        case "DROP":
            return _drop(words)
        case "TRUNCATE":
            words.take("TABLE")
            return _of("truncate", words.table())
        case "RENAME":
            return _rename(words)
        case "CREATE":
            return _create(words)
    return None


def _of(verb: Verb, *tables: Name | None) -> TableStatement | None:
    return TableStatement(verb, tuple(table for table in tables if table is not None)) if any(tables) else None


def _alter(words: Words) -> TableStatement | None:
    ignore = False
    while option := words.any_of(_ALTER_OPTIONS):
        ignore = ignore or option == "IGNORE"
    if not words.take("TABLE"):
        return None
    words.take("IF", "EXISTS")
    table = words.table()
    if table is None:
        return None
    if words.any_of(("WAIT", "NOWAIT")) == "WAIT":
        words.name()
    actions = tuple(split(words.tokens[words.place :]))
    renamed = tuple((table, to) for action in actions if (to := _renamed(Words(action))) is not None)
    partner = _partner(Words(actions[0])) if actions else None
    named = (table, *(to for _, to in renamed), *([] if partner is None else [partner]))
    return TableStatement("alter", named, renamed, actions, ignore, partner=partner)


def _partner(action: Words) -> Name | None:
    """The other table of an exchange with a partition."""
    if action.take("EXCHANGE", "PARTITION"):
        action.name()
        return action.table() if action.take("WITH", "TABLE") else None
    if action.take("CONVERT", "PARTITION"):
        action.name()
        return action.table() if action.take("TO", "TABLE") else None
    return action.table() if action.take("CONVERT", "TABLE") else None


def _renamed(action: Words) -> Name | None:
    """The new name that an ALTER TABLE gives the table."""
    if not action.take("RENAME") or action.peek() in ("COLUMN", "INDEX", "KEY"):
        return None
    action.any_of(("TO", "AS", "="))
    return action.table()


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


def _drop(words: Words) -> TableStatement | None:
    if words.any_of(("DATABASE", "SCHEMA")):
        words.take("IF", "EXISTS")
        name = words.name()
        return None if name is None else TableStatement("drop database", ((None, name),))
    if words.take("INDEX"):
        words.take("IF", "EXISTS")
        index = words.name()
        table = words.table() if words.take("ON") else None
        return None if table is None else TableStatement("drop index", (table,), index=index)
    if not words.any_of(("TABLE", "TABLES")):  # nor DROP TEMPORARY TABLE
        return None
    words.take("IF", "EXISTS")
    found = [words.table()]
    while words.take(","):
        found.append(words.table())
    return _of("drop", *found)


def _rename(words: Words) -> TableStatement | None:
    if not words.any_of(("TABLE", "TABLES")):
        return None
    words.take("IF", "EXISTS")
    renamed: list[tuple[Name, Name]] = []
    while (old := words.table()) is not None:
        if words.any_of(("WAIT", "NOWAIT")) == "WAIT":
            words.name()
        new = words.table() if words.take("TO") else None
        if new is not None:
            renamed.append((old, new))
        if not words.take(","):
            break
    return TableStatement("rename", tuple(name for pair in renamed for name in pair), tuple(renamed)) if renamed else None


def _create(words: Words) -> TableStatement | None:
    replace = words.take("OR", "REPLACE")
    if not words.take("TABLE"):
        return None
    words.take("IF", "NOT", "EXISTS")
    return _of("replace" if replace else "create", words.table())
