"""The new tables computed by plain SQL, in the server, without the transforms and without the engine.

Each file of oracle/ is one SELECT over the legacy tables that gives the rows of the new table it is named after, with
its column names. One text for MariaDB and MySQL.
"""

from __future__ import annotations

from pathlib import Path

from replicator.mysql.connection import Connection
from replicator.mysql.sql import quote, quote_list

FOLDER = Path(__file__).parent / "oracle"
TABLES = tuple(sorted(file.stem for file in FOLDER.glob("*.sql")))


def build(connection: Connection, source: str, target: str, table: str) -> int:
    """Fill the empty table `target`.`table` from the legacy tables in `source`. Returns its number of rows."""
    select = (FOLDER / f"{table}.sql").read_text(encoding="utf-8")
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00', group_concat_max_len = 10000000, foreign_key_checks = 0")
        cursor.execute(f"USE {quote(source)}")
        cursor.execute(f"SELECT * FROM ({select}\n) oracle LIMIT 0")
        columns = [column[0] for column in cursor.description or ()]
        return cursor.execute(f"INSERT INTO {quote(target, table)} ({quote_list(columns)})\n{select}")


def differences(connection: Connection, table: str, left: str, right: str) -> list[str]:
    """Rows of `table` that are in only one of the databases `left` and `right`, each as text; at most a few.

    Compares every column of every row to the byte: texts not by collation, JSON by what it says.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute("SELECT VERSION() LIKE '%MariaDB%'")
        ((mariadb,),) = cursor.fetchall()
        rows = []
        for database in (left, right):
            cursor.execute(
                "SELECT column_name, data_type IN ('json', 'longtext') AND (data_type = 'json' OR column_name IN"
                " ('business_hours', 'preferences', 'extracted_data')) FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
                (database, table),
            )
            columns = cursor.fetchall()
            values = ", ".join(
                f"JSON_NORMALIZE({quote(name)})" if is_json and mariadb else quote(name) for name, is_json in columns
            )
            rows.append(f"SELECT CAST(JSON_ARRAY({values}) AS CHAR) COLLATE utf8mb4_bin AS t FROM {quote(database, table)}")
        found: list[str] = []
        for this, other, name in ((*rows, left), (rows[1], rows[0], right)):
            cursor.execute(f"{this} EXCEPT {other} LIMIT 5")
            found += [f"only in {name}: {row[0]}" for row in cursor.fetchall()]
    return found
