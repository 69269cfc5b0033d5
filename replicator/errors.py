"""Every error that an operator can meet. The type decides the exit code and whether trying again can help.

ReplicatorError                    1
├── ConfigError                    2   a setting, a flag or a migration file is wrong
│   └── TransformDeclarationError  2   a transform is declared in a way that cannot work
├── CheckFailed                    3   preflight found something
├── WrongState                     4   the command does not fit the phase
├── SourceError                    5   the source cannot be reached or refuses
├── TargetError                    6   the target cannot be reached or refuses
├── VerificationFailed             7   the target differs from the transform of the source
├── CutoverUndone                  8   the attempt was undone, nothing changed
├── CutoverInDoubt                 9   a person must look
├── BadRow                         3   a row that the transform or the target refuses
├── StreamError                    5   the binlog cannot be read exactly
│   ├── SchemaChanged              5   DDL on a table that a transform reads
│   ├── BinlogPurged               5   the position is gone
│   └── Unsupported                5   an event that cannot be applied exactly
└── Interrupted                  130
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class ReplicatorError(Exception):
    """Something went wrong; the message says what, where, and what to do next."""

    exit_code: ClassVar[int] = 1
    transient: ClassVar[bool] = False
    """Whether the same step may succeed when it is simply tried again."""

    @property
    def label(self) -> str:
        """The bounded name used in metrics and logs."""
        return type(self).__name__


class ConfigError(ReplicatorError):
    """One or more settings are wrong; all of them are listed."""

    exit_code = 2

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class TransformDeclarationError(ConfigError):
    """A transform is declared in a way that cannot work."""


class CheckFailed(ReplicatorError):
    """A preflight check failed; each failure carries its fix."""

    exit_code = 3


class BadRow(ReplicatorError):
    """A row that cannot be written exactly: names table, key, column and the value's type, never the value."""

    exit_code = 3

    def __init__(self, table: str, key: str, reason: str, column: str | None = None) -> None:
        self.table = table
        self.key = key
        self.column = column
        self.reason = reason
        place = f"{table}.{column}" if column else table
        super().__init__(f"{place}, key {key}: {reason}")


class WrongState(ReplicatorError):
    """The command does not fit the phase the migration is in."""

    exit_code = 4


class SourceError(ReplicatorError):
    """The source cannot be reached or refuses."""

    exit_code = 5


class TargetError(ReplicatorError):
    """The target cannot be reached or refuses."""

    exit_code = 6


class ConnectionLost(ReplicatorError):
    """A connection broke in the middle; the step is repeated from the last checkpoint."""

    transient = True


class SourceConnectionLost(ConnectionLost, SourceError):
    """The connection to the source broke."""

    exit_code = 5


class EventDamaged(SourceConnectionLost):
    """An event's checksum does not fit: damaged on its way, which passes, or on disk, which does not."""


class TargetConnectionLost(ConnectionLost, TargetError):
    """The connection to the target broke."""

    exit_code = 6


class SourceNotWritable(SourceConnectionLost):
    """The source takes no writes for now: it is read-only, or its disk is full."""


class TargetNotWritable(TargetConnectionLost):
    """The target takes no writes for now: it is read-only, or its disk is full."""


class LockLost(TargetConnectionLost):
    """The lock that keeps a second daemon out is not held: nothing is written until it is taken again."""


class StreamError(SourceError):
    """The binlog cannot be read exactly."""


class SchemaChanged(StreamError):
    """DDL on a table that a transform reads."""


class BinlogPurged(StreamError):
    """The position to go on from is no longer in the source's binlog."""


class Unsupported(StreamError):
    """An event that cannot be applied exactly."""


class VerificationFailed(ReplicatorError):
    """The target differs from the transform of the source."""

    exit_code = 7


class CutoverUndone(ReplicatorError):
    """The cutover was undone; nothing changed."""

    exit_code = 8


class CutoverInDoubt(ReplicatorError):
    """The outcome of the switch is not known; the message says what to look at."""

    exit_code = 9


class Interrupted(ReplicatorError):
    """Stopped by a signal."""

    exit_code = 130
