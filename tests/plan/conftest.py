"""The migrations of the checks' tests serve here as well."""

from tests.preflight.conftest import build, migration

__all__ = ["build", "migration"]
