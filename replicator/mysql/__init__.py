"""The two servers: connections, positions, the catalog, and what differs between MySQL and MariaDB."""
