"""A case as its folder describes it.

    source.sql      the source as it is before the migration
    target.sql      the target's tables; without it, the source's own
    transforms.py   without it, every table is copied as it is
    writer.sql      what the application does meanwhile (see script.py)
    oracle.sql      a SELECT on the source for each target table that is no plain copy, each behind `-- table: NAME`
    expect.toml     how it has to end
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from replicator.demo.servers import FLAVOURS
from tests.scenarios.script import Section, sections

FOLDER = Path(__file__).parent
ENDS = ("equal", "stopped", "switched", "back", "throttled")


@dataclass(frozen=True)
class Ending:
    """How one run of the daemon has to end."""

    end: str
    """`equal`: it is caught up, equal to the oracle, and verifies so. `stopped`: it has ended by an error. `switched`: it has
    cut over, and `back`: it has rolled back, equal to the oracle. `throttled`: it waits, and says why."""
    code: int = 0
    """The exit code of the error, or of the command."""
    says: tuple[str, ...] = ()
    """Parts of the message."""


@dataclass(frozen=True)
class Step:
    """What an operator does after that, and how the next run has to end."""

    ending: Ending
    section: str | None = None
    """Of writer.sql; executed before the daemon starts again, or beside it where it keeps running."""
    keep: bool = False
    """The daemon goes on running instead of being started again."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the next run, over those of the file."""
    accept: bool = False
    """It is started with the setting that the message named, so that it goes on behind a schema change."""
    transforms: str | None = None
    """A file that takes the place of transforms.py."""
    command: str | None = None
    """Asked of the running daemon, and has to exit with `code` and to say `says`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One scenario."""

    folder: Path
    about: str
    covers: tuple[int, ...]
    """The points of points.toml that fail without a guard which this shows."""
    flavours: tuple[str, ...]
    settings: Mapping[str, str]
    ending: Ending
    then: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def text(self, file: str) -> str | None:
        """A file of the folder, None where there is none."""
        path = self.folder / file
        return path.read_text(encoding="utf-8") if path.exists() else None

    @property
    def script(self) -> dict[str, Section]:
        """What writer.sql does, by section."""
        return sections(self.text("writer.sql") or "")

    @property
    def oracle(self) -> dict[str, str]:
        """Target table → SELECT."""
        found: dict[str, str] = {}
        for part in (self.text("oracle.sql") or "").split("-- table: ")[1:]:
            table, _, query = part.partition("\n")
            found[table.strip()] = query.strip().rstrip(";")
        return found


def load(folder: Path) -> Case:
    """Read a case; an unknown or missing key is an error."""
    raw = tomllib.loads((folder / "expect.toml").read_text(encoding="utf-8"))
    steps = tuple(_step(step) for step in raw.pop("then", ()))
    case = Case(
        folder,
        raw.pop("about"),
        tuple(raw.pop("covers")),
        tuple(raw.pop("flavours", FLAVOURS)),
        raw.pop("settings", {}),
        _ending(raw),
        steps,
    )
    assert not raw, f"{folder.name}: expect.toml: unknown: {', '.join(raw)}"
    named = {step.section for step in steps} - {None}
    unused = set(case.script) - set(MOMENTS) - named
    assert not unused, f"{folder.name}: writer.sql: nothing runs {', '.join(unused)}"
    assert named <= set(case.script), f"{folder.name}: writer.sql lacks {', '.join(map(str, named - set(case.script)))}"
    return case


MOMENTS = ("before the run", "before the copy", "while copying", "after the copy", "all along", "while replicating")
"""Sections that run by themselves. LOW is taken before the copy. `while copying` stands between the copy of the first rows and
HIGH, `after the copy` behind HIGH, and `all along` is repeated from LOW until the target has to be equal."""


def cases() -> list[Case]:
    """Every case, in name order."""
    return [load(path.parent) for path in sorted(FOLDER.glob("*/expect.toml"))]


def _step(raw: dict[str, Any]) -> Step:
    known = ("section", "keep", "accept", "settings", "transforms", "command", "arguments")
    fields = {name: raw.pop(name) for name in known if name in raw}
    step = Step(_ending(raw), **fields)
    assert not raw, f"expect.toml: unknown: {', '.join(raw)}"
    return step


def _ending(raw: dict[str, Any]) -> Ending:
    ending = Ending(raw.pop("end"), raw.pop("code", 0), tuple(raw.pop("says", ())))
    assert ending.end in ENDS, f"expect.toml: end = {ending.end!r}"
    return ending
