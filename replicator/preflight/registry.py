"""All checks, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import pymysql

from replicator.config import Config
from replicator.errors import CheckFailed, ConnectionLost, ReplicatorError, SourceError, TargetError
from replicator.mysql.connection import describe
from replicator.preflight import (
    binlog_format,
    charset,
    collation,
    databases,
    disk_room,
    earlier_run,
    engine,
    foreign_keys,
    generated,
    grants,
    hooks,
    keys,
    local_infile,
    log_bin,
    log_contents,
    metadata_locks,
    name_case,
    packets,
    partitions,
    purity,
    rename,
    replica_updates,
    retention,
    row_image,
    row_metadata,
    safe_position,
    samples,
    secret_files,
    server_id,
    sql_mode,
    target_empty,
    time_zone,
    transforms,
    triggers,
    unmapped,
    versions,
    views,
    way_back,
    writable,
    xa,
)
from replicator.preflight.context import Context, NotSeen, opened
from replicator.preflight.result import CheckResult, Finding, failed, listed

Check: TypeAlias = Callable[[Context], Iterator[Finding]]
"""Yields what it saw. Nothing means that all is well, and its docstring is then the message."""

CHECKS: Final[Mapping[str, Check]] = {
    "versions": versions.check,
    "databases": databases.check,
    "grants": grants.check,
    "secret_files": secret_files.check,
    "server_id": server_id.check,
    "writable": writable.check,
    "time_zone": time_zone.check,
    "sql_mode": sql_mode.check,
    "log_bin": log_bin.check,
    "binlog_format": binlog_format.check,
    "binlog_row_image": row_image.check,
    "binlog_row_metadata": row_metadata.check,
    "log_contents": log_contents.check,
    "replica_updates": replica_updates.check,
    "retention": retention.check,
    "safe_position": safe_position.check,
    "xa": xa.check,
    "transforms": transforms.check,
    "unmapped": unmapped.check,
    "purity": purity.check,
    "samples": samples.check,
    "way_back": way_back.check,
    "keys": keys.check,
    "engine": engine.check,
    "charset": charset.check,
    "collation": collation.check,
    "generated": generated.check,
    "foreign_keys": foreign_keys.check,
    "triggers": triggers.check,
    "partitions": partitions.check,
    "name_case": name_case.check,
    "rename": rename.check,
    "views": views.check,
    "metadata_locks": metadata_locks.check,
    "hooks": hooks.check,
    "target_empty": target_empty.check,
    "earlier_run": earlier_run.check,
    "disk_room": disk_room.check,
    "packets": packets.check,
    "local_infile": local_infile.check,
}


def run_checks(config: Config) -> list[CheckResult]:
    """Run every check; none stops the others. A server that cannot be reached is one failure, not many."""
    with opened(config) as context:
        return run_all(context)


def failure(results: Sequence[CheckResult]) -> ReplicatorError | None:
    """What failed checks come to. A server that is away or refuses comes first: later it may be there, and let us look."""
    wrong = [result for result in results if result.status == "failed"]
    if not wrong:
        return None
    text = "\n".join(f"{result.name}: {result.message} — {result.fix}" for result in wrong)
    names = {result.name for result in wrong}
    return SourceError(text) if "source" in names else TargetError(text) if "target" in names else CheckFailed(text)


def run_all(context: Context, checks: Mapping[str, Check] = CHECKS) -> list[CheckResult]:
    """The findings of `checks`, in their order, behind what could not be looked at."""
    results: list[CheckResult] = []
    unseen: dict[str, list[str]] = {}
    for name, check in checks.items():
        findings: list[Finding] = []
        try:
            findings.extend(check(context))  # one by one: what was found before an error counts
            if not findings:
                findings.append(Finding("ok", (check.__doc__ or name).strip()))
        except NotSeen as missing:
            unseen.setdefault(missing.what, []).append(name)
        except pymysql.MySQLError as error:
            findings.append(failed(describe(error), "grant the accounts what docs/reference/grants.md lists"))
        except ReplicatorError as error:
            findings.append(failed(str(error), "see the message"))
        results += [CheckResult(name, finding.status, finding.message, finding.fix) for finding in findings]
    return [*_not_reached(context, unseen), *results]


def _not_reached(context: Context, unseen: Mapping[str, list[str]]) -> Iterator[CheckResult]:
    file = context.config.path.name
    for role, error in context.unreached.items():
        names = unseen.get(role, [])
        message = f"{error}" + (f"; not looked at for this reason: {listed(names, 3)}" if names else "")
        if isinstance(error, ConnectionLost):
            fix = f"start the server, or correct [{role}] url in {file}"
        else:
            fix = f"create the account as docs/reference/grants.md says, or name another in {file}"
        yield CheckResult(role, "failed", message, fix)
    if "transforms" in unseen:
        waiting = listed(unseen["transforms"], 3)
        yield CheckResult("transforms", "failed", f"not looked at until the transforms are right: {waiting}",
                          "correct what is said about the transforms below, and run `replicator check` again")  # fmt: skip
