"""Pairs of different servers: mode hooks moves the traffic from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from replicator.demo.servers import Flavour, Server, launch
from tests.conftest import ServerPair, demand


@pytest.fixture(scope="session")
def _second() -> Iterator[Callable[[Flavour], Server]]:
    started: dict[Flavour, Server] = {}
    with ExitStack() as stack:

        def second(flavour: Flavour) -> Server:
            demand(flavour)
            if flavour not in started:
                started[flavour] = stack.enter_context(launch(flavour, in_memory=True))
            return started[flavour]

        yield second


@pytest.fixture
def apart(server_pair: ServerPair, _second: Callable[[Flavour], Server]) -> ServerPair:
    """Two servers, also where they are of the same flavour."""
    return ServerPair(server_pair.source, _second(server_pair.target.flavour))
