"""Online, exact replication of MySQL and MariaDB tables through Python transforms into a new schema."""

__version__ = "0.1.0"
