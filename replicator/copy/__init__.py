"""The copy: key ranges of source tables, and units of staging, written by any number of workers on any hosts."""

from replicator.copy.indexes import defer_indexes, restore_indexes
from replicator.copy.jobs import Job, build_jobs, copy_jobs
from replicator.copy.run import run_jobs
from replicator.copy.silent import copy_silent, settled

__all__ = ["Job", "build_jobs", "copy_jobs", "copy_silent", "defer_indexes", "restore_indexes", "run_jobs", "settled"]
