"""All declarations held against the two schemas and against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replicator.errors import TransformDeclarationError
from replicator.mysql.catalog import Column, ForeignKey, Table
from replicator.mysql.literals import encoder
from replicator.transform.carried import cascades_to, source_tables
from replicator.transform.declarations import Declarations
from replicator.transform.plan import MigrationPlan, PlannedTransform
from replicator.transform.resolver import Resolver, hint


def make_plan(
    declarations: Declarations,
    source: Mapping[str, Table],
    target: Mapping[str, Table],
    foreign_keys: Sequence[ForeignKey] = (),
    *,
    logs_cascades: bool = True,
) -> MigrationPlan:
    """Resolve the declarations; raises TransformDeclarationError with every problem found, each with its place."""
    problems: list[str] = []
    transforms: list[PlannedTransform] = []
    for declaration in declarations.transforms:
        resolver = Resolver(declaration, source, target)
        planned = resolver.resolve()
        problems += resolver.problems
        if planned is not None and not resolver.problems:
            transforms.append(planned)
    problems += _unit_problems(transforms)
    problems += _naming_problems(declarations, source)
    problems += _view_problems(declarations, target)
    if problems:
        raise TransformDeclarationError(problems)
    read = {transform.source.name for transform in transforms}
    read |= {related.table.name for transform in transforms for related in transform.related}
    read |= {join.table for transform in transforms for related in transform.related for join in related.path}
    cascades = () if logs_cascades else cascades_to(foreign_keys, read)
    named = {transform.source.name for transform in transforms}
    named |= {unmapped.table for unmapped in (*declarations.dropped, *declarations.kept)}
    schemas = {table.schema for table in source.values()}
    return MigrationPlan(
        source_schema=next(iter(schemas), ""),
        target_schema=next((table.schema for table in target.values()), ""),
        sources=source_tables(transforms, source, cascades),
        transforms=tuple(transforms),
        dropped=tuple(declarations.dropped),
        kept=tuple(declarations.kept),
        views=tuple(declarations.views),
        unmapped=tuple(sorted(set(source) - named - read)),
        cascades=cascades,
        logs_cascades=logs_cascades,
        targets={transform.target.name: transform.target for transform in transforms},
        beside=tuple(sorted(set(target) - {transform.target.name for transform in transforms})),
    )


def _unit_problems(transforms: Sequence[PlannedTransform]) -> list[str]:
    """Two transforms that feed one target must have disjoint keys."""
    problems = []
    for index, first in enumerate(transforms):
        for second in transforms[index + 1 :]:
            if first.target.name != second.target.name:
                continue
            right, by_name = dict(second.constants), first.target.by_name
            if not any(name in right and _differ(by_name[name], value, right[name]) for name, value in first.constants):
                problems.append(
                    f"{second.declaration.place}: {first.name} and {second.name} feed the same table: give both a key with a"
                    " different const(...) in the same column, so that their rows cannot meet"
                )
    return problems


def _differ(column: Column, one: object, other: object) -> bool:
    """Whether the column tells the two constants apart for certain: what equals a text beyond ASCII only the server knows."""
    if not (column.is_text and isinstance(one, str) and isinstance(other, str)) or column.members:
        return encoder(column)(one) != encoder(column)(other)
    if (column.collation or "").endswith("_bin"):
        return one.rstrip(" ") != other.rstrip(" ")
    plain = all(text.isascii() and text.isprintable() for text in (one, other))
    return plain and one.lower().rstrip(" ") != other.lower().rstrip(" ")


def _naming_problems(declarations: Declarations, source: Mapping[str, Table]) -> list[str]:
    problems = []
    seen: dict[str, str] = {}
    used = {declaration.source for declaration in declarations.transforms}
    for unmapped in (*declarations.dropped, *declarations.kept):
        if unmapped.table not in source:
            problems.append(f'{unmapped.place}: no source table "{unmapped.table}"{hint(unmapped.table, source)}')
        if unmapped.table in seen or unmapped.table in used:
            problems.append(f'{unmapped.place}: "{unmapped.table}" is already named elsewhere: a table has one fate')
        if not unmapped.reason.strip():
            problems.append(f'{unmapped.place}: "{unmapped.table}" needs a reason')
        seen[unmapped.table] = unmapped.place
    return problems


def _view_problems(declarations: Declarations, target: Mapping[str, Table]) -> list[str]:
    problems, seen = [], dict.fromkeys(target, "is a target table")
    seen |= {kept.table: "stays where it is" for kept in declarations.kept}
    for view in declarations.views:
        if view.name in seen:
            problems.append(f'{view.place}: the name of the legacy view "{view.name}" is taken: it {seen[view.name]}')
        if not view.query.upper().startswith(("SELECT", "WITH")):
            problems.append(f'{view.place}: the legacy view "{view.name}" needs a SELECT on the new tables')
        seen[view.name] = "is a legacy view already"
    return problems
