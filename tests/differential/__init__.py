"""The engine against plain SQL: random histories, other schemas, real processes that are killed. See docs/testing.md."""
