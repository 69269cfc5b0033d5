"""Whether what is read is still the history of which the checkpoint speaks.

With the checkpoint is stored when its file was begun: a file of the same name that began later is another history, however long
it is by now. Where another server has taken the source's place, GTIDs tell whether it has the same transactions.
"""

from __future__ import annotations

from collections.abc import Sequence

from replicator.apply.feed import Piece
from replicator.binlog.birth import born
from replicator.binlog.safe_position import current_position
from replicator.errors import BinlogPurged
from replicator.mysql.connection import Connection, Endpoint, connected, failing, value
from replicator.mysql.flavour import Server, identify
from replicator.mysql.position import Position
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
        self._files_of = checkpoint.server
        self.known = state.born(connection, direction, checkpoint) if server == checkpoint.server else 0
        """Of the checkpoint's file; 0 where nobody has noted it."""
        self._born = self.known
        self._file = checkpoint.position.file if self.known else ""

    def note(self, pieces: Sequence[Piece]) -> None:
        """Store it of files that the stream has come to."""
        for piece in pieces:
            end = piece.end
            if end is not None and end.born and end.position.file != self._file:
                self._state.enter_file(self._connection, self._direction, end.position.file, self._server, end.born)
                self._file, self._born = end.position.file, end.born

    def ask(self, upstream: Endpoint, position: Position) -> None:
        """Whether it is silent because nothing happens. A source whose binlog was begun anew goes on to say so in the old one.

        `position`: up to where the stream has read. Raises BinlogPurged, and SourceConnectionLost where another server answers
        than the one that is read from.
        """
        with connected(upstream, database=False) as source:
            end = current_position(source)
            server = identify(source).identity
        if server != self._server:
            raise upstream.lost(EOFError("its address leads to another server by now"))
        if server == self._files_of and end.order < position.order:
            raise BinlogPurged(
                f"source {upstream.address}: its binlog ends at {end}, and was read up to {position}: it {_ANEW}"
            )
        if self._born and self._file == position.file and end.order > position.order:
            begun = born(upstream, Position(position.file, 4))
            if begun != self._born:
                raise BinlogPurged(
                    f"source {upstream.address}: its {position.file} is not the one that was read up to {position}: it {_ANEW}"
                )


_ANEW = (
    "has been begun anew (RESET MASTER, RESET BINARY LOGS AND GTIDS), and changes since then may be gone. Abort and start the"
    " migration again."
)


def unless_stranger(source: Connection, upstream: Endpoint, server: Server, checkpoint: Checkpoint) -> None:
    """Another server than the one that was read from has to have all of its transactions. Raises BinlogPurged.

    MariaDB looks for itself; MySQL looks only for those that are its own, and would send all that it has.
    """
    gtid = checkpoint.position.gtid
    if server.identity == checkpoint.server:
        return
    if gtid and server.flavour == "mariadb":
        return
    with failing(upstream):
        if gtid and value(source, "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", (gtid,)):
            return
    raise BinlogPurged(
        f"source {upstream.address}: it is another server than the one that was read up to {checkpoint.position}, and does not"
        " have the transactions from there: point the source at the one that has them, or abort and start the migration again."
    )
