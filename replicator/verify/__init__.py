"""Verification: is every row and column of the target what the transforms make of the source?"""

from replicator.verify.repair import repair
from replicator.verify.report import Difference, Report, TableReport
from replicator.verify.stream import TouchedLog
from replicator.verify.verifier import Verifier, verify

__all__ = ["Difference", "Report", "TableReport", "TouchedLog", "Verifier", "repair", "verify"]
