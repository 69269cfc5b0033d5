"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check saw; `fix` is what to type or change, empty where all is well."""

    status: Status
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A finding and the name of its check."""

    name: str
    status: Status
    message: str
    fix: str = ""


def ok(message: str) -> Finding:
    """As it should be."""
    return Finding("ok", message)


def warning(message: str, fix: str) -> Finding:
    """The migration can run, but somebody should know."""
    return Finding("warning", message, fix)


def failed(message: str, fix: str) -> Finding:
    """The migration cannot run, or could not be exact."""
    return Finding("failed", message, fix)


def listed(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    """Names joined by commas, the last ones only counted where there are too many to read."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
