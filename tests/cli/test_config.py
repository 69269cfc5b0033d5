"""replicator.toml, environment and flags: what is taken, what is refused, and that everything refused is listed."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from replicator.config import Config, load
from replicator.errors import ConfigError
from replicator.settings import SETTINGS, SettingError, duration, format_duration

MINIMAL = """\
[migration]
name = "shop"

[source]
url = "mysql://reader@db1/shop"

[target]
url = "mysql://writer@db2:3307/shop_new"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "transforms").mkdir()
    return tmp_path


def read(
    folder: Path,
    text: str = MINIMAL,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    path = folder / "replicator.toml"
    path.write_text(text)
    return load(path, {"XDG_RUNTIME_DIR": str(folder), **(environ or {})}, overrides)


def problems(
    folder: Path,
    text: str = MINIMAL,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, environ, overrides)
    return list(caught.value.problems)


def test_defaults(folder: Path) -> None:
    config = read(folder)
    assert config.path == folder / "replicator.toml"
    assert (config.source.host, config.source.port, config.source.database) == ("db1", 3306, "shop")
    assert (config.target.host, config.target.port, config.target.user) == ("db2", 3307, "writer")
    assert config.source.tls is None
    assert config.migration.transforms == folder / "transforms"
    assert config.migration.schema is None
    assert config.migration.state_database == "_replicator"
    assert config.copy.workers == 2
    assert config.stream.heartbeat == 1.0
    assert config.throttle.max_replica_lag == 10.0
    assert config.throttle.replicas == ()
    assert config.http.listen == ("127.0.0.1", 9104)
    assert config.cutover.archive_database == "shop_old"
    assert config.cutover.max_freeze == 5.0
    assert config.cutover.hooks == folder / "hooks"


def test_schema_target_is_found_without_being_named(folder: Path) -> None:
    (folder / "schema/target").mkdir(parents=True)
    assert read(folder).migration.schema == folder / "schema/target"


def test_flag_beats_environment_beats_file_beats_default(folder: Path) -> None:
    text = MINIMAL + '[cutover]\nmax_freeze = "4s"\n'
    environ = {"REPLICATOR_CUTOVER__MAX_FREEZE": "3s"}
    assert read(folder, text).cutover.max_freeze == 4
    assert read(folder, text, environ).cutover.max_freeze == 3
    assert read(folder, text, environ, {"cutover.max_freeze": "2s"}).cutover.max_freeze == 2


def test_everything_wrong_is_listed_at_once_with_its_place_and_fix(folder: Path) -> None:
    text = MINIMAL + '[copy]\nworker = 3\n[stream]\nheartbeat = 5\n[thrott1e]\n[http]\nlisten = "all"\n'
    found = problems(folder, text, {"REPLICATOR_COPY__WORKERS": "many"})
    assert [problem.partition(": ")[0] for problem in found] == [
        "replicator.toml:10", "replicator.toml:13", "environment, REPLICATOR_COPY__WORKERS", "replicator.toml:12",
        "replicator.toml:15",
    ]  # fmt: skip
    assert "did you mean workers?" in found[0]
    assert "did you mean throttle?" in found[1]
    assert "whole number" in found[2]
    assert '"500ms"' in found[3]
    assert "127.0.0.1:9104" in found[4]


def test_required_settings_are_all_named(folder: Path) -> None:
    found = problems(folder, "")
    assert {problem.split()[1] for problem in found} == {"migration.name", "source.url", "target.url"}


def test_required_settings_may_come_from_the_environment(folder: Path) -> None:
    text = MINIMAL.replace('url = "mysql://reader@db1/shop"', "")
    assert read(folder, text, {"REPLICATOR_SOURCE__URL": "mariadb://x@h/d"}).source.database == "d"


def test_an_unknown_variable_is_an_error_but_only_with_the_double_underscore(folder: Path) -> None:
    read(folder, environ={"REPLICATOR_DEBUG": "1"})
    assert "did you mean workers?" in problems(folder, environ={"REPLICATOR_COPY__WORKER": "1"})[0]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--config"):
        load(tmp_path / "replicator.toml", {})


def test_no_toml(folder: Path) -> None:
    assert "not valid TOML" in problems(folder, "[migration")[0]
    (folder / "latin1.toml").write_bytes(b'[migration]\nname = "stra\xdfe"\n')
    with pytest.raises(ConfigError, match=r"latin1\.toml:2: is not UTF-8"):
        load(folder / "latin1.toml", {})


def test_an_option_file_that_says_nothing_is_no_empty_password(folder: Path) -> None:
    for text in ("[mysqld]\npassword = x\n", "[client\npassword = x\n", ""):
        (folder / "my.cnf").write_text(text)
        (found,) = problems(folder, MINIMAL.replace("[target]", 'option_file = "my.cnf"\n[target]'))
        assert "source.option_file has no [client] section" in found


@pytest.mark.parametrize("url", ["mysql://reader:hunter2@db1/shop", "mysql://reader@db1/shop?password=hunter2"])
def test_a_password_in_the_url_is_refused_without_being_shown(folder: Path, url: str) -> None:
    found = problems(folder, MINIMAL.replace("mysql://reader@db1/shop", url))
    assert "password_file" in found[0]
    assert "hunter2" not in "".join(found)


def test_a_password_in_the_file_or_the_environment_is_refused_without_being_shown(folder: Path) -> None:
    text = MINIMAL.replace("[target]", 'password = "hunter2"\n[target]')
    found = problems(folder, text, {"REPLICATOR_TARGET__PASSWORD": "hunter2"})
    assert len(found) == 2
    assert all("password_file" in problem for problem in found)
    assert "hunter2" not in "".join(found)


def test_password_file_is_relative_to_the_migration_and_remembered(folder: Path) -> None:
    (folder / "secret").write_text("hünter 2 \n")
    config = read(folder, MINIMAL.replace("[target]", 'password_file = "secret"\n[target]'))
    assert config.source.password == "hünter 2 "
    assert config.secret_files == (("source.password_file", folder / "secret"),)
    assert config.secrets == ("hünter 2 ",)
    assert "hünter" not in repr(config)


def test_password_env(folder: Path) -> None:
    text = MINIMAL.replace("[target]", 'password_env = "DB_PASSWORD"\n[target]')
    assert read(folder, text, {"DB_PASSWORD": "x"}).source.password == "x"
    assert "DB_PASSWORD, which is not set" in problems(folder, text)[0]


def test_two_places_for_one_password(folder: Path) -> None:
    text = MINIMAL.replace("[target]", 'password_env = "A"\npassword_file = "b"\n[target]')
    assert "keep one of them" in problems(folder, text)[0]


def test_a_password_place_of_higher_rank_replaces_one_of_another_kind(folder: Path) -> None:
    (folder / "secret").write_text("y")
    text = MINIMAL.replace("[target]", 'password_env = "A"\n[target]')
    assert read(folder, text, {"REPLICATOR_SOURCE__PASSWORD_FILE": "secret"}).source.password == "y"


@pytest.mark.parametrize("content", ["one\ntwo\n", "\n", None])
def test_unusable_password_files(folder: Path, content: str | None) -> None:
    if content is not None:
        (folder / "secret").write_text(content)
    found = problems(folder, MINIMAL.replace("[target]", 'password_file = "secret"\n[target]'))
    assert "replicator.toml:7: source.password_file" in found[0]
    assert "secret" in found[0]
    assert "two" not in found[0]


def test_option_file_gives_what_the_url_leaves_open(folder: Path) -> None:
    (folder / "my.cnf").write_text(
        "[mysqld]\nuser=mysql\n[client]\n# mine\nuser = app\npassword=\"a#b\\\"c\\\\d\"\nport=3310\n"
        "socket=/run/x.sock\n[mysql]\nuser=other\n"
    )
    text = MINIMAL.replace('url = "mysql://reader@db1/shop"', 'url = "mysql:///shop"\noption_file = "my.cnf"')
    source = read(folder, text).source
    assert (source.user, source.password, source.port) == ("app", 'a#b"c\\d', 3310)
    assert source.unix_socket == "/run/x.sock"
    source = read(folder, text.replace("mysql:///shop", "mysql://me@db1:1/shop")).source
    assert (source.user, source.port, source.unix_socket) == ("me", 1, None)


def test_unquoted_option_values_end_at_a_comment_as_they_do_for_the_servers_clients(folder: Path) -> None:
    (folder / "my.cnf").write_text("[client]\npassword = ab\\scd # old\n")
    text = MINIMAL.replace("[target]", 'option_file = "my.cnf"\n[target]')
    assert read(folder, text).source.password == "ab cd"


def source_url(url: str) -> str:
    return MINIMAL.replace("mysql://reader@db1/shop", url)


def test_names_in_urls_are_percent_decoded(folder: Path) -> None:
    source = read(folder, source_url("mysql://a%40b@[::1]:3311/sh%2Fop%20%23")).source
    assert (source.user, source.host, source.port, source.database) == ("a@b", "::1", 3311, "sh/op #")


def test_unix_socket(folder: Path) -> None:
    assert read(folder, source_url("mysql://a@localhost/d?unix_socket=/run/m.sock")).source.unix_socket == "/run/m.sock"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgres://a@h/d", "mysql://"),
        ("mysql://h/d", "no user"),
        ("mysql://a@h", "no database"),
        ("mysql://a@h:port/d", "port"),
        ("mysql://a@h/d/e", "more than one"),
        ("mysql://a@h/d?sslmode=off", "unknown parameter"),
        ("mysql://a@h/d?ssl=prefered", '"required" or "verify"'),
        ("mysql://a@h/d?ssl_cert=/x", "both"),
        ("mysql://a@h/d?ssl=required&unix_socket=/x", "Unix socket"),
        ("mysql://a@h/d?ssl_ca=/nowhere/ca.pem", "no file"),
    ],
)
def test_urls_that_cannot_work(folder: Path, url: str, says: str) -> None:
    found = problems(folder, source_url(url))
    assert found[0].startswith("replicator.toml:5: source.url ")
    assert says in found[0]


def test_tls_is_never_an_empty_setting_which_would_mean_if_the_server_likes(folder: Path) -> None:
    (folder / "ca.pem").write_text("")
    required = read(folder, source_url("mysql://a@h/d?ssl=required")).source.tls
    assert required == {"verify_mode": "none", "check_hostname": False}
    signed = read(folder, source_url("mysql://a@h/d?ssl=required&ssl_ca=ca.pem")).source.tls
    assert signed == {"ca": str(folder / "ca.pem"), "verify_mode": "required", "check_hostname": False}
    for url in ("mysql://a@h/d?ssl=verify&ssl_ca=ca.pem", "mysql://a@h/d?ssl_ca=ca.pem"):
        verified = read(folder, source_url(url)).source.tls
        assert verified == {"ca": str(folder / "ca.pem"), "verify_mode": "required", "check_hostname": True}


def test_verify_without_an_authority_takes_the_systems(folder: Path) -> None:
    tls = read(folder, source_url("mysql://a@h/d?ssl=verify")).source.tls
    # Without ca or capath PyMySQL would check neither certificate nor name.
    assert tls is not None
    assert tls.keys() & {"ca", "capath"}
    assert tls["check_hostname"] is True


def test_replicas(folder: Path) -> None:
    (folder / "secret").write_text("x")
    other = '{url = "mysql://other@r2", password_file = "secret"}'
    text = MINIMAL + f'[throttle]\nreplicas = ["mysql://r1:3308", {other}]\n'
    first, second = read(folder, text).throttle.replicas
    assert (first.user, first.host, first.port, first.role) == ("reader", "r1", 3308, "replica")
    assert (second.user, second.password) == ("other", "x")
    found = problems(folder, text.replace('"mysql://r1:3308"', "{pasword='x'}"))
    assert "entry 1 has an unknown key pasword" in found[0]


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ('[cutover]\narchive_database = "shop"', "source database"),
        ('[cutover]\narchive_database = "shop_new"', "target database"),
        ('[migration.x]\n[cutover]\nmax_freeze = "10ms"', "too short"),
    ],
)
def test_what_has_to_fit_together(folder: Path, section: str, says: str) -> None:
    assert any(says in problem for problem in problems(folder, MINIMAL + section))


def test_source_and_target_must_differ(folder: Path) -> None:
    assert "names the source database" in problems(folder, MINIMAL.replace("db2:3307/shop_new", "db1/shop"))[0]


def test_missing_transforms(tmp_path: Path) -> None:
    assert "does not exist" in problems(tmp_path)[0]


def test_the_control_socket_of_a_running_daemon_is_found_from_another_environment(folder: Path) -> None:
    run = folder / "run"
    run.mkdir()
    daemon = read(folder, environ={"RUNTIME_DIRECTORY": str(run)}).control.socket
    assert daemon == run / "shop.sock"
    assert read(folder).control.socket != daemon
    assert read(folder).control.socket.name.startswith("replicator-shop-")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(read(folder).control.socket))
        assert read(folder, environ={"RUNTIME_DIRECTORY": str(run)}).control.socket == read(folder).control.socket


def test_the_temporary_folder_has_to_be_ours_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:  # the test's own folder is too long for a socket
        monkeypatch.setattr("tempfile.tempdir", temporary)
        check_private_folder(folder, Path(temporary) / f"replicator-{os.getuid()}")


def check_private_folder(folder: Path, private: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": ""}
    if not os.access("/run/replicator", os.W_OK):
        assert read(folder, environ=environ).control.socket.parent == private
        private.chmod(0o755)
        assert "0700" in problems(folder, environ=environ)[0]


def test_a_socket_path_that_the_system_cannot_bind(folder: Path) -> None:
    assert "107" in problems(folder, MINIMAL + f'[control]\nsocket = "{"x" * 120}"\n')[0]


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("1s", 1.0), ("5m", 300.0), ("2h", 7200.0), ("1.5s", 1.5), ("7d", 604800.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds
    assert duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "5", 5, "s", "-1s", "1 year", "off", None, True])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(SettingError):
        duration(text)


def test_off_is_a_duration_only_where_it_is_allowed() -> None:
    assert duration("off", off=True) is None
    assert format_duration(None) == "off"


def test_every_default_is_a_value_that_its_setting_takes() -> None:
    for setting in SETTINGS:
        if setting.default is not None:
            setting.read(setting.default)
