"""From the file to the server: passwords and TLS as the servers see them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replicator.config import Config, load
from replicator.demo.servers import Server
from replicator.errors import ReplicatorError, SourceConnectionLost, SourceError, TargetConnectionLost
from replicator.mysql.connection import Connection, connected, execute, row, rows, value

PASSWORD = "hün'ter\\2 €"


@pytest.fixture
def account(server: Server, connect: Callable[..., Connection]) -> Iterator[str]:
    """An account whose password is not plain ASCII."""
    root = connect(server)
    execute(root, "CREATE USER 'ümläut'@'%%' IDENTIFIED BY %s", (PASSWORD,))
    execute(root, "GRANT SELECT ON *.* TO 'ümläut'@'%'")
    yield "ümläut"
    execute(root, "DROP USER 'ümläut'@'%'")


def configured(folder: Path, url: str, password: str = PASSWORD) -> Config:
    (folder / "transforms").mkdir(exist_ok=True)
    (folder / "password").write_text(password + "\n")
    file = folder / "replicator.toml"
    file.write_text(
        f'[migration]\nname = "shop"\n[source]\nurl = "{url}"\npassword_file = "password"\n'
        '[target]\nurl = "mysql://a@h/other"\n[control]\nsocket = "c.sock"\n'
    )
    return load(file, {})


@pytest.mark.parametrize("tcp", [True, False])
def test_a_password_that_is_not_ascii(server: Server, account: str, tmp_path: Path, tcp: bool) -> None:
    config = configured(tmp_path, server.url("mysql", account, tcp=tcp))
    with connected(config.source, database=False) as connection:
        assert str(value(connection, "SELECT CURRENT_USER()")).startswith("ümläut@")


def test_a_wrong_password_is_a_refusal_that_does_not_show_it(server: Server, account: str, tmp_path: Path) -> None:
    config = configured(tmp_path, server.url("mysql", account), "wrong-one")
    with pytest.raises(SourceError) as caught, connected(config.source, database=False):
        pass
    assert not caught.value.transient
    assert "wrong-one" not in str(caught.value)


@pytest.mark.parametrize(("side", "named"), [("source", SourceConnectionLost), ("target", TargetConnectionLost)])
def test_an_error_that_nobody_caught_is_that_of_its_end(
    server: Server, account: str, connect: Callable[..., Connection], tmp_path: Path, side: str, named: type[ReplicatorError]
) -> None:
    """With sessions of both ends open, whichever was opened last."""
    end = configured(tmp_path, server.url("mysql", account)).source
    ends = {role: dataclasses.replace(end, role=role) for role in ("source", "target")}

    def is_cut(connection: Connection) -> None:
        execute(connect(server), f"KILL {value(connection, 'SELECT CONNECTION_ID()')}")
        value(connection, "SELECT 1")

    with pytest.raises(named), connected(ends["source"]) as source, connected(ends["target"]) as target:
        is_cut({"source": source, "target": target}[side])


def test_tls_where_it_is_asked_for_or_no_connection(
    server: Server, account: str, connect: Callable[..., Connection], tmp_path: Path
) -> None:
    config = configured(tmp_path, server.url("mysql", account, tcp=True) + "?ssl=required")
    said = dict(rows(connect(server), "SHOW VARIABLES WHERE Variable_name IN ('have_ssl', 'tls_version')"))
    if said.get("have_ssl", "YES") != "YES" or not said["tls_version"]:
        with pytest.raises(ReplicatorError, match="SSL"), connected(config.source, database=False):
            pass
        return
    with connected(config.source, database=False) as connection:
        found = row(connection, "SHOW STATUS LIKE 'Ssl_cipher'")
        assert found is not None
        assert found[1] != ""


def test_a_certificate_that_nobody_signed_is_refused_when_it_is_to_be_verified(
    server: Server, account: str, tmp_path: Path
) -> None:
    config = configured(tmp_path, server.url("mysql", account, tcp=True) + "?ssl=verify")
    with pytest.raises(ReplicatorError), connected(config.source, database=False):
        pass
