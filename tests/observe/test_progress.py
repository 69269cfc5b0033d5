"""What the views are told: above all never more than is known."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from replicator.errors import SourceConnectionLost
from replicator.mysql.position import Position
from replicator.observe.report import Report
from replicator.progress import Gate, Progress
from replicator.views import status_line

DOCUMENTED = {
    "migration", "phase", "direction", "since", "position", "source_position", "lag_seconds", "lag_bytes",
    "binlog_retention_seconds", "rows_applied", "copy", "tables", "throttle", "quarantined_rows", "last_error",
    "cutover",
}  # fmt: skip
"""Scripts read these: keys may be added, never taken away."""


@dataclass
class Clock:
    """Wall clock and monotonic clock in one, moved by hand."""

    seconds: float = 1_800_000_000.0
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress("shop", now=lambda: self.seconds, clock=lambda: self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lag(clock: Clock) -> float | None:
    found: float | None = clock.progress.snapshot()["lag_seconds"]
    return found


def test_the_documented_shape(clock: Clock) -> None:
    clock.progress.expect("customers", "customers", 100)
    status = clock.progress.snapshot()
    assert status.keys() >= DOCUMENTED
    assert status["copy"].keys() >= {"rows", "rows_estimated", "ratio", "rows_per_second", "eta_seconds"}
    assert status["cutover"].keys() >= {"ready", "gates", "last_freeze_seconds"}
    assert status["tables"][0].keys() >= {
        "table", "source", "state", "rows_copied", "rows_estimated", "rows_applied", "verified_at", "mismatched_rows",
        "quarantined_rows",
    }  # fmt: skip
    assert status["since"] == "2027-01-15T08:00:00Z"
    json.dumps(status)


def test_a_snapshot_does_not_change_afterwards(clock: Clock) -> None:
    clock.progress.expect("a", "a", 10)
    before = clock.progress.snapshot()
    text = json.dumps(before)
    clock.progress.copied("a", 5)
    clock.progress.throttled("replica_lag", "r1 is 12 s behind")
    clock.progress.failed(ValueError("x"))
    assert json.dumps(before) == text


def test_the_binlog_that_is_needed_goes_also_while_the_lag_is_unknown(clock: Clock) -> None:
    """A target whose disk is full over a weekend is when that has to be known."""
    clock.progress.retention(86400)
    assert clock.progress.snapshot()["binlog_retention_remaining_seconds"] is None
    clock.progress.connected("forward")
    clock.progress.at("forward", Position("b.000001", 4), clock.seconds - 5)
    assert clock.progress.snapshot()["binlog_retention_remaining_seconds"] == 86395
    clock.progress.disconnected("forward")
    clock.sleep(3600)
    clock.progress.connected("forward")
    assert lag(clock) is None
    assert clock.progress.snapshot()["binlog_retention_remaining_seconds"] == 82795
    assert clock.progress.reading().retention_remaining == 82795


def test_lag_is_unknown_until_it_is_proved(clock: Clock) -> None:
    assert lag(clock) is None
    clock.progress.connected("forward")
    assert lag(clock) is None
    clock.progress.proved("forward", clock.seconds - 0.25)
    assert lag(clock) == 0.25


def test_lag_between_proofs_is_the_last_one_and_grows_once_the_next_is_overdue(clock: Clock) -> None:
    clock.progress.connected("forward")
    clock.progress.proved("forward", clock.seconds - 0.25)
    clock.sleep(1)
    assert lag(clock) == 0.25
    clock.sleep(3)
    assert lag(clock) == 3.25


def test_lag_is_unknown_after_a_long_silence_and_while_not_connected(clock: Clock) -> None:
    clock.progress.connected("forward")
    clock.progress.proved("forward", clock.seconds)
    clock.sleep(11)
    assert lag(clock) is None
    clock.progress.proved("forward", clock.seconds)
    assert lag(clock) == 0
    clock.progress.disconnected("forward")
    assert lag(clock) is None
    clock.progress.at("forward", Position("b.1", 4), clock.seconds)  # the last batch of the lost connection
    assert lag(clock) is None
    clock.progress.connected("forward")
    assert lag(clock) is None


def test_lag_of_a_source_whose_clock_is_ahead_is_not_negative(clock: Clock) -> None:
    clock.progress.connected("forward")
    clock.progress.proved("forward", clock.seconds + 5)
    assert lag(clock) == 0


def test_a_stream_that_never_catches_up_says_so_with_its_rates(clock: Clock) -> None:
    progress = clock.progress
    progress.enter("replicating")
    progress.connected("forward")
    began = clock.seconds
    for second in range(1, 91):
        clock.sleep(1)
        progress.applied("forward", "customers", "insert", 300)
        progress.proved("forward", began + second * 0.6)
        assert progress.snapshot()["apply"]["falls_behind"] is (second * 0.4 > 10), second
    assert progress.snapshot()["apply"] == {"speed": 0.6, "rows_per_second": 300, "falls_behind": True, "eta_seconds": None}
    assert "falls behind: 300 rows/s are 60% of what comes" in status_line(progress.snapshot())
    with capture_logs() as logs, Report(progress, every=0.01):
        until = time.monotonic() + 10
        while not (said := [event for event in logs if event["event"] == "stream.fell_behind"]) and time.monotonic() < until:
            time.sleep(0.01)
    assert (said[0]["log_level"], said[0]["lag_seconds"], said[0]["speed"]) == ("warning", 36.0, 0.6)
    assert said[0]["rows_per_second"] == 300

    for second in range(1, 91):
        clock.sleep(1)
        progress.proved("forward", began + 54 + second * 1.2)
    known = progress.snapshot()["apply"]
    assert (known["speed"], known["falls_behind"], known["eta_seconds"]) == (1.2, False, round((36 - 18) / 0.2))
    progress.disconnected("forward")
    assert progress.snapshot()["apply"]["speed"] is None


def test_lag_bytes(clock: Clock) -> None:
    progress = clock.progress
    progress.connected("forward")
    progress.at("forward", Position("b.000001", 100), None)
    assert progress.snapshot()["lag_bytes"] is None
    progress.upstream_at("forward", Position("b.000001", 150))
    assert progress.snapshot()["lag_bytes"] == 50
    progress.at("forward", Position("b.000001", 160), None)
    assert progress.snapshot()["lag_bytes"] == 0
    progress.upstream_at("forward", Position("b.000003", 10))
    assert progress.snapshot()["lag_bytes"] is None
    progress.upstream_at("forward", Position("b.000003", 10), 1000)
    assert progress.snapshot()["lag_bytes"] == 1000
    clock.sleep(20)
    assert progress.snapshot()["lag_bytes"] is None


def copying(clock: Clock, estimate: int = 1000) -> Progress:
    clock.progress.expect("a", "a", estimate)
    clock.progress.enter("copying")
    return clock.progress


def test_eta_stays_while_throttled_and_the_present_speed_falls(clock: Clock) -> None:
    progress = copying(clock)
    for _ in range(4):
        clock.sleep(1)
        progress.copied("a", 100)
    assert progress.snapshot()["copy"] == {
        "rows": 400, "rows_estimated": 1000, "ratio": 0.4, "rows_per_second": 100, "eta_seconds": 6,
    }  # fmt: skip
    progress.throttled("replica_lag", "r1 is 12 s behind")
    clock.sleep(300)
    progress.throttled("replica_lag", "r1 is 13 s behind")
    status = progress.snapshot()
    assert status["copy"]["eta_seconds"] == 6
    assert status["copy"]["rows_per_second"] == 0
    assert status["throttle"] == {
        "reason": "replica_lag", "detail": "r1 is 13 s behind", "since": "2027-01-15T08:00:04Z",
    }  # fmt: skip
    assert progress.reading().counters["throttled"] == {("replica_lag",): 300}
    progress.unthrottled()
    assert progress.snapshot()["throttle"] is None
    clock.sleep(10)
    assert progress.reading().counters["throttled"] == {("replica_lag",): 300}


def test_the_ratio_is_never_above_one_nor_one_too_early(clock: Clock) -> None:
    progress = copying(clock, 50)
    progress.copied("a", 80)
    status = progress.snapshot()
    assert status["copy"]["ratio"] == status["tables"][0]["ratio"] == 0.999
    assert status["copy"]["rows_estimated"] == 80
    assert status["copy"]["eta_seconds"] is None  # nobody knows how many there are
    progress.finished("a")
    assert progress.snapshot()["copy"]["ratio"] == 1.0


def test_a_table_with_fewer_rows_than_estimated_ends_at_one(clock: Clock) -> None:
    progress = copying(clock, 50)
    progress.copied("a", 10)
    progress.finished("a")
    assert progress.snapshot()["copy"] == {
        "rows": 10, "rows_estimated": 10, "ratio": 1.0, "rows_per_second": 0, "eta_seconds": None,
    }  # fmt: skip


def test_nobody_knows_how_long_units_are_built(clock: Clock) -> None:
    progress = copying(clock)
    progress.copied("a", 999)
    clock.sleep(10)
    assert progress.snapshot()["copy"]["eta_seconds"] is not None
    progress.building("a")
    assert progress.snapshot()["copy"]["eta_seconds"] is None


def test_rows_of_an_earlier_run_count_as_progress_not_as_speed(clock: Clock) -> None:
    progress = copying(clock)
    progress.copied_before("a", 500)
    clock.sleep(2)
    progress.copied("a", 100)
    assert progress.snapshot()["copy"]["eta_seconds"] == 8


def test_one_target_of_two_sources(clock: Clock) -> None:
    progress = clock.progress
    progress.expect("hooks", "retell", 10)
    progress.expect("hooks", "calcom", 20)
    progress.copied("hooks", 4, source="calcom")
    progress.verified("hooks", 4, 1)
    first, second = progress.snapshot()["tables"]
    assert (first["source"], first["rows_copied"]) == ("retell", 0)
    assert (second["source"], second["rows_copied"]) == ("calcom", 4)
    assert first["verified_at"] == second["verified_at"] is not None
    assert progress.reading().tables["hooks"].rows_estimated == 30
    assert progress.reading().tables["hooks"].mismatched == 1


def test_compared_rows_are_counted_once(clock: Clock) -> None:
    clock.progress.compared("a", 30)
    clock.progress.compared("a", 30)
    clock.progress.verified("a", 100, 0)
    clock.progress.verified("a", 10, 0)
    assert clock.progress.reading().counters["verify_rows"] == {("a",): 110}


def test_a_difference_does_not_move_the_time_of_the_last_success(clock: Clock) -> None:
    clock.progress.verified("a", 10, 0)
    succeeded = clock.seconds
    clock.sleep(60)
    clock.progress.verified("a", 10, 2)
    assert clock.progress.reading().tables["a"].verified_without_difference_at == succeeded
    assert clock.progress.snapshot()["tables"][0]["mismatched_rows"] == 2


def test_phases(clock: Clock) -> None:
    progress = clock.progress
    progress.enter("replicating")
    progress.paused()
    assert (progress.phase, progress.stage) == ("paused", "replicating")
    progress.resumed()
    assert progress.phase == "replicating"
    progress.failed(SourceConnectionLost("source db1:3306: gone"))
    assert progress.phase == "failed"
    assert progress.snapshot()["last_error"] == {
        "error": "SourceConnectionLost", "message": "source db1:3306: gone", "at": "2027-01-15T08:00:00Z",
    }  # fmt: skip
    progress.stopped()
    assert progress.phase == "failed"
    progress.enter("replicating")
    assert progress.phase == "replicating"
    progress.stopped()
    assert progress.phase == "stopped"
    with pytest.raises(ValueError, match="no phase"):
        progress.enter("dancing")


def test_pausing_survives_a_change_of_phase(clock: Clock) -> None:
    clock.progress.enter("catching_up")
    clock.progress.paused()
    clock.progress.enter("replicating")
    assert (clock.progress.phase, clock.progress.stage) == ("paused", "replicating")


def test_a_retry_is_an_error_but_no_failure(clock: Clock) -> None:
    clock.progress.enter("replicating")
    clock.progress.retried("connect", SourceConnectionLost("gone"))
    assert clock.progress.phase == "replicating"
    counters = clock.progress.reading().counters
    assert counters["retries"] == {("connect",): 1}
    assert counters["errors"] == {("SourceConnectionLost",): 1}


def test_gates_and_freeze(clock: Clock) -> None:
    progress = clock.progress
    assert progress.snapshot()["cutover"]["ready"] is False
    progress.gated([Gate("lag", True, "0.04 s", "1 s")])
    assert progress.snapshot()["cutover"] == {
        "ready": True, "gates": [{"name": "lag", "ok": True, "value": "0.04 s", "limit": "1 s"}],
        "last_freeze_seconds": None,
    }  # fmt: skip
    progress.gated([Gate("lag", True, "0.04 s", "1 s"), Gate("verified", False, "never", "1 h ago")])
    assert progress.snapshot()["cutover"]["ready"] is False
    progress.froze()
    assert progress.reading().frozen
    clock.sleep(0.5)
    progress.unfroze()
    progress.unfroze()
    assert progress.snapshot()["cutover"]["last_freeze_seconds"] == 0.5
    assert sum(progress.reading().freezes.counts) == 1


def test_what_an_earlier_run_stored_is_gone_on_from(clock: Clock) -> None:
    progress = copying(clock)
    progress.copied("a", 1000)
    progress.finished("a")
    progress.applied("forward", "a", "insert", 7)
    progress.verified("a", 1007, 0)
    verified = clock.seconds
    stored = json.loads(json.dumps(progress.snapshot()))
    clock.sleep(60)
    later = Progress("shop", now=lambda: clock.seconds, clock=lambda: clock.seconds)
    later.restore(stored)
    status = later.snapshot()
    assert status["tables"] == stored["tables"]
    assert status["rows_applied"] == 7
    assert status["phase"] == "preparing"
    assert later.reading().tables["a"].verified_without_difference_at == verified


def test_stalled_seconds_are_those_since_the_main_loop_moved(clock: Clock) -> None:
    clock.sleep(5)
    clock.progress.copied("a", 1)
    assert clock.progress.stalled_seconds == 5
    clock.progress.beat()
    assert clock.progress.stalled_seconds == 0


def test_a_statement_that_takes_hours_is_no_hung_loop(clock: Clock) -> None:
    with clock.progress.long_step("adding indexes"):
        clock.sleep(7200)
        assert clock.progress.stalled_seconds == 0
        assert clock.progress.snapshot()["activity"] == "adding indexes"
    assert clock.progress.stalled_seconds == 0
    clock.sleep(60)
    assert clock.progress.stalled_seconds == 60


@pytest.mark.parametrize("phase", ["completed", "aborted"])
def test_what_has_ended_is_not_merely_stopped(clock: Clock, phase: str) -> None:
    clock.progress.enter(phase)
    clock.progress.stopped()
    assert clock.progress.phase == phase
