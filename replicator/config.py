"""replicator.toml, the environment and the flags become one immutable Config, or one error that lists every problem."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicator.endpoints import SECRETS, make_endpoint, path_of
from replicator.errors import ConfigError
from replicator.mysql.connection import Endpoint
from replicator.mysql.position import Position
from replicator.settings import BY_NAME, SECTIONS, SETTINGS, SettingError
from replicator.sockets import SOCKET_BYTES, default_socket


@dataclass(frozen=True, slots=True)
class MigrationConfig:
    """What is migrated."""

    name: str
    transforms: Path
    schema: Path | None
    state_database: str


@dataclass(frozen=True, slots=True)
class CopyConfig:
    """How the copy runs."""

    workers: int


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """How the stream runs. `heartbeat` is in seconds; None writes none."""

    heartbeat: float | None
    on_bad_row: str
    on_schema_change: str
    accept_schema_change: Position | None


@dataclass(frozen=True, slots=True)
class ThrottleConfig:
    """When to wait. None and 0 are off."""

    max_replica_lag: float | None
    replicas: tuple[Endpoint, ...]
    max_threads_running: int


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """Host and port, or None."""

    listen: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class CutoverConfig:
    """How the cutover goes. `max_freeze` is in seconds."""

    mode: str
    archive_database: str
    max_freeze: float
    hooks: Path


@dataclass(frozen=True, slots=True)
class ControlConfig:
    """Where commands reach the daemon."""

    socket: Path


@dataclass(frozen=True, slots=True)
class LogConfig:
    """What is logged, and how."""

    level: str
    format: str


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one migration; paths are absolute, durations in seconds."""

    path: Path
    migration: MigrationConfig
    source: Endpoint
    target: Endpoint
    copy: CopyConfig
    stream: StreamConfig
    throttle: ThrottleConfig
    http: HttpConfig
    cutover: CutoverConfig
    control: ControlConfig
    log: LogConfig
    secret_files: tuple[tuple[str, Path], ...]
    """Setting and path of every file that a secret was read from: only the user may be able to read them."""
    token: str = ""
    """The lock of the daemon that this is the configuration of, while it runs: what it writes is written only with that."""
    copying: str = ""
    """The copy that this is the configuration of a helper of: what it writes is written only into that one."""

    @property
    def folder(self) -> Path:
        """The migration's folder."""
        return self.path.parent

    def ends(self, direction: str) -> tuple[Endpoint, Endpoint]:
        """Where the stream of a direction reads and where it writes; after a rename both are on the target's server."""
        if direction == "reverse" and self.cutover.mode == "hooks":
            return self.target, self.source
        return self.source, self.target

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every password, for those who keep them out of logs and pages."""
        endpoints = (self.source, self.target, *self.throttle.replicas)
        return tuple(sorted({endpoint.password for endpoint in endpoints} - {""}, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class _Given:
    """A value and where it stands; flags outrank the environment, which outranks the file, which outranks defaults."""

    value: object
    place: str
    rank: int


def load(path: Path, environ: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> Config:
    """The configuration of the migration at `path`, a replicator.toml.

    `overrides` are the flags, by `section.key`. Raises ConfigError, which lists every problem with its place and fix.
    """
    path = Path(path).expanduser().absolute()
    problems: list[str] = []
    given = _from_file(path, problems)
    given.update(_from_environment(environ, problems))
    for name, value in (overrides or {}).items():
        given[name] = _Given(value, f"command line, {name}", 3)
        if name not in BY_NAME:
            problems.append(f"command line: unknown setting {name}{_did_you_mean(name, BY_NAME)}")
    reading = _Reading(path, given, environ, problems, {}, [])
    reading.read_values()
    config = reading.build()
    if config is None:
        raise ConfigError(problems)
    return config


def _from_file(path: Path, problems: list[str]) -> dict[str, _Given]:
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file: name it with --config FILE, or write one with "
                          "`replicator init DIR`") from None  # fmt: skip
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8 text: save it as that") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None
    lines = _line_numbers(text)
    found: dict[str, _Given] = {}
    for section, keys in tables.items():
        place = f"{path.name}:{lines.get((section, ''), lines.get(('', section), 1))}"
        if section not in SECTIONS:
            problems.append(f"{place}: unknown section [{section}]{_did_you_mean(section, SECTIONS)}")
        elif not isinstance(keys, dict):
            problems.append(f"{place}: {section} is a section: write [{section}] and its settings below")
        else:
            for key, value in keys.items():
                place = f"{path.name}:{lines.get((section, key), lines.get((section, ''), 1))}"
                if f"{section}.{key}" in BY_NAME:
                    found[f"{section}.{key}"] = _Given(value, place, 1)
                else:
                    problems.append(f"{place}: {_unknown_key(section, key)}")
    return found


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, _Given]:
    variables = {setting.variable: setting for setting in SETTINGS}
    found: dict[str, _Given] = {}
    for name, value in environ.items():
        if name in variables:
            found[variables[name].name] = _Given(value, f"environment, {name}", 2)
        elif name.startswith("REPLICATOR_") and "__" in name:
            section, _, key = name.removeprefix("REPLICATOR_").lower().partition("__")
            known = section in SECTIONS
            advice = _unknown_key(section, key) if known else f"unknown section {section}{_did_you_mean(section, SECTIONS)}"
            problems.append(f"environment, {name}: {advice}")
    return found


def _unknown_key(section: str, key: str) -> str:
    if section in ("source", "target") and key in ("password", "passwd", "pass"):
        return f"{section}.{key} is not taken, because this is no place for a secret: use password_file or password_env"
    return f"unknown setting {key} in [{section}]" + _did_you_mean(
        key, [setting.key for setting in SETTINGS if setting.section == section]
    )


def _did_you_mean(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else ": known are " + ", ".join(known)


def _line_numbers(text: str) -> dict[tuple[str, str], int]:
    """Where sections and keys stand; a key that is written in an unusual way is simply not found."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            section = match[1]
            found.setdefault((section, ""), number)
        elif match := re.match(r"\s*([\w-]+)\s*(?:=|\.)", line):
            found.setdefault((section, match[1]), number)
    return found


@dataclass(frozen=True, slots=True)
class _Reading:
    """Values on their way to a Config; problems are gathered, so that all are seen at once."""

    path: Path
    given: Mapping[str, _Given]
    environ: Mapping[str, str]
    problems: list[str]
    values: dict[str, Any]
    files: list[tuple[str, Path]]

    def problem(self, name: str, text: object) -> None:
        place = self.given[name].place if name in self.given else self.path.name
        self.problems.append(f"{place}: {name} {text}")

    def read_values(self) -> None:
        for setting in SETTINGS:
            one = self.given.get(setting.name)
            value = one.value if one is not None else setting.default
            self.values[setting.name] = None
            if one is None and setting.required:
                self.problem(setting.name, f"is missing: {setting.help.partition('. ')[0].removesuffix('.')}")
            elif one is not None or value is not None:
                try:
                    self.values[setting.name] = setting.read(value)
                except SettingError as error:
                    self.problem(setting.name, error)

    def build(self) -> Config | None:
        """The Config, or None where anything is wrong; what has to fit together is checked here."""
        values = self.values
        source, target = self.endpoint("source"), self.endpoint("target")
        replicas = self.replicas(source)
        transforms = self.existing("migration.transforms", "transforms")
        schema = self.existing("migration.schema", "schema/target" if self.file("schema/target").is_dir() else None)
        archive = values["cutover.archive_database"] or (f"{source.database}_old"[:64] if source else "")
        if source and target and (source.address, source.database) == (target.address, target.database):
            self.problem("target.url", "names the source database: the new tables need one of their own")
        for endpoint in (source, target):
            if endpoint and endpoint.database == archive:
                self.problem("cutover.archive_database", f"is the {endpoint.role} database: choose another name")
            if endpoint and endpoint.database == values["migration.state_database"]:
                self.problem("migration.state_database", f"is the {endpoint.role} database: choose another name")
        socket = self.socket()
        if self.problems or source is None or target is None or transforms is None or socket is None:
            return None
        return Config(
            path=self.path,
            migration=MigrationConfig(
                values["migration.name"], transforms, schema, values["migration.state_database"]
            ),
            source=source,
            target=target,
            copy=CopyConfig(**self.section("copy")),
            stream=StreamConfig(**self.section("stream")),
            throttle=ThrottleConfig(**{**self.section("throttle"), "replicas": replicas}),
            http=HttpConfig(**self.section("http")),
            cutover=CutoverConfig(
                values["cutover.mode"], archive, values["cutover.max_freeze"], self.file(values["cutover.hooks"])
            ),
            control=ControlConfig(socket),
            log=LogConfig(**self.section("log")),
            secret_files=tuple(self.files),
        )

    def section(self, section: str) -> dict[str, Any]:
        return {setting.key: self.values[setting.name] for setting in SETTINGS if setting.section == section}

    def file(self, value: str) -> Path:
        return path_of(value, self.path.parent)

    def existing(self, name: str, default: str | None) -> Path | None:
        value = self.values[name] or default
        if value is None or self.file(value).exists():
            return self.file(value) if value else None
        self.problem(name, f"names {self.file(value)}, which does not exist: create it or name another")
        return None

    def socket(self) -> Path | None:
        """The control socket; a default place is only looked for (and its folder made) once all else is right."""
        named, name = self.values["control.socket"], self.values["migration.name"]
        if not named and (self.problems or not name):
            return None
        try:
            socket = self.file(named) if named else default_socket(name, self.path, self.environ)
            if len(bytes(socket)) > SOCKET_BYTES:
                raise SettingError(f"is longer than the system's {SOCKET_BYTES} bytes: {socket}: name a shorter path")
        except SettingError as error:
            self.problem("control.socket", error)
            return None
        return socket

    def endpoint(self, role: str) -> Endpoint | None:
        url = self.values[f"{role}.url"]
        chosen = [(kind, self.given[f"{role}.{kind}"]) for kind in SECRETS if self.values[f"{role}.{kind}"]]
        rank = max((one.rank for _, one in chosen), default=0)
        secrets = [(kind, str(one.value)) for kind, one in chosen if one.rank == rank]
        if len(secrets) > 1:
            self.problem(f"{role}.{secrets[1][0]}", f"is a second place for the password besides {secrets[0][0]}: "
                         "keep one of them")  # fmt: skip
        elif url is not None:
            try:
                endpoint = self.secured(f"{role}.", role, url, secrets[0] if secrets else None, None)
            except SettingError as error:
                key, _, text = str(error).partition(": ")
                self.problem(f"{role}.{key}", text) if key in SECRETS else self.problem(f"{role}.url", error)
            else:
                if endpoint.database:
                    return endpoint
                self.problem(f"{role}.url", "names no database: write mysql://USER@HOST:PORT/DATABASE")
        return None

    def replicas(self, source: Endpoint | None) -> tuple[Endpoint, ...]:
        found: list[Endpoint] = []
        for number, entry in enumerate(self.values["throttle.replicas"] or (), 1):
            table: dict[str, Any] = entry if isinstance(entry, dict) else {"url": entry}
            secrets = [(kind, str(table[kind])) for kind in SECRETS if kind in table]
            place = f"throttle.replicas[{number}]."
            try:
                if unknown := set(table) - {"url", *SECRETS}:
                    raise SettingError(f"has an unknown key {min(unknown)}: known are url, {', '.join(SECRETS)}")
                if len(secrets) > 1 or not isinstance(table.get("url"), str):
                    raise SettingError(f"needs a url and at most one of {', '.join(SECRETS)}")
                found.append(self.secured(place, "replica", table["url"], secrets[0] if secrets else None, source))
            except SettingError as error:
                self.problem("throttle.replicas", f"entry {number} {error}")
        return tuple(found)

    def secured(
        self, place: str, role: str, url: str, secret: tuple[str, str] | None, account: Endpoint | None
    ) -> Endpoint:
        endpoint = make_endpoint(role, url, secret, self.path.parent, self.environ, account)
        if secret and secret[0] != "password_env":
            self.files.append((place + secret[0], self.file(secret[1])))
        return endpoint
