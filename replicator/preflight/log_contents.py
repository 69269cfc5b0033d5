"""Options that change what stands in the binary log."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, ok


def check(context: Context) -> Iterator[Finding]:
    """The binary log is neither compressed nor shortened."""
    source = context.source
    if "PARTIAL_JSON" in source.variables.get("binlog_row_value_options", ""):
        yield failed(
            f"{source}: binlog_row_value_options is PARTIAL_JSON: only parts of JSON documents are logged",
            "SET GLOBAL binlog_row_value_options = ''; also in the configuration file, and let the application "
            "reconnect: open sessions keep the old value",
        )
    for variable in ("binlog_transaction_compression", "log_bin_compress"):
        if source.is_on(variable):
            yield ok(f"{source}: {variable} is ON; compressed transactions are read")
