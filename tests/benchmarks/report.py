"""docs/benchmarks.md, made from one run; a section can be measured again on its own."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from replicator import __version__
from replicator.demo.servers import find_flavours
from tests.benchmarks.figures import FULL, HEADINGS, Figure

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
PACKAGES = ("pymysql", "mysqlclient", "mysql-replication")

TEXT = """\
# Benchmarks

Written by `make bench`{written}. All servers are private ones on the same machine, with the same settings (512 MB of
buffer pool, a binlog in row format, `innodb_flush_log_at_trx_commit=2`, `sync_binlog=0`), and everything runs on it at once:
servers, engine and peers share its cores.

{machine}

## Figures

{figures}

## How to read them

Believe the ratios: absolute figures vary by a third from machine to machine, ratios much less. Each figure is the median of
{sizes.repetitions} repetitions, with the smallest and the largest in parentheses; the peers take turns, so that what slows the
machine down for a while slows down all of them. After every run the tables are compared with the source by row counts and
`CHECKSUM TABLE`: a figure for a wrong result is not shown. The table is the same throughout: 20 columns of integers, text,
decimals, doubles, enumerations, dates and times, with two secondary indexes.

- **(a)** Every value of every row image is decoded, of transactions with ten row changes: four rows inserted by one
  statement, four updated by one, two deleted one by one. mysql-replication's `BinLogStreamReader` reads the first
  {sizes.library_rows:,} of the {decoded:,} row changes that our stream reads. An update is one row with two images.
- **(b)** {sizes.copy_rows:,} rows from one server to another. Ours goes through a Python function that builds all 20
  columns, with two worker processes, and includes dropping and adding the secondary indexes again. `dump | client` is
  `mysqldump --single-transaction --quick` piped into the client (`mariadb-dump` on MariaDB); `mydumper, myloader` uses two
  threads and chunks of 50,000 rows, and writes the binlog, as the others do.
- **(c)** {changes:,} row changes in {sizes.transactions:,} transactions as in (a), all of which wait in the binlog, from
  the start of the stream, or of the replica, until the last one is applied. The replica has one applier thread and writes
  a binlog of its own, as our target does. Ours goes through the same Python function as in (b).
- **(d)** A writer in a process of its own commits {sizes.lag_rate} transactions a second for {sizes.lag_seconds:g} s, each
  with a row inserted and one updated, and stamps each before it sends the COMMIT; a reader in another process looks at the
  target every 5 ms. The lag of a transaction is the time from its stamp to the answer in which the reader sees its row.
  The daemon is `replicator run`.
- **(e)** The resident memory that the process had at most (`VmHWM`), from its start through the copy, the changes and a
  full verification. One migration copies {sizes.copy_rows:,} rows and applies {changes:,} changes; one applies a
  transaction that updates {sizes.long_transaction:,} rows; one copies and changes {sizes.wide_rows:,} rows of 64 KB, also
  all of them in one transaction.
- **(f)** The migration that comes with the project, 85 tables to 18, on one server that flushes every commit; 8 clients write
  {sizes.switch_rate} transactions a second, most of them over several tables, through {sizes.switches} cutovers and
  {sizes.switches} rollbacks. A stall is the longest that a client waited for one of its transactions around a switch, attempts
  that were undone included. At the end every write that was acknowledged is looked for in the tables. MySQL needs most of
  the time for the foreign keys of the tables that it renames (see [the cutover](explanation/cutover.md)).
"""


def write(figures: Sequence[Figure], seconds: float, *, whole: bool) -> None:
    """Write the page; the figures of other sections stay unless the run was a `whole` one."""
    written, rows = f" on {datetime.now(UTC):%-d %B %Y} in {seconds / 60:.0f} minutes", _rows(figures)
    if not whole:
        page, measured = PAGE.read_text(encoding="utf-8"), sorted({f"({figure.letter})" for figure in figures})
        before, again = page.partition("`make bench`")[2].partition(". All")[0], f", {', '.join(measured)} again"
        written = re.sub(re.escape(again) + " on .*? minutes", "", before) + again + written
        others = [line for line in page.splitlines() if re.match(r"\| \([a-z]\) \|", line) and line[2:5] not in measured]
        rows = [*rows[:2], *sorted([*others, *rows[2:]], key=lambda line: line[2:5])]
    PAGE.write_text(
        TEXT.format(
            written=written,
            machine=machine(),
            figures="\n".join(rows),
            sizes=FULL,
            decoded=FULL.decode_transactions * 10,
            changes=FULL.transactions * 10,
        ),
        encoding="utf-8",
    )


def machine() -> str:
    """Hardware and versions, as a list."""
    model = next(
        (line.partition(":")[2].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")), platform.machine()
    )
    memory = int(next(line.split()[1] for line in _read("/proc/meminfo") if line.startswith("MemTotal")))
    servers = ", ".join(f"{found.flavour} {found.version}" for found in find_flavours().values())
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return "\n".join(
        (
            f"- Machine: {os.cpu_count()} × {model}, {memory / 1e6:.0f} GB of memory, {platform.system()} {platform.release()}",
            f"- Servers: {servers}",
            f"- Replicator {__version__}, Python {platform.python_version()}, {packages}",
        )
    )


def _rows(figures: Sequence[Figure]) -> list[str]:
    lines = [
        HEADINGS,
        tuple("---" for _ in HEADINGS),
        *(figure.cells for figure in sorted(figures, key=lambda figure: figure.letter)),
    ]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _read(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
