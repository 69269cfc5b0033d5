"""The table of 20 columns that everything is measured with, its transform, and the transactions that change it."""

from __future__ import annotations

import random
from collections.abc import Iterator

NAME = "appointments"
COLUMNS = (
    "id", "company_id", "customer_id", "staff_id", "external_id", "status", "kind", "title", "notes", "email", "phone",
    "price", "rating", "attempts", "is_active", "starts_at", "ends_at", "birthday", "created_at", "updated_at",
)  # fmt: skip

TABLE = """
CREATE TABLE appointments (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, company_id INT UNSIGNED NOT NULL,
  customer_id BIGINT UNSIGNED NOT NULL, staff_id CHAR(36) NULL, external_id VARCHAR(40) NULL,
  status VARCHAR(20) NOT NULL, kind ENUM('phone','web','walk-in') NOT NULL,
  title VARCHAR(120) NOT NULL, notes TEXT NULL, email VARCHAR(120) NULL, phone VARCHAR(30) NULL, price DECIMAL(10,2) NULL,
  rating DOUBLE NULL, attempts SMALLINT NOT NULL, is_active TINYINT(1) NOT NULL, starts_at DATETIME NOT NULL,
  ends_at DATETIME NOT NULL, birthday DATE NULL, created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL,
  KEY by_company (company_id, starts_at), KEY by_customer (customer_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4
"""
ROW_NUMBER_N = """
SELECT n, n % 97 + 1, n * 7919 % 100000 + 1, IF(n % 5 = 0, NULL, INSERT(INSERT(SHA2(n, 256), 37, 99, ''), 9, 1, '-')),
  IF(n % 3 = 0, NULL, CONCAT('cal_', n)), ELT(n % 4 + 1, 'scheduled', 'completed', 'cancelled', 'no_show'),
  ELT(n % 3 + 1, 'phone', 'web', 'walk-in'), CONCAT('Beratungsgespräch Nr. ', n),
  IF(n % 2 = 0, NULL, CONCAT('Bitte zurückrufen, "', n, '" it''s urgent – 😀 ', REPEAT('lorem ipsum ', n % 6))),
  CONCAT('customer', n % 100000, '@example.org'), CONCAT('+49 30 ', 1000000 + n % 900000), n % 30000 / 100, n / 7, n % 5, n % 2,
  '2024-01-01' + INTERVAL n % 1000000 MINUTE, '2024-01-01' + INTERVAL n % 1000000 + 45 MINUTE,
  '1950-01-01' + INTERVAL n % 20000 DAY,
  '2023-06-01' + INTERVAL n % 500000 MINUTE, '2024-06-01' + INTERVAL n % 500000 SECOND
"""
DIGITS = "(SELECT 0 AS i UNION ALL SELECT 1 UNION ALL " + " UNION ALL ".join(f"SELECT {i}" for i in range(2, 10)) + ")"
FILL = f"""
INSERT INTO appointments {ROW_NUMBER_N}
  FROM (SELECT a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i + 100000 * f.i + 1 AS n
    FROM {DIGITS} a, {DIGITS} b, {DIGITS} c, {DIGITS} d, {DIGITS} e, {DIGITS} f) AS numbers WHERE n <= {{rows}}
"""
TRANSFORMS = """
from replicator import transform

@transform("appointments")
def appointments(row):
    return {
        "id": row.id, "company_id": row.company_id, "customer_id": row.customer_id, "staff_id": row.staff_id,
        "external_id": row.external_id, "status": row.status, "kind": row.kind, "title": row.title.strip(),
        "notes": row.notes, "email": row.email.lower() if row.email is not None else None, "phone": row.phone,
        "price": row.price, "rating": row.rating, "attempts": row.attempts, "is_active": row.is_active,
        "starts_at": row.starts_at, "ends_at": row.ends_at, "birthday": row.birthday, "created_at": row.created_at,
        "updated_at": row.updated_at if row.updated_at is not None else row.created_at,
    }
"""
CHANGES_PER_TRANSACTION = 10


def insert(*numbers: int) -> str:
    """One statement that inserts the rows of these numbers."""
    first, *more = numbers
    chosen = f"SELECT {first} AS n" + "".join(f" UNION ALL SELECT {number}" for number in more)
    return f"INSERT INTO appointments {ROW_NUMBER_N} FROM ({chosen}) AS numbers"


def transactions(count: int, base_rows: int) -> Iterator[str]:
    """Texts of several statements that change ten rows each: four inserted, four updated, two deleted.

    The table holds the rows 1 to `base_rows` before; the same arguments give the same transactions.
    """
    rng = random.Random(20)
    live = list(range(1, base_rows + 1))
    newest = base_rows
    for number in range(count):
        new = range(newest + 1, newest + 5)
        newest += 4
        live += new
        changed = ", ".join(map(str, rng.sample(live, 4)))
        gone = []
        for _ in range(2):
            place = rng.randrange(len(live))
            gone.append(live[place])
            live[place] = live[-1]
            live.pop()
        yield (
            f"BEGIN; {insert(*new)};"
            f" UPDATE appointments SET status = 'completed', price = {number % 1000}.5, notes = 'moved in call {number}',"
            f" updated_at = '2025-01-01' + INTERVAL {number} SECOND, attempts = attempts + 1 WHERE id IN ({changed});"
            f" DELETE FROM appointments WHERE id = {gone[0]}; DELETE FROM appointments WHERE id = {gone[1]}; COMMIT"
        )
