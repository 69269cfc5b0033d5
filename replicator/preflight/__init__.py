"""All that is looked at before a migration begins: every failure at once, each with its fix."""

from replicator.preflight.registry import failure, run_checks
from replicator.preflight.result import CheckResult

__all__ = ["CheckResult", "failure", "run_checks"]
