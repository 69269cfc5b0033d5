"""Sets of transactions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.mysql.gtid import MariadbGtidPosition, MysqlGtidSet

A = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
B = "b9d4a9a0-0000-11e1-9e33-c80aa9429562"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (f"{A}:1-65", f"{A}:1-65"),
        (f"{A}:1-5:7:9-10", f"{A}:1-5:7:9-10"),
        (f"{A.upper()}:1 - 3", f"{A}:1-3"),
        (f"{B}:4,\n{A}:1-65:tag:1-3", f"{A}:1-65:tag:1-3,{B}:4"),
        (f"{A}:tag:1-3:5", f"{A}:tag:1-3:5"),
        (f"{A}:1-3,{A}:4-6", f"{A}:1-6"),
        (f"{A}:5-9:1-4", f"{A}:1-9"),
    ],
)
def test_text(text: str, expected: str) -> None:
    assert str(MysqlGtidSet(text)) == expected
    assert MysqlGtidSet(expected) == MysqlGtidSet(text)


@pytest.mark.parametrize("text", ["nonsense", A, f"{A}:0", f"{A}:5-4", f"{A[:-1]}:1"])
def test_what_is_no_set(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        MysqlGtidSet(text)


def test_growing_by_one_renders_the_same_as_parsing() -> None:
    found = MysqlGtidSet(f"{A}:1-65:tag:1-3,{B}:7")
    for uuid, number, tag in (
        (A, 66, ""),
        (A, 67, ""),
        (B, 8, ""),
        (B, 9, ""),
        (A, 4, "tag"),
        (A, 68, ""),
        (A, 70, ""),
        (A, 69, ""),
    ):
        found.add(uuid, number, tag)
        assert MysqlGtidSet(str(found)) == found
    assert str(found) == f"{A}:1-70:tag:1-4,{B}:7-9"


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(1, 40), st.sampled_from(["", "x", "y_1"]))))
def test_a_set_is_what_was_added(added: list[tuple[str, int, str]]) -> None:
    found = MysqlGtidSet()
    for transaction in added:
        found.add(*transaction)
        str(found)
    assert all(
        found.contains(uuid, number, tag) == ((uuid, number, tag) in added)
        for uuid in (A, B)
        for number in range(42)
        for tag in ("", "x", "y_1")
    )
    assert MysqlGtidSet(str(found)) == found
    assert MysqlGtidSet.decode(found.encode()) == found
    other = MysqlGtidSet(f"{A}:1-40")
    assert found.issubset(other) == all(uuid == A and not tag for uuid, _, tag in added)
    other.update(found)
    assert found.issubset(other)


def test_only_tags_change_the_encoding() -> None:
    """Servers before 8.3 read the form without tags only."""
    assert MysqlGtidSet(f"{A}:1-5").encode()[:8] == (1).to_bytes(8, "little")
    assert MysqlGtidSet(f"{A}:t:1-5").encode()[:8] == (1 << 56 | 1 << 8 | 1).to_bytes(8, "little")


def test_mariadb_keeps_the_last_of_each_domain() -> None:
    found = MariadbGtidPosition("1-2-7, 0-1-345")
    assert str(found) == "0-1-345,1-2-7"
    found.add(0, 9, 346)
    assert str(found) == "0-9-346,1-2-7"
    assert found.contains(0, 346)
    assert not found.contains(0, 347)
    assert not found.contains(5, 1)
    assert MariadbGtidPosition("0-1-300").issubset(found)
    assert not MariadbGtidPosition("0-1-300,4-1-1").issubset(found)
    with pytest.raises(ValueError, match=r".+"):
        MariadbGtidPosition("0-1")
