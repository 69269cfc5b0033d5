"""Clocks, chance and files in transforms, found in their source text: a day's date is the same in two runs."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed

_IMPURE = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.localtime", "time.gmtime", "time.ctime",
    "uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getenv", "os.getpid", "builtins.open", "io.open", "builtins.input",
    "builtins.id", "builtins.hash",
}  # fmt: skip
"""`id` and `hash` differ from process to process."""
_IMPURE_FAMILIES = ("random.", "Random.", "secrets.", "socket.", "subprocess.", "urllib.")


def check(context: Context) -> Iterator[Finding]:
    """No transform asks a clock, chance, or anything outside of its rows."""
    folder = context.config.migration.transforms
    seen: set[str] = set()
    for transform in context.declarations.transforms:
        if transform.function is None:
            continue
        for place, name in impure_calls(transform.function, folder if folder.is_dir() else folder.parent):
            if place not in seen:
                seen.add(place)
                yield failed(
                    f"{place}: the transform of {transform.name} calls {name}, so the same row would not always give the "
                    "same result",
                    "take the value from a column of the row, or leave the target column to a default",
                )


def impure_calls(
    function: Callable[..., Any], folder: Path, visited: set[object] | None = None
) -> Iterator[tuple[str, str]]:
    """(file:line, name) of calls in the function, and in those of `folder` that it calls, whose result may change."""
    visited = set() if visited is None else visited
    if not isinstance(function, FunctionType) or function in visited:
        return
    visited.add(function)
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError):
        return
    closure = inspect.getclosurevars(function).nonlocals
    namespace = {**function.__globals__, **closure}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, called = _resolve(node.func, namespace)
        if name in _IMPURE or name.startswith(_IMPURE_FAMILIES):
            yield f"{function.__code__.co_filename}:{first + node.lineno - 1}", name.removeprefix("builtins.")
        elif isinstance(called, FunctionType) and Path(called.__code__.co_filename).is_relative_to(folder):
            yield from impure_calls(called, folder, visited)


def _resolve(node: ast.expr, namespace: Mapping[str, Any]) -> tuple[str, Any]:
    """The dotted name of what is called, wherever it was imported from, and the object itself."""
    if isinstance(node, ast.Name):
        found = namespace.get(node.id, getattr(builtins, node.id, None))
    elif isinstance(node, ast.Attribute):
        base, owner = _resolve(node.value, namespace)
        if not isinstance(owner, ModuleType | type):
            return "", None
        found = getattr(owner, node.attr, None)
        if not isinstance(found, ModuleType | type | FunctionType):
            return f"{base}.{node.attr}", found
    else:
        return "", None
    if isinstance(found, ModuleType):
        return found.__name__, found
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", "")
    return (f"{module}.{name}" if module else name), found
