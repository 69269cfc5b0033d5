"""What goes through the pipes between the daemon and its workers: orders to them, errors back, one JSON line each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from replicator.config import Config
from replicator.errors import BadRow, ConfigError, ReplicatorError


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is to do."""

    config: Config
    jobs: tuple[str, ...]
    transforms: str
    """Their fingerprint: a worker that is started later must not take up what was edited since."""


def tell(stream: IO[str], event: str, error: ReplicatorError) -> None:
    """Write one line."""
    fields: dict[str, Any] = {"event": event, "type": type(error).__name__, "message": str(error)}
    if isinstance(error, BadRow):
        fields |= {"table": error.table, "key": error.key, "reason": error.reason, "column": error.column}
    if isinstance(error, ConfigError):
        fields |= {"problems": error.problems}
    print(json.dumps(fields), file=stream, flush=True)


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
