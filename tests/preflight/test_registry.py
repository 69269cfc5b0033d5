"""All checks run, whatever happens to one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pymysql

from replicator.errors import CheckFailed, SourceError, TargetError
from replicator.preflight import CheckResult, failure, run_checks
from replicator.preflight.context import Context, opened
from replicator.preflight.registry import CHECKS, run_all
from replicator.preflight.result import Finding, failed
from tests.preflight.migrations import Migration, fails


def test_nothing_fails_where_all_is_well(migration: Migration) -> None:
    results = run_checks(migration.config())
    assert [result for result in results if result.status == "failed"] == []
    assert {result.name for result in results} == set(CHECKS)
    assert all(result.message for result in results)
    assert all(result.fix for result in results if result.status == "warning")


def test_a_server_that_cannot_be_reached_fails_once(migration: Migration) -> None:
    config = migration.config()
    config = replace(config, source=replace(config.source, unix_socket=None, host="127.0.0.1", port=1))
    results = run_checks(config)
    assert fails(results, "127.0.0.1:1", "versions, databases, grants and ", "start the server")
    assert [result.name for result in results if "127.0.0.1:1" in result.message] == ["source"]
    assert any(result.name == "versions" and "target" in result.message for result in results)
    error = failure(results)
    assert (type(error), getattr(error, "exit_code", None)) == (SourceError, 5)
    assert "start the server" in str(error)


def test_a_refused_account_fails_once(migration: Migration) -> None:
    config = migration.config()
    results = run_checks(replace(config, target=replace(config.target, password="wrong")))
    assert fails(results, "1045", "docs/reference/grants.md")
    assert len([result for result in results if "1045" in result.message]) == 1
    assert isinstance(failure(results), TargetError)
    results = run_checks(replace(config, source=replace(config.source, password="wrong")))
    assert isinstance(failure(results), SourceError)


def test_what_failed_checks_come_to() -> None:
    fine = CheckResult("log_bin", "ok", "binlog is on")
    assert failure([fine, CheckResult("retention", "warning", "an hour", "raise it")]) is None
    error = failure([fine, CheckResult("retention", "failed", "an hour", "raise it")])
    assert isinstance(error, CheckFailed)
    assert str(error) == "retention: an hour — raise it"


def test_a_check_that_is_refused_does_not_hide_the_others(migration: Migration) -> None:
    def first(context: Context) -> Iterator[Finding]:
        yield failed("seen before", "do this")
        raise pymysql.OperationalError(1227, "Access denied; you need the SUPER privilege")

    def second(context: Context) -> Iterator[Finding]:
        """The second one was looked at."""
        yield from ()

    with opened(migration.config()) as context:
        results = run_all(context, {"first": first, "second": second})
    assert [(result.name, result.status) for result in results] == [
        ("first", "failed"), ("first", "failed"), ("second", "ok"),
    ]  # fmt: skip
    assert fails(results, "1227")
    assert results[-1].message == "The second one was looked at."
