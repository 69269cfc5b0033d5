"""The settings of replicator.toml: one table of them, and how each is read. The reference page is made from it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from replicator.mysql.position import Position

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_INTEGER = re.compile(r"[+-]?\d+")

OFF = "off"


class SettingError(ValueError):
    """A value that a setting cannot take; the message says what it takes."""


def duration(value: object, *, off: bool = False) -> float | None:
    """Seconds of `"500ms"`, `"1s"`, `"5m"`, `"2h"` or `"7d"`; None for `"off"` where that is allowed.

    Raises SettingError for anything else, also for a number without its unit.
    """
    if off and value == OFF:
        return None
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise SettingError('is not a duration: write a number and its unit, as in "500ms", "1s" or "5m"' + _or_off(off))
    return float(match[1]) * _UNITS[match[2]]


def format_duration(seconds: float | None) -> str:
    """The shortest text that `duration` reads back: `0.5` as `500ms`, `300` as `5m`, None as `off`."""
    if seconds is None:
        return OFF
    for unit in ("d", "h", "m", "s"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:g}ms"


def _or_off(off: bool) -> str:
    return ', or "off"' if off else ""


def _duration(least: float, *, off: bool = False) -> Callable[[object], float | None]:
    def read(value: object) -> float | None:
        seconds = duration(value, off=off)
        if seconds is not None and seconds < least:
            raise SettingError(f"is too short: at least {format_duration(least)}{_or_off(off)}")
        return seconds

    return read


freeze = _duration(0.1)
"""Reads `max_freeze`, wherever it is given."""


def _integer(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise SettingError(f"is not a whole number from {least} to {most}")
        return value

    return read


def _choice(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise SettingError("is not one of " + ", ".join(f'"{choice}"' for choice in choices))
        return value

    return read


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise SettingError("is not a text")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9_-]{1,32}", value):
        raise SettingError("is not a name: 1 to 32 of a-z, 0-9, _ and -")
    return value


def _database(value: object) -> str:
    # The length limit and the trailing space are the servers' own rules for identifiers.
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or value != value.rstrip() or "\0" in value:
        raise SettingError("is not a database name: 1 to 64 characters, no space at the end")
    return value


def _listen(value: object) -> tuple[str, int] | None:
    if value == OFF:
        return None
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise SettingError('is not an address: write "127.0.0.1:9104", "[::1]:9104" or "off"')
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host != "localhost":
            raise SettingError('does not name an IP address: write "127.0.0.1:9104", "[::1]:9104" or "off"') from None
    return host, int(port)


def _position(value: object) -> Position | None:
    if value == OFF:
        return None
    file, colon, offset = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not re.fullmatch(r".+\.\d+", file) or not offset.isascii() or not offset.isdigit():
        raise SettingError('is not a place in the binlog: write "binlog.000042:1234", as the error says, or "off"')
    return Position(file, int(offset))


def _list(value: object) -> tuple[object, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str | dict) for entry in value):
        raise SettingError('is not a list of urls, as in ["mysql://replicator@10.0.0.3:3306"]')
    return tuple(value)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of replicator.toml."""

    section: str
    key: str
    read: Callable[[object], Any]
    default: object
    """As it is written in the file. None: no default of its own; the help says what then happens."""
    takes: str
    help: str
    required: bool = False

    @property
    def name(self) -> str:
        """`section.key`."""
        return f"{self.section}.{self.key}"

    @property
    def variable(self) -> str:
        """The environment variable that overrides the file."""
        return f"REPLICATOR_{self.section.upper()}__{self.key.upper()}"


def _endpoint(role: str) -> tuple[Setting, ...]:
    return (
        Setting(role, "url", _text, None, "url",
                f"The {role} database: `mysql://USER@HOST:PORT/DATABASE` (`mariadb://` means the same). Query "
                "parameters: `unix_socket=PATH`; `ssl=required` (encrypted) or `ssl=verify` (and the server's "
                "certificate and name are checked); `ssl_ca=`, `ssl_cert=`, `ssl_key=` name PEM files. No password.",
                required=True),
        Setting(role, "password_file", _text, None, "path",
                "A file that holds the password and nothing else; mode 0600 or stricter."),
        Setting(role, "password_env", _text, None, "name", "The environment variable that holds the password."),
        Setting(role, "option_file", _text, None, "path",
                "A client option file such as `~/.my.cnf`: its `[client]` section gives what the url leaves open."),
    )  # fmt: skip


SETTINGS: tuple[Setting, ...] = (
    Setting("migration", "name", _name, None, "name",
            "Names the state rows, metrics and log lines: 1 to 32 of a-z, 0-9, _ and -.", required=True),
    Setting("migration", "transforms", _text, "transforms", "path",
            "The folder or file with the transforms, relative to this file; loaded by path, never installed."),
    Setting("migration", "schema", _text, None, "path",
            "The folder or file of DDL that creates the target tables, relative to this file. Default: `schema/target` "
            "where that exists, else the tables must exist already."),
    Setting("migration", "state_database", _database, "_replicator", "name",
            "The database on the target server that holds all state; created when it is missing."),
    *_endpoint("source"),
    *_endpoint("target"),
    Setting("copy", "workers", _integer(1, 64), 2, "number", "Processes that copy at the same time."),
    Setting("stream", "heartbeat", _duration(0.1, off=True), "1s", "duration or off",
            "How often a row of the source's heartbeat table is written, so that lag is known to a fraction of that. "
            '"off" where the source may not be written to.'),
    Setting("stream", "on_bad_row", _choice("stop", "quarantine"), "stop", "choice",
            "What a row does that its transform or the target refuses: `stop` the stream, or be set aside in "
            "`quarantine`, which blocks the cutover until it is empty."),
    Setting("stream", "on_schema_change", _choice("stop", "ignore"), "stop", "choice",
            "What a schema change on the source does: `stop`, or `ignore` it, which is only ever done for tables that "
            "no transform reads."),
    Setting("stream", "accept_schema_change", _position, None, "FILE:OFFSET or off",
            "Go on behind the schema change at which the stream has stopped there, and at no other. The error that stopped "
            "it names the place, and what has to be done before. Default: none."),
    Setting("throttle", "max_replica_lag", _duration(0.1, off=True), "10s", "duration or off",
            "Copying and applying wait while one of `replicas` is further behind than this."),
    Setting("throttle", "replicas", _list, (), "list of urls",
            "The replicas to watch, of either server: urls as above without a database (user and password of the "
            "source unless the url names another user), or tables such as "
            '`{url = "…", password_file = "…"}`.'),
    Setting("throttle", "max_threads_running", _integer(0, 100_000), 0, "number",
            "Copying and applying wait while either server runs more threads than this; 0 is off."),
    Setting("http", "listen", _listen, "127.0.0.1:9104", "address or off",
            "Where /metrics, /healthz, /readyz, /status.json and the status page are served, read-only and without a "
            'password; "off" serves nothing.'),
    Setting("cutover", "mode", _choice("rename", "hooks"), "rename", "choice",
            "`rename`: same server, the names are swapped; `hooks`: another server, the application is pointed at it."),
    Setting("cutover", "archive_database", _database, None, "name",
            "Where the old tables go, on the source's server. Default: the source database's name with `_old` behind it."),
    Setting("cutover", "max_freeze", freeze, "5s", "duration",
            "Writes are never held longer than this: past it the attempt is undone."),
    Setting("cutover", "hooks", _text, "hooks", "path",
            "The folder of the executables on_freeze, on_switch, on_unfreeze and on_abort, relative to this file; "
            "docs/explanation/cutover.md says when mode hooks calls them, and with what."),
    Setting("control", "socket", _text, None, "path",
            "The Unix socket over which commands reach the daemon. Default: `NAME.sock` in $RUNTIME_DIRECTORY or "
            "/run/replicator, else in $XDG_RUNTIME_DIR, else in a folder of one's own below the temporary one."),
    Setting("log", "level", _choice("debug", "info", "warning", "error"), "info", "choice",
            "The least severe events that are logged."),
    Setting("log", "format", _choice("auto", "console", "json"), "auto", "choice",
            "`console` for people, `json` for one object a line; `auto` is console on a terminal."),
)  # fmt: skip

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(setting.section for setting in SETTINGS))
