"""What `replicator demo` shows, on private servers of its own."""
