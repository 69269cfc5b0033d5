"""What a DDL statement on the source means for the rows that transforms read.

Three answers. It leaves them all as they are: it passes. What it did to them follows from the statement alone, as with
TRUNCATE: it is applied. All else stops the stream in front of it, with a message that says what to do; it is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from replicator.apply.ddl_text import TableStatement, parse
from replicator.binlog.events import Ddl
from replicator.binlog.words import Name, Words, split
from replicator.errors import SchemaChanged
from replicator.mysql.catalog import Table
from replicator.transform.plan import MigrationPlan, PlannedTransform


class Consequence(Enum):
    """What is known about the rows behind a statement that does not pass."""

    EMPTIED = auto()
    """The tables have no rows any more: applied as it is."""
    CHANGED = auto()
    """Each row is still there; whether its values are the same to the transforms, a person has to say."""
    GONE = auto()
    """The tables are gone. Who has put them back, empty, may have the stream take them for emptied."""
    UNKNOWN = auto()
    """Rows came, went or changed, and the binlog does not say which."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A statement that does not pass."""

    ddl: Ddl
    consequence: Consequence
    tables: tuple[str, ...]
    """Source tables of the plan."""
    why: str

    @property
    def follows(self) -> bool:
        """Whether what it did to the rows follows from the statement."""
        return self.consequence == Consequence.EMPTIED

    @property
    def acceptable(self) -> bool:
        """Whether a person may decide that it goes on behind the statement."""
        return self.consequence in (Consequence.CHANGED, Consequence.GONE)

    @property
    def empties(self) -> bool:
        """Whether its tables have no rows when it goes on."""
        return self.consequence in (Consequence.EMPTIED, Consequence.GONE)


def judge(ddl: Ddl, plan: MigrationPlan) -> SchemaChange | None:
    """What the statement means; None where it passes.

    Names compare without case, as some servers do, unless a table is called exactly so.
    """
    statement = parse(ddl.statement, ddl.dialect)
    if statement is None:
        return None
    known = {name.lower(): name for name in plan.sources}

    def mine(name: Name) -> str | None:
        schema, table = name
        if (ddl.schema if schema is None else schema).lower() != plan.source_schema.lower():
            return None
        return table if table in plan.sources else known.get(table.lower())

    if statement.verb == "unknown":
        schema = plan.source_schema.lower()
        near = ddl.schema.lower() == schema or schema in ddl.statement.lower()
        why = f"it is not known what it does to the tables of {plan.source_schema}"
        return SchemaChange(ddl, Consequence.UNKNOWN, tuple(plan.sources), why) if near else None
    if statement.verb == "drop database":
        same = statement.tables[0][1].lower() == plan.source_schema.lower()
        return SchemaChange(ddl, Consequence.GONE, tuple(plan.sources), "the database is gone") if same else None
    tables = tuple(dict.fromkeys(found for name in statement.tables if (found := mine(name)) is not None))
    if not tables:
        return None
    here = f"{plan.source_schema}.{', '.join(tables)}"
    match statement.verb:
        case "truncate" if ddl.temporary:
            why = f"it may have emptied {here}, or a temporary table of that name, which its session has hidden it with"
            return SchemaChange(ddl, Consequence.CHANGED, tables, why)
        case "truncate":
            return SchemaChange(ddl, Consequence.EMPTIED, tables, f"{here} is empty")
        case "drop" | "replace":
            return SchemaChange(ddl, Consequence.GONE, tables, f"{here} is gone")
        case "drop index":
            effect = _index_dropped(statement.index, plan.sources[tables[0]].table)
            return None if effect is None else SchemaChange(ddl, Consequence.CHANGED, tables, effect)
    if any(mine(partner) is not None for partner in statement.partners):
        return SchemaChange(ddl, Consequence.UNKNOWN, tables, f"rows of {here} changed places with those of a partition")
    if statement.renamed:
        gone = {found for old, _ in statement.renamed if (found := mine(old)) is not None}
        come = {found for _, new in statement.renamed if (found := mine(new)) is not None}
        if come - gone:
            return SchemaChange(ddl, Consequence.UNKNOWN, tables, f"rows of another table came to {here} with it")
        if gone - come:
            return SchemaChange(ddl, Consequence.GONE, tables, f"{here} has another name")
        return SchemaChange(ddl, Consequence.CHANGED, tables, f"another table has taken the place of {here}")
    return _altered(ddl, statement, plan, tables[0])


def _altered(ddl: Ddl, statement: TableStatement, plan: MigrationPlan, table: str) -> SchemaChange | None:
    if statement.ignore:
        why = f"ALTER IGNORE may have removed rows of {plan.source_schema}.{table}"
        return SchemaChange(ddl, Consequence.UNKNOWN, (table,), why)
    for action in statement.actions:
        if (kept := _partitioning(Words(action))) is not None:  # behind the commas stand more partitions
            why = f"a partition of {plan.source_schema}.{table} has changed its rows"
            return None if kept else SchemaChange(ddl, Consequence.UNKNOWN, (table,), why)
        effect = _Action(plan, table).effect(Words(action))
        if effect is not None:
            return SchemaChange(ddl, effect[0], (table,), effect[1])
    return None


_Effect = tuple[Consequence, str]

_INDEX = {"INDEX", "KEY", "FULLTEXT", "SPATIAL", "UNIQUE", "CHECK", "CONSTRAINT", "PRIMARY", "FOREIGN"}
_HARMLESS_OPTIONS = {
    "COMMENT", "AUTO_INCREMENT", "ROW_FORMAT", "KEY_BLOCK_SIZE", "STATS_PERSISTENT", "STATS_AUTO_RECALC",
    "STATS_SAMPLE_PAGES", "CHECKSUM", "TABLE_CHECKSUM", "PAGE_CHECKSUM", "COMPRESSION", "ENCRYPTION", "ENCRYPTED",
    "ENCRYPTION_KEY_ID", "PAGE_COMPRESSED", "PAGE_COMPRESSION_LEVEL", "MAX_ROWS", "MIN_ROWS", "AVG_ROW_LENGTH",
    "PACK_KEYS", "DELAY_KEY_WRITE", "TABLESPACE", "ALGORITHM", "LOCK", "CHARSET", "COLLATE", "AUTOEXTEND_SIZE",
}  # fmt: skip
"""Table options that concern no row that is there; the charset is that of columns yet to come."""
_HARMLESS_PARTITIONING = {"ADD", "REORGANIZE", "REBUILD", "OPTIMIZE", "ANALYZE", "CHECK", "COALESCE"}
"""… PARTITION: rows move, or the statement fails."""


def _partitioning(action: Words) -> bool | None:
    """Whether what an ALTER TABLE does to partitions leaves every row; None where it begins with something else."""
    if action.take("PARTITION", "BY") or action.take("REMOVE", "PARTITIONING"):
        return True
    if action.peek(1) == "PARTITION":
        return action.peek() in _HARMLESS_PARTITIONING
    return False if action.peek() == "CONVERT" and action.peek(1) != "TO" else None  # a table becomes a partition


@dataclass(frozen=True, slots=True)
class _Action:
    """One action of an ALTER TABLE."""

    plan: MigrationPlan
    table: str

    def effect(self, words: Words) -> _Effect | None:
        """None where every row stays as transforms see it."""
        if (cascading := self._cascading(words)) is not None:
            return cascading
        if words.peek(1) in ("SYSTEM", "PERIOD"):  # from then on the binlog has rows of the past among the others
            return self._not_understood()
        match words.any_of(("ADD", "DROP", "MODIFY", "CHANGE", "ALTER", "RENAME", "CONVERT", "ORDER", "FORCE", "ENABLE",
                            "DISABLE")):  # fmt: skip
            case "ADD":
                return self._added(words)
            case "DROP":
                return self._dropped(words)
            case "MODIFY":
                words.take("COLUMN")
                words.take("IF", "EXISTS")
                return self._changed(words.name())
            case "CHANGE":
                words.take("COLUMN")
                words.take("IF", "EXISTS")
                return self._changed(words.name()) or self._touched(words.name())
            case "RENAME":
                return self._renamed(words)
            case "ALTER" | "ORDER" | "FORCE" | "ENABLE" | "DISABLE":  # a default is for rows yet to come
                return None
            case "":
                return self._options(words)
        return self._not_understood()

    @property
    def _place(self) -> str:
        return f"{self.plan.source_schema}.{self.table}"

    def _not_understood(self) -> _Effect:
        return Consequence.CHANGED, f"it is not known what it does to the rows of {self._place}"

    # Columns ----------------------------------------------------------------------------------------------

    def _touched(self, column: str | None) -> _Effect | None:
        """A column that transforms read is another one now."""
        if column is None:
            return self._not_understood()
        source = self.plan.sources[self.table]
        if column.lower() not in {name.lower() for name in (*source.columns, *source.before)}:
            return None
        return Consequence.CHANGED, f"transforms read its column {column}"

    def _changed(self, column: str | None) -> _Effect | None:
        """A column has other values now, and so has what the server makes of it."""
        touched = self._touched(column)
        if touched is not None or column is None:
            return touched
        source = self.plan.sources[self.table]
        made = next((name for name in source.columns if column.lower() in source.table.made_of(name)), None)
        if made is None:
            return None
        return Consequence.CHANGED, f"transforms read its column {made}, which is made of {column}"

    def _added(self, words: Words) -> _Effect | None:
        if words.peek() in _INDEX:
            return self._keyed(words)
        words.take("COLUMN")
        words.take("IF", "NOT", "EXISTS")
        if words.take("("):
            inside = list(words.tokens[words.place :])
            while inside and inside[-1].word != ")":
                inside.pop()
            effects = (self._added(Words(part)) for part in split(inside[:-1]))
            return next((effect for effect in effects if effect is not None), None)
        return self._column_added(words)

    def _keyed(self, words: Words) -> _Effect | None:
        """A new primary key makes its columns NOT NULL: without strict mode a NULL in them becomes another value."""
        table = self.plan.sources[self.table].table
        found = words.tokens[words.place :]
        if not any(token.word == "PRIMARY" for token in found):
            return None
        named = (table.column(token.name) for token in found if token.name is not None)
        nullable = (self._changed(column.name) for column in named if column is not None and column.nullable)
        return next((effect for effect in nullable if effect is not None), None)

    def _column_added(self, words: Words) -> _Effect | None:
        column = words.name()
        touched = self._touched(column)
        if touched is not None or column is None:
            return touched
        taking = next((one for one in self.plan.transforms if self._takes(one, column)), None)
        if taking is None:
            return None
        return Consequence.CHANGED, f"{taking.name} takes every column of {self._place}, and so would take {column}"

    def _takes(self, transform: PlannedTransform, column: str) -> bool:
        """Whether the transform, read again, may see a column that it did not name."""
        table = self.plan.sources[self.table].table
        if transform.source.name == self.table:
            if transform.declaration.function is None:
                return column not in transform.declaration.omit
            if set(transform.columns) >= set(table.by_name):
                return True
        return any(item.table.name == self.table and set(item.columns) >= set(table.by_name) for item in transform.related)

    def _dropped(self, words: Words) -> _Effect | None:
        table = self.plan.sources[self.table].table
        if words.take("PRIMARY", "KEY"):
            effect = _index_dropped("PRIMARY", table)
            return None if effect is None else (Consequence.CHANGED, effect)
        kind = words.any_of(("INDEX", "KEY", "CONSTRAINT", "CHECK", "FOREIGN", "COLUMN"))
        if kind == "FOREIGN":
            words.take("KEY")
        words.take("IF", "EXISTS")
        name = words.name()
        if kind in ("", "COLUMN"):
            return self._touched(name)
        if any(key.table == self.table and key.name.lower() == (name or "").lower() for key in self.plan.cascades):
            return Consequence.CHANGED, f"the foreign key {name} of {self._place} is followed, as the source does not log it"
        effect = _index_dropped(name, table)
        return None if effect is None else (Consequence.CHANGED, effect)

    def _renamed(self, words: Words) -> _Effect | None:
        if words.any_of(("INDEX", "KEY")):
            return None
        words.take("COLUMN")
        words.take("IF", "EXISTS")
        old = words.name()
        new = words.name() if words.take("TO") else None
        return self._touched(old) or self._touched(new)

    def _cascading(self, words: Words) -> _Effect | None:
        """A new foreign key whose actions the source does not log changes rows from now on."""
        found = [token.word for token in words.tokens]
        acts = "REFERENCES" in found and any(word in found for word in ("CASCADE", "SET"))
        if not acts or self.plan.logs_cascades:
            return None
        return Consequence.CHANGED, f"its new foreign key changes rows of {self._place}, and the source does not log that"

    # Options ----------------------------------------------------------------------------------------------

    def _options(self, words: Words) -> _Effect | None:
        """`ENGINE = InnoDB COMMENT 'x'`: all of them have to be known."""
        while words.more():
            if words.take("PARTITION", "BY") or words.take("REMOVE", "PARTITIONING"):
                return None
            words.take("DEFAULT")
            if words.take("CHARACTER", "SET"):
                option = "CHARSET"
            else:
                option = words.peek()
                words.place += 1
            words.take("=")
            value = words.tokens[words.place].text.lower().strip("`'\"") if words.more() else ""
            words.place += 1
            if not (option in _HARMLESS_OPTIONS or (option == "ENGINE" and value == "innodb")):
                return self._not_understood()
        return None


def _index_dropped(index: str | None, table: Table) -> str | None:
    """What is wrong with it: rows were told apart by it."""
    if index is None:
        return f"it is not known what it does to the rows of {table.schema}.{table.name}"
    found = next((one for one in table.indexes if one.name.lower() == index.lower()), None)
    keyed = found is not None and found.unique and set(found.columns) == set(table.row_key)
    return f"the rows of {table.schema}.{table.name} were told apart by {index}" if keyed else None


def schema_changed(change: SchemaChange, *, exact: bool) -> SchemaChanged:
    """The error that stops the stream. `exact` is False while the copy is not complete."""
    statement = " ".join(change.ddl.statement.split())
    position = change.ddl.position
    accepted = f"`replicator run --set stream.accept_schema_change={position}`"
    anew = "abort and run again"
    advice = {
        Consequence.CHANGED: (
            f"Change transforms and target so that they fit, then go on from here with {accepted}: it compares every row,"
            f" and `replicator verify --repair` writes anew what differs. Or {anew}"
        ),
        Consequence.GONE: (
            f"Where the table has been created anew, {accepted} goes on from here as if all its rows had been deleted."
            f" Where it is no longer wanted, take it out of the transforms and do the same. Otherwise {anew}"
        ),
    }.get(change.consequence, f"The binlog does not say which rows: {anew}")
    if not exact:
        advice = f"The copy was not complete: {anew}"
    return SchemaChanged(
        f"the schema of the source changed at {position}: {statement[:200]} — {change.why}. {advice}"
    )
