"""Two servers of each flavour that tests here may do anything to, as long as they leave them running and writable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from replicator.demo.servers import FLAVOURS, launch
from tests.cli.test_tls import certificate
from tests.conftest import ServerPair, demand
from tests.faults.world import World, make_world


@pytest.fixture(scope="session")
def authorities() -> Iterator[Path]:
    """`ours` signed `right` for 127.0.0.1; `other` signed nothing."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server may run as another user
        ours = certificate(folder, "ours", None)
        certificate(folder, "right", ours, "127.0.0.1")
        certificate(folder, "other", None)
        yield folder


@pytest.fixture(scope="session", params=FLAVOURS)
def own_pair(request: pytest.FixtureRequest, authorities: Path) -> Iterator[ServerPair]:
    """Source and target, which lose nothing that was committed and take encrypted connections too."""
    demand(request.param)
    options = (
        f"--ssl-ca={authorities}/ours.pem",
        f"--ssl-cert={authorities}/right.pem",
        f"--ssl-key={authorities}/right.key",
        "--tls-version=TLSv1.2,TLSv1.3",
        "--log-slave-updates",
    )
    with ExitStack() as stack:
        source, target = (stack.enter_context(launch(request.param, durable=True, options=options)) for _ in range(2))
        yield ServerPair(source, target)


@pytest.fixture
def new_world(own_pair: ServerPair, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes the one migration of a test: `new_world()`, and what else `make_world` takes."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(make_world(own_pair, tmp_path, **more))


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """A migration from the one server to the other, not begun yet."""
    return new_world()
