"""The documented grants are enough, and each of them is asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from replicator import migration as engine
from replicator.config import Config
from replicator.cutover.moves import make_moves
from replicator.daemon import Daemon
from replicator.demo.servers import Server
from replicator.preflight import run_checks
from replicator.preflight.context import opened
from replicator.preflight.grants import NEEDS, sentry_database
from replicator.preflight.privileges import Grant, Privileges, parse_grant
from replicator.progress import Progress
from tests.preflight.migrations import (
    SOURCE,
    TARGET,
    TRANSFORMS,
    Migration,
    check,
    fails,
    look,
    only,
    passes,
    pretend,
    run_script,
)

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "grants.md"
PASSWORD = "a-password-of-no-account"
BLOCK = re.compile(r"^```sql( [^\n]+)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
STATEMENT = re.compile(r"GRANT (?P<privileges>.+?)\s+ON (?P<place>\S+) TO (?P<account>\S+);", re.DOTALL)


@dataclass(frozen=True)
class Granted:
    """One privilege of the page, for the accounts of a test."""

    role: str
    privilege: str
    place: str
    account: str


def page(circumstances: set[str], names: dict[str, str]) -> list[Granted]:
    """What the page grants under these circumstances, in databases and to accounts of these names."""
    found = []
    for tags, text in BLOCK.findall(PAGE.read_text()):
        role, *when = tags.split() or [""]
        for statement in STATEMENT.finditer(text) if set(when) <= circumstances else ():
            place, account = statement["place"], statement["account"]
            for name, actual in names.items():
                place, account = place.replace(f"`{name}`", f"`{actual}`"), account.replace(f"'{name}'", f"'{actual}'")
            for privilege in statement["privileges"].split(", "):
                one = Granted(role, privilege, place, account)
                if one not in found:
                    found.append(one)
    return found


@dataclass(frozen=True)
class Accounts:
    """A migration that runs with accounts that have nothing but the page's grants."""

    config: Config
    granted: list[Granted]
    execute: Callable[[str], None]


@pytest.fixture
def accounts(
    migration: Migration, database: Callable[..., str], connect: Callable[..., pymysql.connections.Connection[Any]]
) -> Iterator[Accounts]:
    cursor = connect(migration.server).cursor()

    def execute(statement: str) -> None:
        cursor.execute(statement)

    archive = migration.source.replace("shop", "shop_old")
    config = migration.config(f'[cutover]\narchive_database = "{archive}"\n[http]\nlisten = "off"')
    users = {role: f"{role}_{migration.source}" for role in ("source", "target")}
    names = {f"replicator_{role}": user for role, user in users.items()}
    state = config.migration.state_database
    names |= {"shop": escaped(migration.source), r"shop\_new": escaped(migration.target), r"shop\_old": escaped(archive)}
    names |= {r"\_replicator": escaped(state), r"\_replicator\_%": escaped(state) + r"\_%"}
    assert sentry_database(config) == archive  # as the page has it
    granted = page({migration.server.flavour, "heartbeat", "rename"}, names)
    for user in users.values():
        execute(f"CREATE USER '{user}'@'localhost' IDENTIFIED BY '{PASSWORD}'")
    for grant in granted:
        execute(f"GRANT {grant.privilege} ON {grant.place} TO {grant.account}")
    ends = {
        role: replace(getattr(config, role), user=user, password=PASSWORD) for role, user in users.items()
    }
    yield Accounts(replace(config, **ends), granted, execute)
    for user in users.values():
        execute(f"DROP USER '{user}'@'localhost'")
    for name in (archive, state):
        execute(f"DROP DATABASE IF EXISTS `{name}`")


def escaped(name: str) -> str:
    return name.replace("_", r"\_")


def test_the_page_is_enough_and_nothing_is_too_much(accounts: Accounts, migration: Migration) -> None:
    schema = migration.folder / "schema" / "target"
    schema.mkdir(parents=True)
    (schema / "tables.sql").write_text(TARGET)
    migration.in_target("DROP TABLE customers, orders")
    config = replace(accounts.config, migration=replace(accounts.config.migration, schema=schema))
    assert [result for result in run_checks(config) if result.status == "failed"] == []
    with opened(config) as context:
        assert passes(look(context, "grants"))
        for grant in accounts.granted:
            accounts.execute(f"REVOKE {grant.privilege} ON {grant.place} FROM {grant.account}")
            database = grant.place.removesuffix(".*").strip("`").replace("\\", "").rstrip("%")
            missing = only([result for result in look(context, "grants") if result.status == "failed"])
            where = "everything" if database == "*" else database
            assert f"lacks {grant.privilege} on {where}: needed to " in missing.message
            assert grant.role in missing.message
            accounts.execute(missing.fix)
            assert passes(look(context, "grants"))
        for grant in accounts.granted:
            accounts.execute(f"REVOKE {grant.privilege} ON {grant.place} FROM {grant.account}")
        failures = [result for result in look(context, "grants") if result.status == "failed"]
        assert len(failures) == len({(grant.role, grant.place) for grant in accounts.granted}), "one GRANT for each database"
        for missing in failures:
            accounts.execute(missing.fix)
        assert passes(look(context, "grants"))


def test_a_migration_runs_with_nothing_else(accounts: Accounts, migration: Migration) -> None:
    shop = engine.Migration(accounts.config, Progress("shop"))

    def until_verified(phase: str) -> None:
        deadline = time.monotonic() + 60
        while not running.done() and time.monotonic() < deadline:
            status = shop.progress.snapshot()
            if status["phase"] == phase and status["tables"] and all(entry["verified_at"] for entry in status["tables"]):
                return
            time.sleep(0.05)
        if running.done():
            running.result()
        raise AssertionError(shop.progress.snapshot())

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(shop.run, once=False)
        try:
            until_verified("replicating")
            *_, last = Daemon(shop).answer("cutover", {})
            assert last["exit_code"] == 0
            until_verified("reversing")
            run_script(migration.server, migration.source, "SELECT orders FROM customers")
            run_script(migration.server, migration.source, "UPDATE orders SET total = 5 WHERE id = 1")
            *_, last = Daemon(shop).answer("rollback", {})
            assert last["exit_code"] == 0
            until_verified("replicating")
        finally:
            shop.stop.set()
    run_script(migration.server, migration.source, "SELECT note FROM customers")


def test_the_page_and_the_check_agree(migration: Migration) -> None:
    all_of_it = {"mysql", "mariadb", "gtid_off", "heartbeat", "rename", "hooks", "views"}
    pages = {(grant.role, grant.privilege) for grant in page(all_of_it, {})}
    assert pages == {(need.role, need.privilege) for need in NEEDS}


def test_without_gtids(accounts: Accounts, migration: Migration) -> None:
    with opened(accounts.config) as context:
        results = look(pretend(context, "source", gtid_mode="OFF"), "grants")
        if migration.server.flavour == "mysql":
            assert fails(results, "lacks RELOAD", "begin a new binlog file")


def test_a_server_that_takes_names_by_the_letter(tmp_path: Path, new_server: Callable[..., Server]) -> None:
    """With partial_revokes a grant on `shop\\_1` is one on a database of that name, and on no other."""
    server = new_server("mysql", options=("--partial-revokes=ON",))
    migration = Migration(tmp_path, server, "shop_1", "shop_2")
    (tmp_path / "transforms").mkdir()
    migration.transforms(TRANSFORMS)
    account = f"CREATE USER mover@localhost IDENTIFIED BY '{PASSWORD}';\nGRANT SELECT ON `shop\\_1`.* TO mover@localhost;\n"
    run_script(server, None, "CREATE DATABASE shop_1;\nCREATE DATABASE shop_2;\n" + account)
    migration.in_source(SOURCE)
    migration.in_target(TARGET)
    config = migration.config()
    ends = {role: replace(getattr(config, role), user="mover", password=PASSWORD) for role in ("source", "target")}
    config = replace(config, **ends)
    wrong = [result for result in check(config, "grants") if result.status == "failed"]
    assert fails(wrong, "lacks SELECT", " on shop_1: needed to read the tables")
    run_script(server, None, "".join(f"{result.fix};\n" for result in wrong))
    assert [result for result in run_checks(config) if result.status == "failed"] == []


def test_less_is_needed_without_a_heartbeat(accounts: Accounts) -> None:
    config = accounts.config
    for grant in accounts.granted:
        if "state" in grant.place and grant.role == "source":
            accounts.execute(f"REVOKE {grant.privilege} ON {grant.place} FROM {grant.account}")
    with opened(config) as context:
        assert fails(look(context, "grants"), "write the heartbeat")
    config = replace(config, stream=replace(config.stream, heartbeat=None))
    with opened(config) as context:
        assert passes(look(context, "grants"))


def test_each_mode_asks_for_its_own(accounts: Accounts) -> None:
    config = replace(accounts.config, cutover=replace(accounts.config.cutover, mode="hooks"))
    with opened(config) as context:
        results = look(context, "grants")
    assert fails(results, "lacks LOCK TABLES", "needed to freeze the tables")
    assert fails(results, "close the source by taking its tables aside")
    for grant in accounts.granted:
        if grant.privilege in ("EVENT", "SHOW VIEW") and grant.role == "target":
            accounts.execute(f"REVOKE {grant.privilege} ON {grant.place} FROM {grant.account}")
    with opened(config) as context:
        assert len(look(context, "grants")) == len(results)


def test_the_sentry_stands_where_the_cutover_puts_it(migration: Migration) -> None:
    for archive in ("archive", "ärchive"):
        config = migration.config(f'[cutover]\narchive_database = "{archive}"')
        with opened(config) as context:
            assert sentry_database(config) == make_moves(config, context.plan).sentry[0]


@pytest.mark.parametrize("role", ["source", "target"])
def test_roles(accounts: Accounts, migration: Migration, role: str) -> None:
    name = f"role_{migration.source}"
    mysql = migration.server.flavour == "mysql"
    accounts.execute(f"CREATE ROLE {name}")
    mine = [grant for grant in accounts.granted if grant.role == role]
    try:
        for grant in mine:
            accounts.execute(f"REVOKE {grant.privilege} ON {grant.place} FROM {grant.account}")
            accounts.execute(f"GRANT {grant.privilege} ON {grant.place} TO {name}")
        with opened(accounts.config) as context:
            assert any(result.status == "failed" for result in look(context, "grants")) or role in context.unreached
        account = mine[0].account
        accounts.execute(f"GRANT {name} TO {account}")
        accounts.execute(f"SET DEFAULT ROLE {name} {'TO' if mysql else 'FOR'} {account}")
        with opened(accounts.config) as context:
            assert passes(look(context, "grants"))
    finally:
        accounts.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize(
    ("line", "grant"),
    [
        ("GRANT SELECT, INSERT ON `a\\_b`.* TO `u`@`%`", Grant(frozenset({"SELECT", "INSERT"}), "a\\_b", None)),
        ("GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*0'", Grant(frozenset({"USAGE"}), None, None)),
        ("GRANT SELECT (`id`, `a`), UPDATE ON `d`.`t` TO `u`@`%`", Grant(frozenset({"UPDATE"}), "d", "t")),
        ("GRANT BINLOG MONITOR ON *.* TO `u`@`%`", Grant(frozenset({"REPLICATION CLIENT"}), None, None)),
        ("REVOKE SELECT ON `mysql`.* FROM `u`@`%`", Grant(frozenset({"SELECT"}), "mysql", None, revoked=True)),
        ("GRANT ALL PRIVILEGES ON `a``b`.* TO `u`@`%` WITH GRANT OPTION", Grant(frozenset({"ALL PRIVILEGES"}), "a`b", None)),
        ("GRANT `r`@`%` TO `u`@`%`", None),
        ("GRANT PROXY ON ``@`%` TO `root`@`localhost` WITH GRANT OPTION", None),
        ("GRANT EXECUTE ON PROCEDURE `d`.`p` TO `u`@`%`", None),
    ],
)  # fmt: skip
def test_lines_of_show_grants(line: str, grant: Grant | None) -> None:
    assert parse_grant(line) == grant


def test_what_grants_allow() -> None:
    def allowed(line: str, privilege: str, schema: str | None, *tables: str) -> bool:
        grants = tuple(grant for grant in map(parse_grant, line.split("; ")) if grant is not None)
        return Privileges(grants).allow(privilege, schema, tables)

    assert allowed("GRANT SELECT ON *.* TO `u`@`%`", "SELECT", "shop")
    assert allowed("GRANT ALL PRIVILEGES ON *.* TO `u`@`%`", "RELOAD", None)
    assert not allowed("GRANT ALL PRIVILEGES ON `shop`.* TO `u`@`%`", "RELOAD", None)
    assert allowed("GRANT SELECT ON `sh_p%`.* TO `u`@`%`", "SELECT", "shop_new")
    assert not allowed("GRANT SELECT ON `sh\\_p`.* TO `u`@`%`", "SELECT", "shop")
    assert allowed("GRANT SELECT ON `d`.`a` TO `u`@`%`; GRANT SELECT ON `d`.`b` TO `u`@`%`", "SELECT", "d", "a", "b")
    assert not allowed("GRANT SELECT ON `d`.`a` TO `u`@`%`", "SELECT", "d", "a", "b")
    assert not allowed("GRANT SELECT ON `d`.`a` TO `u`@`%`", "SELECT", "d")
    assert not allowed("GRANT SELECT ON *.* TO `u`@`%`; REVOKE SELECT ON `d`.* FROM `u`@`%`", "SELECT", "d")
