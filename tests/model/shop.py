"""The migration of the model: three tables that refer to each other, and every kind of transform over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal, TypeAlias

from replicator import const, copy_table, many, one, transform
from replicator.mysql.catalog import Column, ForeignKey, Index, Table
from replicator.transform.declarations import Declarations, _collecting
from replicator.transform.plan import MigrationPlan
from replicator.transform.planner import make_plan

SOURCE, TARGET = "shop", "shop_new"

Variant = Literal["plain", "silent"]
"""`silent`: with foreign keys whose actions do not stand in the binlog."""
Row: TypeAlias = tuple[int | None, ...]
Tables: TypeAlias = Mapping[str, Mapping[int, Row]]
"""Source table → id → row."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "team": ("id", "rank", "active"),
    "person": ("id", "team_id", "badge", "kind"),
    "entry": ("id", "person_id", "grp", "amount"),
}
"""Of the source."""

TARGETS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "squad": ("id rank? active", ("id",), ()),
    "account": ("id badge? kind", ("id",), ("badge",)),
    "tag": ("person slot", ("person", "slot"), ()),
    "label": ("origin id value?", ("origin", "id"), ()),
    "member": ("id team_id? rank? badge?", ("id",), ()),
    "total": ("first grp? amount members", ("first",), ()),
    "line": ("entry rank? badge? amount", ("entry",), ()),
    "roster": ("team person kind", ("team", "person"), ()),
}
"""Table → columns (`?`: may be NULL), primary key, another unique key."""


def _table(schema: str, name: str, columns: str, key: tuple[str, ...], unique: tuple[str, ...]) -> Table:
    made = tuple(
        Column(text.rstrip("?"), "int", "int", text.endswith("?"), False, None, None, None, None, 10, 0, 0, False, False)
        for text in columns.split()
    )
    indexes = [Index("PRIMARY", True, key, (None,) * len(key))]
    if unique:
        indexes.append(Index("another", True, unique, (None,) * len(unique)))
    by_name = {column.name: column for column in made}
    return Table(schema, name, "InnoDB", made, tuple(indexes), 0, 0, 0, False, (), by_name)


def source_tables() -> dict[str, Table]:
    """As the catalog would describe them."""
    return {
        "team": _table(SOURCE, "team", "id rank? active", ("id",), ()),
        "person": _table(SOURCE, "person", "id team_id? badge? kind", ("id",), ("badge",)),
        "entry": _table(SOURCE, "entry", "id person_id? grp? amount", ("id",), ()),
    }


def target_tables() -> dict[str, Table]:
    """As the catalog would describe them."""
    return {name: _table(TARGET, name, *shape) for name, shape in TARGETS.items()}


def create_statements(tables: Iterable[Table]) -> Iterable[str]:
    """SQLite's DDL of them."""
    for table in tables:
        parts = [f"`{column.name}` int{'' if column.nullable else ' NOT NULL'}" for column in table.columns]
        parts.append(f"PRIMARY KEY ({', '.join(table.primary_key)})")
        parts += [f"UNIQUE ({', '.join(filter(None, index.columns))})" for index in table.unique_keys]
        yield f"CREATE TABLE {table.sql} ({', '.join(parts)})"


ACTIONS = (
    ForeignKey("in_team", SOURCE, "person", ("team_id",), SOURCE, "team", ("id",), "CASCADE", "CASCADE"),
    ForeignKey("of_person", SOURCE, "entry", ("person_id",), SOURCE, "person", ("id",), "SET NULL", "RESTRICT"),
)


@cache
def plan(variant: Variant) -> MigrationPlan:
    """The whole migration, resolved by the engine."""
    declared = Declarations()
    token = _collecting.set(declared)
    try:
        _declare()
    finally:
        _collecting.reset(token)
    silent = variant == "silent"
    return make_plan(declared, source_tables(), target_tables(), ACTIONS if silent else (), logs_cascades=not silent)


def _declare() -> None:
    copy_table("team", target="squad")

    @transform("account", source="person")
    def account(row: Any) -> Any:
        return None if row.kind == 0 else {"id": row.id, "badge": row.badge, "kind": row.kind}

    @transform("tag", source="person", key={"person": "id"})
    def tag(row: Any) -> Any:
        return [{"person": row.id, "slot": slot} for slot in range(row.kind)]

    @transform("label", source="team", key={"origin": const(1), "id": "id"})
    def label_of_team(row: Any) -> Any:
        return {"origin": 1, "id": row.id, "value": row.rank}

    @transform("label", source="person", key={"origin": const(2), "id": "id"})
    def label_of_person(row: Any) -> Any:
        return {"origin": 2, "id": row.id, "value": row.badge} if row.badge else None

    @transform("member", source="person", related={"team": one("team", where={"id": "team_id"})})
    def member(row: Any, team: Any) -> Any:
        if team is not None and team.active == 0:
            return None
        return {"id": row.id, "team_id": row.team_id, "rank": None if team is None else team.rank, "badge": row.badge}

    @transform("total", source="entry", group_by=["grp"], key={"grp": "grp"})
    def total(rows: Any) -> Any:
        amount = sum(row.amount for row in rows)
        if amount == 0:
            return None
        return {"first": rows[0].id, "grp": rows[0].grp, "amount": amount, "members": len(rows)}

    @transform(
        "line",
        source="entry",
        key={"entry": "id"},
        related={"person": one("person", where={"id": "person_id"}), "team": one("team", where={"id": "person.team_id"})},
    )
    def line(row: Any, person: Any, team: Any) -> Any:
        if person is None:
            return None
        rank = None if team is None else team.rank
        return {"entry": row.id, "rank": rank, "badge": person.badge, "amount": row.amount}

    @transform("roster", source="team", key={"team": "id"}, related={"people": many("person", where={"team_id": "id"})})
    def roster(row: Any, people: Any) -> Any:
        return [{"team": row.id, "person": person.id, "kind": person.kind} for person in people] if row.active else []


def expected(tables: Tables) -> dict[str, set[Row]]:
    """T, written down a second time: what the target has to hold for these source tables."""
    team, person, entry = tables["team"], tables["person"], tables["entry"]
    teams_of = {row[0]: None if row[1] is None else team.get(row[1]) for row in person.values()}
    made: dict[str, set[Row]] = {name: set() for name in TARGETS}
    made["squad"] = set(team.values())
    made["label"] = {(1, row[0], row[1]) for row in team.values()}
    for key, team_id, badge, kind in person.values():
        assert kind is not None
        found = teams_of[key]
        if kind:
            made["account"].add((key, badge, kind))
        made["tag"] |= {(key, slot) for slot in range(kind)}
        if badge:
            made["label"].add((2, key, badge))
        if found is None or found[2]:
            made["member"].add((key, team_id, None if found is None else found[1], badge))
        if found is not None and found[2]:
            made["roster"].add((team_id, key, kind))
    groups: dict[int | None, list[Row]] = {}
    for row in sorted(entry.values(), key=lambda row: row[0] or 0):
        groups.setdefault(row[2], []).append(row)
        owner = None if row[1] is None else person.get(row[1])
        if owner is not None:
            found = teams_of[owner[0]]
            made["line"].add((row[0], None if found is None else found[1], owner[2], row[3]))
    for group, members in groups.items():
        amount = sum(member[3] or 0 for member in members)
        if amount:
            made["total"].add((members[0][0], group, amount, len(members)))
    return made
