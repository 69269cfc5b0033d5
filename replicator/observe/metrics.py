"""The metrics: one table of them, read from Progress at the moment they are scraped, so that no two views differ."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from replicator import __version__, errors
from replicator.progress import DIRECTIONS, PHASES, Progress, Reading
from replicator.progress_parts import HALTS, StreamReading
from replicator.progress_tables import TableReading
from replicator.rates import DistributionReading

Samples = Iterable[tuple[Sequence[str], float]]
"""Values of the labels, and the value."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES = ("switched", "undone", "in_doubt")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is documented and scraped; a histogram's samples come from `distributions`."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    samples: Callable[[Reading], Samples] | None = None
    distributions: Callable[[Reading], Iterable[tuple[Sequence[str], DistributionReading]]] | None = None


def _known(value: float | None) -> float:
    return nan if value is None else value


def _streams(read: Callable[[StreamReading], float | None]) -> Callable[[Reading], Samples]:
    return lambda reading: [((name,), _known(read(stream))) for name, stream in reading.streams.items()]


def _tables(read: Callable[[TableReading], float | None]) -> Callable[[Reading], Samples]:
    return lambda reading: [((name,), _known(read(table))) for name, table in reading.tables.items()]


def _counted(counter: str, *known: str) -> Callable[[Reading], Samples]:
    """Counts by their labels; those of `known` labels are shown as 0 from the start, so that the first rise is seen."""
    return lambda reading: [
        *(((label,), 0.0) for label in known if (label,) not in reading.counters.get(counter, {})),
        *reading.counters.get(counter, {}).items(),
    ]


def _newest_checkpoint(reading: Reading) -> Samples:
    times = [stream.checkpointed_at for stream in reading.streams.values() if stream.checkpointed_at is not None]
    return [((), max(times, default=nan))]


def _error_labels() -> tuple[str, ...]:
    found = (value for value in vars(errors).values() if isinstance(value, type))
    return tuple(sorted(kind.__name__ for kind in found if issubclass(kind, errors.ReplicatorError)))


METRICS: tuple[Metric, ...] = (
    Metric("replicator_build_info", "gauge", "Always 1; the version is in the labels.", ("version", "python"),
           lambda _: [((__version__, platform.python_version()), 1.0)]),
    Metric("replicator_phase", "gauge", "1 for the phase the migration is in, 0 for the others.", ("phase",),
           lambda reading: [((phase,), float(phase == reading.phase)) for phase in (*PHASES, *HALTS)]),
    Metric("replicator_lag_seconds", "gauge",
           "How far the target is behind its upstream; NaN when that is not known.", ("direction",),
           _streams(lambda stream: stream.lag_seconds)),
    Metric("replicator_lag_bytes", "gauge",
           "Binlog that is not applied yet; NaN when that is not known.", ("direction",),
           _streams(lambda stream: stream.lag_bytes)),
    Metric("replicator_heartbeat_timestamp_seconds", "gauge",
           "Up to when all commits of the upstream are known to be applied, as Unix time.", ("direction",),
           _streams(lambda stream: stream.proved_as_of)),
    Metric("replicator_binlog_retention_remaining_seconds", "gauge",
           "Until the upstream purges the binlog that is needed next; NaN when that is not known.", (),
           lambda reading: [((), _known(reading.retention_remaining))]),
    Metric("replicator_stream_connected", "gauge", "1 while the stream is attached to its upstream.", ("direction",),
           _streams(lambda stream: stream.connected)),
    Metric("replicator_stream_events_total", "counter", "Row changes read from the binlog.",
           ("direction", "table", "operation"), _counted("events")),
    Metric("replicator_rows_applied_total", "counter", "Target rows written by the stream.",
           ("direction", "table", "operation"), _counted("rows_applied")),
    Metric("replicator_transactions_applied_total", "counter", "Upstream transactions applied.", ("direction",),
           _counted("transactions", *DIRECTIONS)),
    Metric("replicator_apply_duration_seconds", "histogram", "Time that each step of applying a batch took.",
           ("step",), distributions=lambda reading: [((step,), d) for step, d in reading.apply_durations.items()]),
    Metric("replicator_checkpoint_timestamp_seconds", "gauge", "When the newest checkpoint was committed.",
           (), _newest_checkpoint),
    Metric("replicator_copy_rows_total", "counter", "Rows copied by this process.", ("table",), _counted("copy_rows")),
    Metric("replicator_copied_rows", "gauge", "Rows copied, also by earlier runs.", ("table",),
           _tables(lambda table: table.rows_copied)),
    Metric("replicator_copy_rows_estimated", "gauge", "Rows to copy, as far as known; never below those copied.",
           ("table",), _tables(lambda table: table.rows_estimated)),
    Metric("replicator_verify_rows_total", "counter", "Rows compared.", ("table",), _counted("verify_rows")),
    Metric("replicator_verify_mismatched_rows", "gauge", "Rows that differed in the last verification.", ("table",),
           _tables(lambda table: table.mismatched)),
    Metric("replicator_verify_last_success_timestamp_seconds", "gauge",
           "When a verification last found no difference, as Unix time; NaN before the first.", ("table",),
           _tables(lambda table: table.verified_without_difference_at)),
    Metric("replicator_quarantined_rows", "gauge", "Rows set aside because they could not be written.", ("table",),
           _tables(lambda table: table.quarantined)),
    Metric("replicator_throttled_seconds_total", "counter", "Time that copying and applying waited.", ("reason",),
           _counted("throttled")),
    Metric("replicator_errors_total", "counter", "Errors met, also those that a retry got over.", ("error",),
           _counted("errors", *_error_labels())),
    Metric("replicator_retries_total", "counter", "Steps tried again.", ("operation",), _counted("retries")),
    Metric("replicator_writes_frozen", "gauge", "1 while the application's writes are held.", (),
           lambda reading: [((), float(reading.frozen))]),
    Metric("replicator_freeze_seconds", "histogram", "How long writes were held, per attempt.",
           distributions=lambda reading: [((), reading.freezes)]),
    Metric("replicator_cutover_attempts_total", "counter", "Attempts to cut over or roll back.", ("outcome",),
           _counted("cutover_attempts", *OUTCOMES)),
)  # fmt: skip


class _FromProgress(Collector):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def collect(self) -> Iterator[Family]:
        reading = self._progress.reading()
        return (_family(metric, reading) for metric in METRICS)


def _family(metric: Metric, reading: Reading) -> Family:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, distribution in metric.distributions(reading) if metric.distributions else ():
            histogram.add_metric(labels, _buckets(distribution), distribution.total)
        return histogram
    simple = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = simple(metric.name, metric.help, labels=metric.labels)
    for labels, value in metric.samples(reading) if metric.samples else ():
        family.add_metric(labels, value)
    return family


def _buckets(distribution: DistributionReading) -> list[tuple[str, float]]:
    """Cumulative, as the format wants them."""
    total = 0
    buckets = []
    for bound, count in zip((*map(str, distribution.bounds), "+Inf"), distribution.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets


def registry(progress: Progress) -> CollectorRegistry:
    """All metrics of one migration, and those of this process."""
    made = CollectorRegistry()
    made.register(_FromProgress(progress))
    ProcessCollector(registry=made)
    return made


def exposition(made: CollectorRegistry) -> bytes:
    """The text that Prometheus scrapes."""
    return generate_latest(made)
