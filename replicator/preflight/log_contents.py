"""Options that change what stands in the binary log."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.connection import row
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, ok


def check(context: Context) -> Iterator[Finding]:
    """The binary log holds the changes of the databases that are read, whole."""
    source = context.source
    if "PARTIAL_JSON" in source.variables.get("binlog_row_value_options", ""):
        yield failed(
            f"{source}: binlog_row_value_options is PARTIAL_JSON: only parts of JSON documents are logged",
            "SET GLOBAL binlog_row_value_options = ''; also in the configuration file, and let the application "
            "reconnect: open sessions keep the old value",
        )
    yield from _left_out(context)
    for variable in ("binlog_transaction_compression", "log_bin_compress"):
        if source.is_on(variable):
            yield ok(f"{source}: {variable} is ON; compressed transactions are read")


def _left_out(context: Context) -> Iterator[Finding]:
    """No variable tells which databases a server does not log."""
    config = context.config
    logged = [(context.source, config.source.database)]
    if config.stream.heartbeat is not None:
        logged.append((context.source, config.migration.state_database))
    if config.cutover.mode == "hooks":
        logged.append((context.target, config.target.database))
    for end, database in logged:
        status = row(end.connection, end.server.status_statement)
        only, never = (set(filter(None, str(names or "").split(","))) for names in (status[2:4] if status else ("", "")))
        if database in never:
            fix = "take binlog_ignore_db out of the server's configuration and restart it"
        elif only and database not in only:
            fix = f"add binlog_do_db={database} to the server's configuration and restart it"
        else:
            continue
        yield failed(f"{end} leaves the database {database} out of its binary log", fix)
