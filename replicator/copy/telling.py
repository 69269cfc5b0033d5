"""Errors of worker processes on their way to the daemon: one JSON line each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from replicator.errors import BadRow, ConfigError, ReplicatorError


def tell(event: str, error: ReplicatorError) -> None:
    """One JSON line on standard output."""
    fields: dict[str, Any] = {"event": event, "type": type(error).__name__, "message": str(error)}
    if isinstance(error, BadRow):
        fields |= {"table": error.table, "key": error.key, "reason": error.reason, "column": error.column}
    if isinstance(error, ConfigError):
        fields |= {"problems": error.problems}
    print(json.dumps(fields), flush=True)


def told(fields: Mapping[str, Any]) -> ReplicatorError:
    """The error of such a line."""
    kind = _KINDS.get(fields["type"], ReplicatorError)
    if kind is BadRow:
        return BadRow(fields["table"], fields["key"], fields["reason"], fields["column"])
    if issubclass(kind, ConfigError):
        return kind(fields["problems"])
    return kind(fields["message"])


def _kinds(kind: type[ReplicatorError]) -> dict[str, type[ReplicatorError]]:
    found = {kind.__name__: kind}
    for below in kind.__subclasses__():
        found |= _kinds(below)
    return found


_KINDS = _kinds(ReplicatorError)
