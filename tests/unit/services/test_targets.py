"""A preview tells whom a target means before anything runs."""

from collections.abc import Iterator

import pytest

from mcoflow.domain.choice import Choice
from mcoflow.domain.presence import Presence
from mcoflow.domain.requests import HostRecord
from mcoflow.engine.targets import HostFinder
from mcoflow.errors import FormInvalidError, TargetEmptyError, TargetInvalidError
from mcoflow.services.fields import Filled, read_fields
from mcoflow.services.targets import Targets
from mcoflow.testing import OneThreadWorld


@pytest.fixture
def targets() -> Iterator[Targets]:
    with OneThreadWorld() as world:
        now = world.clock.now().timestamp()
        ago = {"web1": 0, "web2": 0, "web3": 200, "web4": 700, "sim1": 0}
        world.store.save_hosts(
            [HostRecord(name, last_seen=now - each, simulated=name == "sim1") for name, each in ago.items()]
        )
        yield Targets(world, HostFinder(world.store, world.clock))


def test_everybody_is_counted_and_the_first_are_named(targets: Targets) -> None:
    """B-057"""
    found = targets.preview("all", named=2)

    counts = (found.matched, found.expected, found.online, found.late, found.offline, found.simulated)
    assert counts == (5, 5, 3, 1, 1, 1)
    assert [(host.name, host.presence) for host in found.hosts] == [
        ("sim1", Presence.ONLINE),
        ("web1", Presence.ONLINE),
    ]
    assert found.words() == "5 hosts: 3 online, 1 late, 1 offline (1 simulated)"


def test_a_limit_is_counted_apart(targets: Targets) -> None:
    found = targets.preview("web*", Choice.of("50%"))

    assert (found.matched, found.expected) == (4, 2)
    assert found.words() == "2 of 4 hosts: 2 online"
    assert targets.resolve("web*", Choice.of("50%")) == ["web1", "web2"]
    assert [host.chosen for host in targets.find("web*", Choice.of(1))] == [True, False, False, False]


def test_a_target_that_means_nobody_is_previewed_and_not_resolved(targets: Targets) -> None:
    assert targets.preview("mail*").words() == "0 hosts"
    with pytest.raises(TargetEmptyError):
        targets.resolve("mail*")
    with pytest.raises(TargetInvalidError):
        targets.preview("mail* or")


def test_the_form_takes_hosts_or_a_target() -> None:
    order = read_fields(Filled(action="install", param="nginx", target=" web* and role=web "))
    assert order.arguments == {"target": "web* and role=web", "package": "nginx"}

    for filled, fault in (
        (Filled(action="ping", target="web* and"), "character 9"),
        (Filled(action="ping", target="web*", hostname="web1"), "not both"),
    ):
        with pytest.raises(FormInvalidError) as refused:
            read_fields(filled)
        assert fault in refused.value.faults["target"]
