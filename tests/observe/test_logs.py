"""Logs: the form, and that no secret gets into them, however it is carried."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from replicator.observe.logs import HIDDEN, configure, redactor


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_object_a_line_where_nobody_watches() -> None:
    stream = io.StringIO()
    configure("info", "auto", stream=stream, environ={})
    structlog.get_logger().info("chunk.copied", table="kunden_ü", rows=10)
    structlog.get_logger().debug("chunk.planned")
    (line,) = lines(stream)
    assert line["event"] == "chunk.copied"
    assert (line["table"], line["rows"], line["level"]) == ("kunden_ü", 10, "info")
    assert line["timestamp"].endswith("Z")


def test_for_people_on_a_terminal_in_colour_unless_it_is_not_wanted() -> None:
    for environ, colour in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        stream = Terminal()
        configure("info", "auto", stream=stream, environ=environ)
        structlog.get_logger().info("chunk.copied", rows=10)
        assert "chunk.copied" in stream.getvalue()
        assert ("\x1b[" in stream.getvalue()) is colour


def test_the_level_of_loggers_that_exist_already_can_be_changed() -> None:
    logger = structlog.get_logger("early")
    stream = io.StringIO()
    configure("error", "json", stream=stream)
    logger.info("chunk.copied")
    configure("debug", "json", stream=stream)
    logger.debug("chunk.planned")
    assert [line["event"] for line in lines(stream)] == ["chunk.planned"]


def test_secrets_are_hidden_in_values_keys_and_tracebacks() -> None:
    for form in ("json", "console"):
        stream = io.StringIO()
        configure("info", form, secrets=["hunter2'ü"], stream=stream)
        logger = structlog.get_logger()
        logger.info("server.connected", password="other", url="mysql://a:hunter2'ü@h", nested={"list": ["xhunter2'üx"]})
        try:
            raise ValueError("refused hunter2'ü", {"p": "hunter2'ü"})
        except ValueError as error:
            logger.exception("server.refused", error=error)
        text = stream.getvalue()
        assert "hunter2" not in text
        assert "other" not in text
        assert "ValueError" in text
        assert text.count(HIDDEN) >= 5


def test_what_libraries_log_is_redacted_too() -> None:
    stream = io.StringIO()
    configure("info", "json", secrets=["hunter2"], stream=stream)
    logging.getLogger("pymysqlreplication").warning("connecting with %s", "hunter2")
    (line,) = lines(stream)
    assert line["event"] == "library.logged"
    assert line["message"] == f"connecting with {HIDDEN}"


def test_of_two_secrets_the_longer_is_hidden_whole() -> None:
    assert redactor(["abcd", "abcdefgh"])("x abcdefgh y abcd") == f"x {HIDDEN} y {HIDDEN}"


def test_a_very_short_secret_does_not_garble_everything() -> None:
    redact = redactor(["a"])
    assert redact({"value": "a", "text": "banana"}) == {"value": HIDDEN, "text": "banana"}


def test_numbers_and_nothing_stay_what_they_are() -> None:
    assert redactor(["12345"])({"a": 1, "b": None, "c": 0.5, "d": True, "password": None}) == {
        "a": 1, "b": None, "c": 0.5, "d": True, "password": None,
    }  # fmt: skip
