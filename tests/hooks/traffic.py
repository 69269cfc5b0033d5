"""Clients that go where the route says, and remember what was acknowledged and where."""

from __future__ import annotations

import random
import time
from collections import Counter

import pymysql
from pymysql.constants import ER

from replicator.mysql.connection import Connection, error_code, rows
from tests.hooks.world import ApartShop
from tests.reverse.traffic import _EXPECTED, _new, _old
from tests.writers import Writers

_LOST = {0, 1048, 1053, 1927, 2006, 2013}


class Clients(Writers):
    """Threads that write until told to stop."""

    def __init__(self, shop: ApartShop, count: int = 3, seed: int = 0) -> None:
        super().__init__(count)
        self._shop = shop
        self.acknowledged: dict[str, str] = {}
        """Note of a booking whose COMMIT was answered → the side that answered."""
        self.doubtful: set[str] = set()
        """Those whose COMMIT was sent and not answered."""
        self.errors: Counter[int | None] = Counter()
        self.refused: set[int] = set()
        """Clients who found no table: they had come to a side that was closed."""
        self.written = 0
        self.longest = 0.0
        """Seconds between two acknowledged writes of one client."""
        self._seed = seed

    def _write(self, number: int) -> None:
        chance, serial = random.Random(f"{self._seed} {number}"), 0
        connection: Connection | None = None
        side, last = "", time.monotonic()
        while not self._stop.wait(chance.random() * 0.02):
            serial += 1
            note, committing = f"{self._seed}-{number}-{serial}", False
            try:
                if connection is None or self._moved(side):
                    if connection is not None:
                        connection.close()
                    side, connection = self._enter()
                new = side == "target"
                with connection.cursor() as cursor:
                    for _ in range(chance.randint(0, 3)):
                        (_new if new else _old)(chance, connection)
                    column, table = ("offer_id", "offers") if new else ("service_id", "services")
                    cursor.execute(
                        f"INSERT INTO bookings ({column}, note) SELECT (SELECT id FROM {table} ORDER BY RAND() LIMIT 1), %s",
                        (note,),
                    )
                if serial % 9 == 0:
                    connection.rollback()
                    continue
                committing = True
                connection.commit()
                self.acknowledged[note] = side
                self.written += 1
                self.longest, last = max(self.longest, time.monotonic() - last), time.monotonic()
            except (pymysql.MySQLError, OSError) as error:
                self.errors[error_code(error)] += 1
                if error_code(error) == ER.NO_SUCH_TABLE:
                    self.refused.add(number)
                if committing:
                    self.doubtful.add(note)
                if connection is not None and connection.open:
                    try:
                        connection.rollback()
                    except (pymysql.MySQLError, OSError):
                        connection.close()
                if connection is not None and not connection.open:
                    connection = None
                time.sleep(0.01)
        if connection is not None and connection.open:
            connection.close()

    def _moved(self, side: str) -> bool:
        return self._shop.side != side

    def _enter(self) -> tuple[str, Connection]:
        side = self._shop.side
        return side, self._shop.connect(side)

    @property
    def surprises(self) -> dict[int | None, int]:
        return {code: count for code, count in self.errors.items() if code not in _EXPECTED | _LOST}

    def check(self, *others: Clients) -> None:
        """Every acknowledged write stands on the side that is in use, once."""
        with self._shop.session() as connection:
            found = Counter(note for (note,) in rows(connection, "SELECT note FROM bookings"))
        known = [self, *others]
        lost = {note: side for one in known for note, side in one.acknowledged.items() if note not in found}
        assert not lost, f"{len(lost)} of {self.written} acknowledged writes are lost: {list(lost.items())[:5]}"
        ours = {note: times for note, times in found.items() if "-" in note}
        assert not [note for note, times in ours.items() if times > 1]
        assert self.written
