"""The network between the daemon and both servers: slow, torn, damaging, and listened to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from replicator import verifying
from replicator.apply import stream
from replicator.errors import SourceError
from tests.conftest import ServerPair
from tests.faults.weather import Damage, Lengths, Storm
from tests.faults.world import USER, World, transaction
from tests.proxy import Proxy, proxy


@pytest.fixture
def ways(own_pair: ServerPair) -> Iterator[tuple[Proxy, Proxy]]:
    """To the source and to the target."""
    with ExitStack() as stack:
        yield stack.enter_context(proxy(own_pair.source.port)), stack.enter_context(proxy(own_pair.target.port))


def urls(ways: tuple[Proxy, Proxy], query: str = "") -> dict[str, str]:
    """Of both ends through their proxies; the database's name is put in later."""
    return {
        role: f"mysql://{USER}@127.0.0.1:{way.port}/{{}}{query}" for role, way in zip(("source", "target"), ways, strict=True)
    }


def test_a_network_that_delays_halves_and_cuts(
    authorities: Path,
    ways: tuple[Proxy, Proxy],
    new_world: Callable[..., World],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the packets of encrypted connections, and in the middle of them."""
    monkeypatch.setattr(stream, "RETRY_WAIT", (0.05, 0.2))
    monkeypatch.setattr(verifying, "_PAUSE", 0.1)
    world = new_world(urls=urls(ways, f"?ssl=verify&ssl_ca={authorities}/ours.pem"))
    storms = Storm(1), Storm(2)
    with world.traffic() as traffic:
        run = world.replicating()
        for way, storm in zip(ways, storms, strict=True):
            way.record, way.trouble = True, storm
        run.until(lambda: all(storm.enough for storm in storms), "meet the storms")
        for way in ways:
            way.trouble = None
        traffic.more()
    world.equal()
    for way in ways:
        assert len(way.seen) > 10_000
        assert b"customer " not in way.seen, "it is encrypted"


def test_damaged_events_are_read_again(ways: tuple[Proxy, Proxy], new_world: Callable[..., World]) -> None:
    """In plain text, or nobody would find the place."""
    world = new_world(urls=urls(ways))
    with world.traffic() as traffic:
        run = world.replicating()
        ways[0].trouble = damage = Damage(b"customer ", 3)
        world.await_said("EventDamaged", "has a wrong checksum")
        run.until(lambda: damage.left == 0, "meet all of the damage")
        traffic.more()
    world.equal()


def test_a_packet_that_says_a_wrong_length_is_not_waited_for(
    ways: tuple[Proxy, Proxy], new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 MB would never come: nobody writes any more."""
    monkeypatch.setattr(stream, "RETRY_WAIT", (0.05, 0.2))
    world = new_world(urls=urls(ways))
    world.replicating()
    ways[0].trouble = lengths = Lengths(b"customer ", 2)
    transaction(world.on("source"), 1)
    world.await_said("EventDamaged", "not as long as its event")
    world.equal()
    assert lengths.left == 0


def test_damage_that_stays_stops_with_its_place(
    ways: tuple[Proxy, Proxy], new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "RETRY_WAIT", (0.05, 0.2))
    world = new_world(urls=urls(ways))
    with world.traffic():
        run = world.replicating()
        ways[0].trouble = Damage(b"customer ", 1000)
        error = run.await_end()
    assert isinstance(error, SourceError)
    assert error.exit_code == 5
    assert "It came like that 5 times, so it is on disk" in str(error)
    assert "It came like that 5 times" in world.status()["last_error"]["message"]
    ways[0].trouble = None
    world.replicating()
    world.equal()


def test_a_server_that_another_authority_vouches_for(
    authorities: Path, ways: tuple[Proxy, Proxy], new_world: Callable[..., World]
) -> None:
    world = new_world(urls=urls(ways, f"?ssl=verify&ssl_ca={authorities}/other.pem"))
    error = world.start().await_end()
    assert "certificate" in str(error).lower()
    assert getattr(error, "exit_code", None) in (5, 6)
