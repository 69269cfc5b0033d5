"""The metrics: the documented ones are there, values are those of Progress, labels stay few."""

from __future__ import annotations

import math

from prometheus_client.parser import text_string_to_metric_families

from replicator.mysql.position import Position
from replicator.observe.metrics import METRICS, exposition, registry
from replicator.progress import Progress

DOCUMENTED = {
    "replicator_phase": {"phase"},
    "replicator_lag_seconds": {"direction"},
    "replicator_lag_bytes": {"direction"},
    "replicator_heartbeat_timestamp_seconds": {"direction"},
    "replicator_binlog_retention_remaining_seconds": set(),
    "replicator_stream_connected": {"direction"},
    "replicator_stream_events_total": {"direction", "table", "operation"},
    "replicator_rows_applied_total": {"direction", "table", "operation"},
    "replicator_transactions_applied_total": {"direction"},
    "replicator_apply_duration_seconds": {"step"},
    "replicator_copy_rows_total": {"table"},
    "replicator_copy_rows_estimated": {"table"},
    "replicator_verify_rows_total": {"table"},
    "replicator_verify_mismatched_rows": {"table"},
    "replicator_verify_last_success_timestamp_seconds": {"table"},
    "replicator_quarantined_rows": {"table"},
    "replicator_throttled_seconds_total": {"reason"},
    "replicator_errors_total": {"error"},
    "replicator_retries_total": {"operation"},
    "replicator_writes_frozen": set(),
    "replicator_freeze_seconds": set(),
    "replicator_cutover_attempts_total": {"outcome"},
    "replicator_checkpoint_timestamp_seconds": set(),
    "replicator_build_info": {"version", "python"},
}
"""Dashboards read these: metrics may be added, never taken away."""


def busy() -> tuple[Progress, dict[tuple[str, frozenset[tuple[str, str]]], float]]:
    """A progress that everything happened to, and its samples."""
    progress = Progress("shop", now=lambda: 1000.0, clock=lambda: 50.0)
    progress.expect("a", "a", 10)
    progress.enter("copying")
    progress.copied_before("a", 4)
    progress.copied("a", 3)
    progress.connected("forward")
    progress.received("forward", "a", "update", 5)
    progress.applied("forward", "a", "update", 5)
    progress.at("forward", Position("b.000001", 100), 999.5, transactions=2)
    progress.upstream_at("forward", Position("b.000001", 150))
    progress.retention(3600.5)
    progress.took("write", 0.2)
    progress.took("write", 0.02)
    progress.verified("a", 7, 0)
    progress.set_aside({"a": 1}, [])
    progress.throttled("replica_lag", "r1")
    progress.retried("connect", ValueError("x"))
    progress.froze()
    progress.unfroze()
    progress.cutover_ended("undone")
    return progress, scraped(progress)


def scraped(progress: Progress) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = exposition(registry(progress)).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_documented_metrics_are_there_with_their_labels() -> None:
    by_name = {metric.name: metric for metric in METRICS}
    assert {name: set(by_name[name].labels) for name in DOCUMENTED} == DOCUMENTED
    _, samples = busy()
    names = {name for name, _ in samples}
    for metric in METRICS:
        assert (f"{metric.name}_bucket" if metric.kind == "histogram" else metric.name) in names


def test_names_follow_the_conventions() -> None:
    for metric in METRICS:
        assert metric.name.startswith("replicator_")
        assert metric.name.endswith("_total") is (metric.kind == "counter")
        assert metric.help.endswith(".")


def test_values_are_those_of_progress() -> None:
    _, samples = busy()

    def value(name: str, **labels: str) -> float:
        return samples[f"replicator_{name}", frozenset(labels.items())]

    assert value("phase", phase="copying") == 1
    assert value("phase", phase="replicating") == 0
    assert value("lag_seconds", direction="forward") == 0.5
    assert math.isnan(value("lag_seconds", direction="reverse"))
    assert value("lag_bytes", direction="forward") == 50
    assert value("heartbeat_timestamp_seconds", direction="forward") == 999.5
    assert value("checkpoint_timestamp_seconds") == 1000
    assert value("stream_connected", direction="forward") == 1
    assert value("rows_applied_total", direction="forward", table="a", operation="update") == 5
    assert value("transactions_applied_total", direction="forward") == 2
    assert value("copy_rows_total", table="a") == 3
    assert value("copied_rows", table="a") == 7
    assert value("verify_rows_total", table="a") == 7
    assert value("verify_last_success_timestamp_seconds", table="a") == 1000
    assert value("binlog_retention_remaining_seconds") == 3600
    assert value("errors_total", error="ValueError") == 1
    assert value("errors_total", error="BinlogPurged") == 0
    assert value("cutover_attempts_total", outcome="undone") == 1
    assert value("apply_duration_seconds_bucket", step="write", le="0.025") == 1
    assert value("apply_duration_seconds_bucket", step="write", le="+Inf") == 2
    assert value("apply_duration_seconds_count", step="write") == 2
    assert value("freeze_seconds_count") == 1


def test_unknown_is_not_a_number() -> None:
    samples = scraped(Progress("shop"))
    for name in ("lag_seconds", "lag_bytes", "heartbeat_timestamp_seconds"):
        assert math.isnan(samples[f"replicator_{name}", frozenset({("direction", "forward")})])


def test_neither_keys_nor_positions_are_labels() -> None:
    allowed = {"table", "direction", "phase", "reason", "operation", "step", "error", "outcome", "version", "python"}
    assert {label for metric in METRICS for label in metric.labels} <= allowed
