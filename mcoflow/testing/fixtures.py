"""Fixtures for pytest. Write `pytest_plugins = ["mcoflow.testing.fixtures"]` into your top conftest.py.

A test that leaves a future, lease, lock, timer, event or request behind fails, and the message names what
it left; `@pytest.mark.mcoflow_leaves("timer", …)` says that it means to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from mcoflow.testing.clock import ManagedClock
from mcoflow.testing.ground import Ground
from mcoflow.testing.hosts import FakeHosts
from mcoflow.testing.leftovers import leftovers
from mcoflow.testing.world import OneThreadWorld

MARK = "mcoflow_leaves"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", f"{MARK}(*kinds): what a test may leave: future, lease, timer, outbox …"
    )


@pytest.fixture
def managed_clock() -> ManagedClock:
    """Time that stands still until the test moves it."""
    return ManagedClock()


@pytest.fixture
def ground(managed_clock: ManagedClock) -> Iterator[Ground]:
    """What worlds stand on: a store, a broker and hosts."""
    with closing(Ground(managed_clock)) as ground:
        yield ground


@pytest.fixture
def fake_hosts(ground: Ground) -> FakeHosts:
    """The hosts that the requests of `world` go to."""
    return ground.hosts


@pytest.fixture
def world(ground: Ground, request: pytest.FixtureRequest) -> Iterator[OneThreadWorld]:
    """A running world in the thread of the test; what it leaves behind fails the test."""
    with OneThreadWorld(ground=ground) as world:
        yield world
    mark = request.node.get_closest_marker(MARK)
    allowed = mark.args if mark is not None else ()
    left = [name for kind, names in leftovers(world).items() if kind not in allowed for name in names]
    if left:
        pytest.fail(f"{request.node.name} left behind: {'; '.join(left)}", pytrace=False)
