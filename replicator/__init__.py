"""Online, exact replication of MySQL and MariaDB tables through Python transforms into a new schema.

These names are what a migration is written with.
"""

from replicator.transform.declarations import (
    const,
    copy_table,
    drop_table,
    inverse,
    keep_table,
    legacy_view,
    many,
    one,
    transform,
)

__version__ = "0.1.0"

__all__ = ["const", "copy_table", "drop_table", "inverse", "keep_table", "legacy_view", "many", "one", "transform"]
