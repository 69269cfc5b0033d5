"""Whole migrations, one folder each: see docs/testing.md."""
