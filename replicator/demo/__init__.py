"""What `replicator demo` shows, on private servers of its own."""

from __future__ import annotations

from pathlib import Path


def askproai_folder() -> Path:
    """The folder that holds transforms/ and schema/ of the AskProAI migration: packed into an installed replicator, the
    top of the repository in a checkout."""
    packed = Path(__file__).with_name("askproai")
    return packed if packed.is_dir() else Path(__file__).parents[2]
