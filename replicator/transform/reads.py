"""Which columns a transform reads, found in its syntax tree.

A column that nobody reads is neither decoded, nor staged, nor sent. The answer must never be too small, so whatever is
not understood — a row handed to another function, returned, iterated — counts as reading every column.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

Binding = tuple[str, bool]
"""Name of the parameter whose rows these are, and whether it is a list of them."""

_LIST_FUNCTIONS = {"sorted", "reversed", "list", "tuple", "filter"}
_ROW_FUNCTIONS = {"min", "max"}
_COMPARING = {"sorted", *_ROW_FUNCTIONS}


def columns_read(function: Callable[..., Any], parameters: Mapping[str, bool]) -> dict[str, frozenset[str] | None]:
    """For each parameter (name → whether it is a list of rows) the columns read of it; None stands for all."""
    if inspect.unwrap(function) is not function:  # what is seen below is the function inside
        return dict.fromkeys(parameters)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return dict.fromkeys(parameters)
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef):
        return dict.fromkeys(parameters)
    reader = _Reader({name: {(name, many)} for name, many in parameters.items()})
    known = None
    while known != reader.bound:  # a loop may use a name in front of where it is bound
        known = {name: set(rows) for name, rows in reader.bound.items()}
        for statement in node.body:
            reader.visit(statement)
    return {name: None if name in reader.escaped else frozenset(reader.read.get(name, ())) for name in parameters}


class _Reader(ast.NodeVisitor):
    def __init__(self, bound: dict[str, set[Binding]]) -> None:
        self.bound = bound
        self.read: dict[str, set[str]] = {}
        self.escaped: set[str] = set()

    # Expressions that are rows or lists of rows -----------------------------------------------------------

    def bindings(self, node: ast.expr) -> set[Binding]:
        """The rows that `node` stands for, when it is an expression whose every use is followed."""
        match node:
            case ast.Name(id=name) if name in self.bound:
                return self.bound[name]
            case ast.Subscript(value=value, slice=index) if not _is_text(index):
                found = {binding for binding in self.bindings(value) if binding[1]}
                if found:
                    self.visit(index)
                    many = isinstance(index, ast.Slice)
                    return {(name, many) for name, _ in found}
            case ast.Call(func=ast.Name(id=function), args=[first, *_], keywords=keywords) if (
                function in _LIST_FUNCTIONS | _ROW_FUNCTIONS and not _compares_rows(function, keywords)
            ):
                place = 1 if function == "filter" and len(node.args) == 2 else 0
                found = {binding for binding in self.bindings(node.args[place]) if binding[1]}
                if found and len(node.args) == place + 1:
                    for key in [keyword.value for keyword in keywords] + ([first] if place else []):
                        self.lambda_over(key, found)
                    return {(name, function in _LIST_FUNCTIONS) for name, _ in found}
            case ast.ListComp(elt=element, generators=generators) | ast.GeneratorExp(elt=element, generators=generators):
                if isinstance(element, ast.Name) and self.sources_are_rows(generators, element.id):
                    self.generators(generators)
                    return {(name, True) for name, many in self.bound.get(element.id, set()) if not many}
            case ast.IfExp(test=test, body=body, orelse=orelse):
                found = self.bindings(body) | self.bindings(orelse)
                if found:
                    self.test(test)
                    for part in (body, orelse):
                        if not self.bindings(part):
                            self.visit(part)
                    return found
        return set()

    def sources_are_rows(self, generators: list[ast.comprehension], name: str) -> bool:
        return any(
            isinstance(generator.target, ast.Name) and generator.target.id == name and self.bindings(generator.iter)
            for generator in generators
        )

    def lambda_over(self, node: ast.expr, rows: set[Binding]) -> None:
        """A `key=` function applied to each row."""
        if isinstance(node, ast.Lambda) and len(node.args.args) == 1:
            self.bind(node.args.args[0].arg, {(name, False) for name, _ in rows})
            self.visit(node.body)
        elif not isinstance(node, ast.Constant):
            self.escaped.update(name for name, _ in rows)
            self.visit(node)

    def bind(self, name: str, rows: set[Binding]) -> None:
        self.bound.setdefault(name, set()).update(rows)

    # Statements and expressions ---------------------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> None:
        found = self.bindings(node.value)
        if not found:
            self.generic_visit(node)
        for name, many in found:
            if many:
                self.escaped.add(name)
            else:
                self.read.setdefault(name, set()).add(node.attr)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if _is_text(node.slice):
            found = self.bindings(node.value)
            for name, many in found:
                if many:
                    self.escaped.add(name)
                else:
                    assert isinstance(node.slice, ast.Constant)
                    self.read.setdefault(name, set()).add(str(node.slice.value))
            if found:
                return
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.escaped.update(name for name, _ in self.bound.get(node.id, ()))

    def visit_Compare(self, node: ast.Compare) -> None:
        if all(isinstance(operator, ast.Is | ast.IsNot) for operator in node.ops):
            for part in (node.left, *node.comparators):
                if not self.bindings(part):
                    self.visit(part)
        else:
            self.generic_visit(node)

    def test(self, node: ast.expr) -> None:
        """A condition: a bare row or list in it is only asked whether it is there."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.test(node.operand)
        elif isinstance(node, ast.BoolOp):
            for part in node.values:
                self.test(part)
        elif not self.bindings(node):
            self.visit(node)

    def visit_If(self, node: ast.If) -> None:
        self.test(node.test)
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.test(node.test)
        self.visit(node.body)
        self.visit(node.orelse)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self.test(node.operand)
        else:
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(func=ast.Name(id="len" | "bool"), args=[only]) if self.bindings(only):
                return
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        found = self.bindings(node.value)
        if found and all(isinstance(target, ast.Name) for target in node.targets):
            for target in node.targets:
                assert isinstance(target, ast.Name)
                self.bind(target.id, set(found))
        else:
            self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self.loop(node.target, node.iter)
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def loop(self, target: ast.expr, source: ast.expr) -> None:
        match source, target:
            case (
                ast.Call(func=ast.Name(id="enumerate"), args=[inner, *rest]),
                ast.Tuple(elts=[ast.Name(), ast.Name(id=name)]),
            ) if found := self.lists(inner):
                for part in rest:
                    self.visit(part)
                self.bind(name, found)
            case _, ast.Name(id=name) if found := self.lists(source):
                self.bind(name, found)
            case _:
                self.visit(source)

    def lists(self, node: ast.expr) -> set[Binding]:
        return {(name, False) for name, many in self.bindings(node) if many}

    def generators(self, generators: list[ast.comprehension]) -> None:
        for generator in generators:
            self.loop(generator.target, generator.iter)
            for condition in generator.ifs:
                self.test(condition)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self.generators(node.generators)
        self.visit(node.elt)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self.comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self.comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self.comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.generators(node.generators)
        self.visit(node.key)
        self.visit(node.value)


def _compares_rows(function: str, keywords: list[ast.keyword]) -> bool:
    """Whether whole rows are compared, all their columns in table order."""
    return function in _COMPARING and all(keyword.arg != "key" for keyword in keywords)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
