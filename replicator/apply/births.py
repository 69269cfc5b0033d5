"""When the binlog files were begun that a stream reads: a file of the same name that began later is another history."""

from __future__ import annotations

from collections.abc import Sequence

from replicator.apply.feed import Piece
from replicator.mysql.connection import Connection
from replicator.state import Checkpoint, Direction, State


class Births:
    """Of one session of a stream. What is noted is stored before the checkpoint moves into the file."""

    def __init__(
        self, state: State, direction: Direction, connection: Connection, server: str, checkpoint: Checkpoint
    ) -> None:
        self._state = state
        self._direction: Direction = direction
        self._connection = connection
        self._server = server
        self.known = state.born(connection, direction, checkpoint) if server == checkpoint.server else 0
        """Of the checkpoint's file; 0 where nobody has noted it."""
        self._file = checkpoint.position.file if self.known else ""

    def note(self, pieces: Sequence[Piece]) -> None:
        """Store it of files that the stream has come to."""
        for piece in pieces:
            end = piece.end
            if end is not None and end.born and end.position.file != self._file:
                self._state.enter_file(self._connection, self._direction, end.position.file, self._server, end.born)
                self._file = end.position.file
