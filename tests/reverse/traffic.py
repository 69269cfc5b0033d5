"""Clients that write to whichever schema is in use, and remember what they were told."""

from __future__ import annotations

import json
import random
from collections import Counter

import pymysql

from replicator.mysql.connection import Connection, error_code, execute
from tests.reverse.world import Shop
from tests.writers import Writers

_EXPECTED = {1062, 1205, 1213, 1467, 1412, 1452, 1451, 1054, 1146, 1136, 1048, 1364, 3140, 1265, 4025}
"""A collision, a deadlock (1467: over the lock of AUTO_INCREMENT), and all that says that the schema is another one now."""


class Clients(Writers):
    """Threads that write until told to stop."""

    def __init__(self, shop: Shop, count: int = 3, seed: int = 0) -> None:
        super().__init__(count)
        self._shop = shop
        self.acknowledged: set[str] = set()
        """Notes of bookings whose COMMIT was answered."""
        self.errors: Counter[int | None] = Counter()
        self.written = 0
        self._seed = seed

    def _write(self, number: int) -> None:
        chance, serial = random.Random(f"{self._seed} {number}"), 0
        connection = pymysql.connect(**self._shop.server.connect_args(self._shop.source))
        new: bool | None = None
        while not self._stop.wait(chance.random() * 0.02):
            serial += 1
            note = f"{self._seed}-{number}-{serial}"
            try:
                if new is None:
                    with connection.cursor() as cursor:
                        new = bool(cursor.execute("SHOW TABLES LIKE 'offers'"))
                with connection.cursor() as cursor:
                    for _ in range(chance.randint(0, 3)):
                        (_new if new else _old)(chance, connection)
                    column = "offer_id" if new else "service_id"
                    table = "offers" if new else "services"
                    cursor.execute(
                        f"INSERT INTO bookings ({column}, note) SELECT (SELECT id FROM {table} ORDER BY RAND() LIMIT 1), %s",
                        (note,),
                    )
                if serial % 9 == 0:
                    connection.rollback()
                    continue
                connection.commit()
                self.acknowledged.add(note)
                self.written += 1
            except pymysql.MySQLError as error:
                self.errors[error_code(error)] += 1
                new = None
                connection.rollback()
        connection.close()

    @property
    def surprises(self) -> dict[int | None, int]:
        return {code: count for code, count in self.errors.items() if code not in _EXPECTED}


def _name(chance: random.Random) -> str:
    return chance.choice(("Ada", "Bo", "Ça", "Dé", "it's", "B%", "😀")) + str(chance.randrange(100))


def _hours(chance: random.Random) -> str:
    return json.dumps(sorted([day, chance.randint(6, 12)] for day in chance.sample(range(1, 8), chance.randint(0, 4))))


def _new(chance: random.Random, session: Connection) -> None:
    some = chance.randint(1, 40)
    branch = chance.choice(("north", "south", "west", "east", "mid"))
    name = _name(chance)
    region = chance.choice(("eu", "us", "jp", None))
    statements = {
        f"SELECT * FROM {chance.choice(('customers', 'offers', 'branches', 'persons', 'orders'))} LIMIT 3": (),
        "UPDATE customers SET name = %s, role = %s WHERE id = %s": (name, chance.choice(("admin", "staff")), some),
        "UPDATE customers SET company_id = (SELECT MIN(id) FROM companies WHERE id > %s) WHERE id = %s": (some % 9, some),
        "INSERT INTO customers (company_id, name) SELECT MAX(id), %s FROM companies": (name,),
        "DELETE FROM customers WHERE id = %s": (some,),
        "INSERT INTO companies VALUES (%s, %s)": (some, name),
        "DELETE FROM companies WHERE id = %s": (some,),
        "UPDATE offers SET title = %s WHERE id = %s": (name, some),
        "INSERT INTO offers (title, slug) VALUES (%s, %s)": (name, name),
        "DELETE FROM offers WHERE id = %s": (some,),
        "UPDATE bookings SET offer_id = (SELECT MIN(id) FROM offers WHERE id > %s) WHERE id = %s": (some, some * 3),
        "DELETE FROM bookings WHERE id = %s AND note NOT LIKE '%%-%%'": (some,),
        "UPDATE branches SET opening = %s, name = %s WHERE id = %s": (_hours(chance), name, branch),
        "INSERT INTO branches VALUES (%s, %s, %s)": (branch, name, _hours(chance)),
        "DELETE FROM branches WHERE id = %s": (branch,),
        "UPDATE persons SET name = %s WHERE id = %s": (name, some % 9),
        "INSERT INTO persons VALUES (%s, %s)": (some % 9, name),
        "DELETE FROM persons WHERE id = %s": (some % 9,),
        "INSERT INTO addresses SELECT id, %s, NULL FROM persons WHERE id = %s": (name, some % 9),
        "UPDATE addresses SET street = %s, city = %s WHERE person_id = %s": (name, name, some % 9),
        "DELETE FROM addresses WHERE person_id = %s": (some % 9,),
        "UPDATE events SET state = IF(source = 'mail', %s, ''), body = %s WHERE source_id = %s": (
            chance.choice(("done", "open")), name, some,
        ),
        "INSERT INTO events (source, body, state) VALUES (%s, %s, %s)": chance.choice(
            (("mail", name, "open"), ("mail", name, "done"), ("hook", name, ""))
        ),
        "DELETE FROM events WHERE source_id = %s": (some,),
        "INSERT INTO staff_skills (staff_id, skill, is_first) VALUES (%s, %s, %s)": (some % 5, name, some % 2),
        "UPDATE staff_skills SET skill = %s, is_first = %s WHERE id = %s": (name, some % 2, some),
        "DELETE FROM staff_skills WHERE id = %s": (some,),
        "UPDATE orders SET region = %s, total = total + 1 WHERE id = %s": (region, some),
        "INSERT INTO orders (region, total) VALUES (%s, %s)": (region, some),
        "DELETE FROM orders WHERE id = %s": (some,),
    }  # fmt: skip
    reading, *writing = statements
    if chance.random() < 0.5:  # who reads first holds a table already when it comes to one that is held
        execute(session, reading)
    statement = chance.choice(writing)
    execute(session, statement, statements[statement])


def _old(chance: random.Random, session: Connection) -> None:
    some = chance.randint(1, 40)
    branch = chance.choice(("north", "south", "west", "east", "mid"))
    name = _name(chance)
    statements = {
        f"SELECT * FROM {chance.choice(('customers', 'services', 'branches', 'people', 'orders'))} LIMIT 3": (),
        "UPDATE customers SET name = %s, role = %s WHERE id = %s": (name, chance.choice(("admin", "cook", None)), some),
        "INSERT INTO customers (company_id, name) SELECT MAX(id), %s FROM companies": (name,),
        # tenant_id, which stands in for company_id, has no foreign key.
        "DELETE FROM companies WHERE id = %s AND NOT EXISTS (SELECT 1 FROM customers WHERE tenant_id = %s)": (some, some),
        "INSERT INTO companies VALUES (%s, %s)": (some, name),
        "INSERT INTO services (name) VALUES (%s)": (name,),
        "UPDATE services SET name = %s, deleted_at = IF(deleted_at IS NULL, NOW(), NULL) WHERE id = %s": (name, some),
        "DELETE FROM services WHERE id = %s": (some,),
        # Never one that does not exist yet: the day it does, the old booking would show it and the new one would not.
        "UPDATE bookings SET service_id = (SELECT MIN(id) FROM services WHERE id > %s) WHERE id = %s": (some % 12, some * 3),
        "INSERT INTO hours (branch_id, staff, day, opens) VALUES (%s, %s, %s, %s)": (branch, some, some % 9, some),
        "DELETE FROM hours WHERE id = %s": (some,),
        "INSERT INTO branches (id, name) VALUES (%s, %s)": (branch, name),
        "UPDATE people SET name = %s, street = IF(street IS NULL, %s, NULL) WHERE id = %s": (name, name, some % 9),
        "INSERT INTO people (id, name) VALUES (%s, %s)": (some % 9, name),
        "DELETE FROM people WHERE id = %s": (some % 9,),
        "UPDATE mails SET state = %s WHERE id = %s": (chance.choice(("sent", "odd")), some),
        "INSERT INTO hooks (kind, body) VALUES (%s, %s)": (chance.choice(("web", "other")), name),
        "DELETE FROM hooks WHERE id = %s": (some,),
        "INSERT INTO skills (staff_id, skill) VALUES (%s, %s)": (some % 5, name),
        "DELETE FROM skills WHERE id = %s": (some,),
        "UPDATE orders SET region_id = %s WHERE id = %s": (some % 4 or None, some),
    }
    reading, *writing = statements
    if chance.random() < 0.5:  # who reads first holds a table already when it comes to one that is held
        execute(session, reading)
    statement = chance.choice(writing)
    execute(session, statement, statements[statement])
