"""What the feed hands on: pieces that fit into memory, whatever the source made of a transaction."""

from __future__ import annotations

import pytest

from replicator.apply.feed import PIECE_BYTES, Feed, Piece
from tests.binlog.reading import Story, new_server_id, only, tables

ROWS, LENGTH = 400, 60_000


@pytest.mark.parametrize("compressed", [False, True])
def test_a_long_transaction_comes_in_pieces(story: Story, compressed: bool) -> None:
    """Also where it is short in the binlog: a compressed one is a thousand times as long unpacked."""
    option = "log_bin_compress" if story.server.flavour == "mariadb" else "binlog_transaction_compression"
    scope = "GLOBAL" if story.server.flavour == "mariadb" else "SESSION"
    story.run("CREATE TABLE t (id int PRIMARY KEY, v longtext)", f"SET {scope} {option} = {int(compressed)}")
    try:
        start, end = story.run(
            "BEGIN", *(f"INSERT INTO t VALUES ({number}, REPEAT('x', {LENGTH}))" for number in range(ROWS)), "COMMIT"
        )
    finally:
        story.run(f"SET {scope} {option} = 0")
    feed = Feed(
        story.server.endpoint("source"),
        start,
        server_id=new_server_id(),
        wanted=tables({"t": only("id", "v")}),
        by_gtid=False,
        judge=lambda _: None,
    )
    pieces: list[Piece] = []
    try:
        while not (pieces and pieces[-1].end is not None and pieces[-1].end.position.reached(end)):
            pieces += feed.take(1, 10.0)
    finally:
        feed.close()
    assert sum(piece.rows for piece in pieces) == ROWS
    # The stream itself holds back twice as much, until it knows that the transaction is no short one.
    assert max(piece.rows for piece in pieces) * LENGTH < 4 * PIECE_BYTES
