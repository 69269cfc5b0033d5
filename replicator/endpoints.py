"""From a url and the place of its secret to an Endpoint. No password ever stands in the configuration itself."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from replicator.mysql.connection import Endpoint
from replicator.settings import SettingError

PARAMETERS = ("unix_socket", "ssl", "ssl_ca", "ssl_cert", "ssl_key")
SECRETS = ("password_file", "password_env", "option_file")
PASSWORD_IN_URL = "holds a password: take it out and name password_file, password_env or option_file instead"


def path_of(value: str, folder: Path) -> Path:
    """`~` and paths relative to `folder` made absolute."""
    return folder / Path(value).expanduser()


def read_url(url: str, folder: Path) -> dict[str, Any]:
    """The parts of `mysql://user@host:port/database?…` that it names; files are found relative to `folder`.

    Raises SettingError; the message never holds the url, which may hold a password that should not be there.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SettingError("is not a url: write mysql://USER@HOST:PORT/DATABASE") from None
    if parts.password is not None:
        raise SettingError(PASSWORD_IN_URL)
    if parts.scheme not in ("mysql", "mariadb"):
        raise SettingError("does not start with mysql:// or mariadb://")
    found: dict[str, Any] = {}
    try:
        port = parts.port
    except ValueError:
        raise SettingError("has a port that is not a number from 1 to 65535") from None
    if port is not None:
        found["port"] = port
    if parts.username:
        found["user"] = unquote(parts.username)
    if parts.hostname:
        found["host"] = unquote(parts.hostname)
    if parts.fragment:
        raise SettingError("has a # in it: write %23 for a # in a name")
    database = parts.path.removeprefix("/")
    if "/" in database:
        raise SettingError("names more than one database: write mysql://USER@HOST:PORT/DATABASE")
    if database:
        found["database"] = unquote(database)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in ("password", "passwd", "pwd"):
            raise SettingError(PASSWORD_IN_URL)
        if name not in PARAMETERS:
            raise SettingError(f"has an unknown parameter {name!r}: known are {', '.join(PARAMETERS)}")
        if not value:
            raise SettingError(f"has an empty parameter {name}")
        if name in ("ssl_ca", "ssl_cert", "ssl_key"):
            value = str(path_of(value, folder))
        found[name] = value
    return found


def read_option_file(path: Path) -> dict[str, Any]:
    """The `[client]` section of a MySQL option file, in the names of `read_url`, with `password`.

    Raises SettingError where the file cannot be read.
    """
    names = {"user": "user", "password": "password", "host": "host", "port": "port", "socket": "unix_socket",
             "ssl_ca": "ssl_ca", "ssl_cert": "ssl_cert", "ssl_key": "ssl_key", "ssl_mode": "ssl"}  # fmt: skip
    # DISABLED and PREFERRED ask for nothing; without an authority of its own VERIFY_CA has to mean the stricter one.
    modes = {"REQUIRED": "required", "VERIFY_CA": "required", "VERIFY_IDENTITY": "verify"}
    found: dict[str, Any] = {}
    section = ""
    sections = set()
    for line in read_secret(path).splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip().lower()
            sections.add(section)
        elif section == "client" and line and line[0] not in "#;!":
            key, _, value = line.partition("=")
            name = names.get(key.strip().lower().replace("-", "_"))
            if name is not None:
                found[name] = _option_value(value.strip())
    if "client" not in sections:
        raise SettingError(f"has no [client] section: {path}")
    if "port" in found:
        if not found["port"].isdigit():
            raise SettingError(f"{path}: port is not a number")
        found["port"] = int(found["port"])
    if "ssl" in found:
        asked = found.pop("ssl").upper()
        mode = "verify" if asked == "VERIFY_CA" and "ssl_ca" not in found else modes.get(asked)
        found |= {"ssl": mode} if mode else {}
    return found


def _option_value(text: str) -> str:
    """Quotes and backslashes as the servers' own clients read them."""
    if text[:1] in ("'", '"') and text[0] in text[1:]:
        text = text[1 : text.rindex(text[0])]
    else:
        text = text.partition("#")[0].rstrip()
    escapes = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "s": " ", "\\": "\\", '"': '"', "'": "'"}
    result = ""
    position = 0
    while position < len(text):
        if text[position] == "\\" and text[position + 1 : position + 2] in escapes:
            result += escapes[text[position + 1]]
            position += 2
        else:
            result += text[position]
            position += 1
    return result


def read_secret(path: Path) -> str:
    """The text of a file that holds a secret. Raises SettingError, without its contents."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingError(f"cannot be read: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingError(f"cannot be read: {path} is not UTF-8 text") from None


def read_password(kind: str, value: str, folder: Path, environ: Mapping[str, str]) -> str:
    """The password that `password_file` or `password_env` names. Raises SettingError."""
    if kind == "password_env":
        if value not in environ:
            raise SettingError(f"names the environment variable {value}, which is not set")
        return environ[value]
    password = read_secret(path_of(value, folder)).rstrip("\r\n")
    if not password:
        raise SettingError(f"names an empty file: write the password into {value}")
    if "\n" in password:
        raise SettingError(f"names a file of several lines: {value} must hold the password and nothing else")
    return password


def tls(parts: Mapping[str, Any]) -> dict[str, Any] | None:
    """PyMySQL's `ssl` settings for the ssl parameters of a url; None where it asks for none.

    Never empty: an empty one would mean "encrypted if the server likes". `required` alone encrypts; with `ssl_ca` it
    also checks who signed the certificate; `verify` (which `ssl_ca` alone means too) checks the host's name as well.
    Raises SettingError.
    """
    mode = parts.get("ssl")
    given = {name: parts[f"ssl_{name}"] for name in ("ca", "cert", "key") if f"ssl_{name}" in parts}
    if mode is None and not given:
        return None
    if mode not in (None, "required", "verify"):
        raise SettingError('has ssl= with something else than "required" or "verify"')
    if "unix_socket" in parts:
        raise SettingError("asks for ssl on a Unix socket, where there is none: take out the one or the other")
    if ("cert" in given) != ("key" in given):
        raise SettingError("names one of ssl_cert and ssl_key: a client certificate needs both")
    for name, file in given.items():
        if not Path(file).is_file():
            raise SettingError(f"names ssl_{name}={file}, which is no file")
    verify = mode == "verify" or (mode is None and "ca" in given)
    if verify and "ca" not in given:
        paths = ssl.get_default_verify_paths()
        given |= {"ca": paths.cafile} if paths.cafile else {"capath": paths.capath} if paths.capath else {}
        if not given.keys() & {"ca", "capath"}:
            raise SettingError("asks for ssl=verify, but this system knows no authority: name one with ssl_ca=")
    signed = verify or "ca" in given
    return {**given, "verify_mode": "required" if signed else "none", "check_hostname": verify}


def make_endpoint(
    role: str,
    url: str,
    secret: tuple[str, str] | None,
    folder: Path,
    environ: Mapping[str, str],
    account: Endpoint | None = None,
) -> Endpoint:
    """The endpoint of a url and of at most one of password_file, password_env and option_file (kind, value).

    `account` lends user and password where the url names no other user. Raises SettingError, which says what is wrong
    about the url or, after `KIND: `, about the secret.
    """
    parts = read_url(url, folder)
    password = ""
    if secret is not None:
        kind, value = secret
        try:
            if kind == "option_file":
                found = read_option_file(path_of(value, folder))
                password = found.pop("password", "")
                if "host" in parts:
                    found.pop("unix_socket", None)
                if "unix_socket" in {**found, **parts}:
                    found = {name: part for name, part in found.items() if not name.startswith("ssl")}
                parts = {**found, **parts}
            else:
                password = read_password(kind, value, folder, environ)
        except SettingError as problem:
            raise SettingError(f"{kind}: {problem}") from None
    elif account is not None and parts.get("user", account.user) == account.user:
        parts["user"], password = account.user, account.password
    if "user" not in parts:
        raise SettingError("names no user: write mysql://USER@HOST:PORT/DATABASE")
    return Endpoint(
        role=role,
        user=parts["user"],
        host=parts.get("host", "127.0.0.1"),
        port=parts.get("port", 3306),
        unix_socket=parts.get("unix_socket"),
        database=parts.get("database", ""),
        password=password,
        tls=tls(parts),
    )
