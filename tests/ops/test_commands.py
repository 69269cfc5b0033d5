"""What operators are told to type is understood by the command line, and what they are told to look at exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from replicator.cli import COMMANDS, parser
from replicator.config import load
from replicator.errors import ConfigError
from replicator.observe.metrics import METRICS

PROJECT = Path(__file__).parents[2]
PAGES = sorted([PROJECT / "README.md", PROJECT / "Dockerfile", *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("ops/**/*")])
TEXTS = {
    page.relative_to(PROJECT).as_posix(): page.read_text()
    for page in PAGES
    if page.is_file() and page.suffix in (".md", ".service", ".yml", "")
}
_QUOTED = re.compile(r"`replicator ([^`]+)`")
_TYPED = re.compile(r"^\s*(?:\$ )?(?:/opt/replicator/bin/|ExecStart=\S*/)?replicator ((?:--config|[a-z]).*)$", re.MULTILINE)
_PROMISES = re.compile(r"…|\[|\bCOMMAND\b|\bFILE:OFFSET\b")
"""A form, not something to type."""


_ACCOUNTS = {"replicator_source", "replicator_target"}


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of each `replicator …` of a page."""
    for found in (*_QUOTED.findall(text), *_TYPED.findall(text)):
        found = re.sub(r"\{\{.*?\}\}", "X", found)  # Prometheus fills it in
        line = re.split(r"\s#|\s[|>;&]|  ", found, maxsplit=1)[0]
        if not _PROMISES.search(line):
            yield shlex.split(line)


@pytest.mark.parametrize("page", [name for name, text in TEXTS.items() if any(commands(text))])
def test_commands_are_understood(page: str) -> None:
    for arguments in commands(TEXTS[page]):
        if len(arguments) == 1 and arguments[0] in {command.name for command in COMMANDS}:
            continue  # it is spoken of
        try:
            known = parser().parse_args(arguments)
        except SystemExit:
            pytest.fail(f"{page}: replicator {shlex.join(arguments)}")
        for setting in [*(known.set or ()), *(known.set_after or ())]:
            _settings_are_known(page, setting)


def _settings_are_known(page: str, setting: str) -> None:
    name, _, value = setting.partition("=")
    overrides = {"migration.name": "x", "source.url": "mysql://a@b/c", "target.url": "mysql://a@b/d", name: value}
    problems: Sequence[str] = ()
    try:
        load(PROJECT / "replicator.toml", {}, overrides)
    except ConfigError as error:  # of the file's secrets, which are not here
        problems = error.problems
    assert not [problem for problem in problems if name in problem], f"{page}: {setting}"


def test_enough_is_looked_at() -> None:
    assert sum(1 for text in TEXTS.values() for _ in commands(text)) > 100


@pytest.mark.parametrize("page", [name for name, text in TEXTS.items() if "](" in text])
def test_links_lead_somewhere(page: str) -> None:
    for place in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        path, _, anchor = place.partition("#")
        if "://" in path:
            continue
        target = (PROJECT / page).parent / path if path else PROJECT / page
        assert target.exists(), f"{page}: {place}"
        if anchor:
            assert anchor in anchors(target), f"{page}: {place}"


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_metrics_that_pages_name_exist() -> None:
    for page, text in TEXTS.items():
        named = set(re.findall(r"\breplicator_[a-z_]+\b", text)) - {"replicator_"}
        named = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
        assert named <= {metric.name for metric in METRICS} | _ACCOUNTS, page


