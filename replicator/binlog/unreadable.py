"""Errors for what the binlog holds and what cannot be turned into rows exactly: where it stands, and what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime

from replicator.binlog.codes import EventType
from replicator.binlog.place import Place
from replicator.errors import BinlogPurged, EventDamaged, StreamError, Unsupported
from replicator.mysql.connection import Endpoint
from replicator.mysql.position import Position


class Unreadable:
    """Makes the errors of one stream; who has found what is wrong raises them. `place` is where the stream stands."""

    def __init__(self, endpoint: Endpoint, place: Place) -> None:
        self._endpoint = endpoint
        self._place = place

    @property
    def _source(self) -> str:
        return f"source {self._endpoint.address}:"

    @property
    def _here(self) -> str:
        return f"{self._source} at {self._place}"

    def damaged(self) -> EventDamaged:
        """The next event's checksum does not fit."""
        return EventDamaged(
            f"{self._source} the event behind {self._place} has a wrong checksum: damaged on its way or on disk."
        )

    def undecodable(self, kind: int, error: Exception) -> StreamError:
        """An event is not as its type says."""
        return StreamError(
            f"{self._source} the event of type {kind} that ends at {self._place} cannot be read ({type(error).__name__}:"
            f" {error}). Report this with the server's version."
        )

    def event(self, kind: int) -> Unsupported:
        """An event of a type that must not be passed over."""
        match kind:
            case EventType.INCIDENT:
                return Unsupported(
                    f"{self._here} the source wrote an incident event: its binlog misses changes. Start the migration again"
                    " behind it."
                )
            case EventType.BEGIN_LOAD_QUERY | EventType.APPEND_BLOCK | EventType.EXECUTE_LOAD_QUERY:
                return self.statement("LOAD DATA")
            case _:
                return Unsupported(
                    f"{self._here} an event of type {kind} ends, which is not known here and may not be ignored. A newer"
                    " release may know it."
                )

    def statement(self, what: str) -> Unsupported:
        """A change is logged as the statement that made it."""
        return Unsupported(
            f"{self._here} {what} is logged as a statement, so that the rows it changed are not known. SET GLOBAL"
            " binlog_format = ROW, see that no session sets another one, and start the migration again behind it."
        )

    def rolled_back(self, what: str) -> Unsupported:
        """Rows are followed by a rollback."""
        return Unsupported(
            f"{self._here} {what} after rows of migrated tables, because it also changed tables without transactions: which"
            " rows stayed is not in the binlog. Start the migration again behind it."
        )

    def unfinished(self, file: str) -> StreamError:
        """A file ended inside of a transaction, a part of which has been handed on."""
        return StreamError(
            f"{self._source} {file} ends inside a large transaction: the source crashed while writing it. Start the"
            " migration again."
        )

    def another_history(self, begun: int, expected: int) -> BinlogPurged:
        """The file was begun at another time (Unix) than the one of its name that was read before."""
        return BinlogPurged(
            f"{self._source} its {self._place.file} was begun at {_when(begun)}, the one that was read before at"
            f" {_when(expected)}. The source was restored from a backup, or its binary logs were reset: what has changed since"
            " is not known. Point the source at the server that has the old ones, or abort and start the migration again."
        )

    def no_boundary(self, what: str, start: Position) -> StreamError:
        """What comes shows that reading began inside of a transaction."""
        return StreamError(f"{self._here} {what}: the start position {start} does not stand between two transactions.")


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
