"""Structured logs: for people on a terminal, one JSON object a line otherwise, and never a secret in either.

Events have constant names, `noun.verb_past`; what varies stands in fields.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, TextIO
from urllib.parse import quote

import structlog

HIDDEN = "[hidden]"

_SECRET_KEY = re.compile(r"password|passwd|secret|token|credential", re.IGNORECASE)
_SHORTEST = 4
"""Shorter passwords are hidden only where they are the whole value: anywhere else they would match ordinary words."""


def redactor(secrets: Iterable[str]) -> Callable[[Any], Any]:
    """A function that hides `secrets`, however they are escaped, in a text or in all that a dict or list holds.

    The value of a key that speaks of a password or a token is hidden whatever it is.
    """
    known = set(secrets) - {""}
    spellings = {
        spelling
        for secret in known
        if len(secret) >= _SHORTEST
        for spelling in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""))
    }
    # The longest first: of two secrets the one may be the beginning of the other.
    pattern = re.compile("|".join(re.escape(text) for text in sorted(spellings, key=len, reverse=True)) or r"(?!)")

    def redact(value: Any) -> Any:
        if isinstance(value, str):
            return HIDDEN if value in known else pattern.sub(HIDDEN, value)
        if isinstance(value, Mapping):
            return {
                key: HIDDEN if entry is not None and _SECRET_KEY.search(str(key)) else redact(entry)
                for key, entry in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [redact(entry) for entry in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return redact(str(value))

    return redact


def for_people(form: str, stream: TextIO) -> bool:
    """Whether logs of this form go to people rather than to a machine."""
    return form == "console" or (form == "auto" and stream.isatty())


def configure(
    level: str,
    form: str,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Set up logging for this process; calling it again changes it.

    `level` is debug, info, warning or error; `form` is console, json, or auto: console on a terminal.
    """
    out = stream if stream is not None else sys.stderr
    variables = os.environ if environ is None else environ
    redact = redactor(secrets)

    def hide(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        hidden: dict[str, Any] = redact(event)
        return hidden

    renderer: Any
    if for_people(form, out):
        colors = out.isatty() and not variables.get("NO_COLOR")
        # The plain traceback: the colourful ones show local variables, where passwords may be.
        renderer = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
    else:
        renderer = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            structlog.processors.format_exc_info,
            hide,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(out),
        # SIGHUP changes the level of loggers that modules made long before.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Libraries()]
    root.setLevel(logging.WARNING)


class _Libraries(logging.Handler):
    """What libraries log goes the same way, and so through the same redaction."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(
            record.levelno, "library.logged", message=record.getMessage(), exc_info=record.exc_info
        )
