"""Engines with one fault each: what the model is worth is that it tells every one of them from the real one."""

from tests.model.mutants import units, rows, copying, checkpoints  # noqa: F401, I001 — in the order of the table
from tests.model.mutants.mutant import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant"]
