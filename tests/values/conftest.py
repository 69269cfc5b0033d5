"""Fixtures of the tests of values."""

from tests.copy.conftest import migration as migration
