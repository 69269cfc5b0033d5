"""The engine on servers of a few hundred lines: many histories of writes, moments and kills. See docs/testing.md."""
