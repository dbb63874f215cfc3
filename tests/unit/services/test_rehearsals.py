"""What each host would go through is told before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mcoflow.action import Action, HostAction
from mcoflow.actions import Install, InstallAndRestart, Operate
from mcoflow.domain.requests import HostRecord
from mcoflow.errors import InputInvalidError
from mcoflow.ports.store import Listing
from mcoflow.services import Order, Services, build_services
from mcoflow.services.rehearsals import REHEARSED, Course
from mcoflow.testing import OneThreadWorld


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as made:
        yield made


@pytest.fixture
def services(world: OneThreadWorld) -> Services:
    return build_services(world, world.store, world.clock)


def course_of(services: Services, order: Order) -> list[str]:
    found = services.portions.look(order)
    assert found is not None
    (rehearsal,) = found.rehearsals
    (course,) = rehearsal.courses
    return list(course.steps)


def test_the_steps_of_a_host_are_told_in_order_and_nothing_is_stored(
    services: Services, world: OneThreadWorld
) -> None:
    given = {"hosts": ["web1", "web2"], "packages": ["nginx", "php"], "services": ["web"]}

    told = course_of(services, Order(InstallAndRestart.name, given))

    assert told == [
        "Try to install nginx",
        "Try to install php",
        "Go on if something was installed",
        "Restart service web",
    ]
    assert world.store.plans(Listing()) == []


def test_an_operation_is_told_by_its_name(services: Services, world: OneThreadWorld) -> None:
    world.store.save_hosts([HostRecord("web1", operations={"file.read": {}}, operations_digest="1")])
    asked = {"hosts": ["web1"], "operation": "file.read", "args": {}}

    assert course_of(services, Order(Operate.name, asked)) == ["Run file.read"]


def test_many_hosts_are_told_by_the_first_of_them(services: Services) -> None:
    """The waves are told elsewhere; whoever is not looked at is taken to be like the others."""
    hosts = [f"web{number:03}" for number in range(100)]
    found = services.portions.look(Order(Install.name, {"hosts": hosts, "package": "nginx"}))

    assert found is not None
    assert found.expected == 100
    assert found.rehearsals[0].courses == [Course(hosts[:REHEARSED], ("Install package nginx",))]


class Sweep(HostAction):
    """Sweep."""

    name = "rehearsals.sweep"
    agent = "broom"
    operation = "sweep"


class Report(Action):
    """Tell."""

    name = "rehearsals.report"

    def run(self) -> None:
        """Nothing."""


class Clean(Action):
    """Sweep, some hosts more than once."""

    name = "rehearsals.clean"
    title = "Clean"

    def plan(self, hosts: list[str], fail: bool = False) -> None:
        """Plan."""
        if fail:
            raise ValueError("no broom is left")
        with self.sequence():
            with self.concurrence():
                for host in hosts:
                    with self.sequence():
                        for _ in range(3 if host == "stable" else 1):
                            self.plan_action(Sweep, host=host)
            self.plan_action(Report)


def test_equal_steps_are_one_and_who_goes_through_others_is_named(services: Services) -> None:
    found = services.portions.look(Order(Clean.name, {"hosts": ["web1", "stable", "web2"]}))

    assert found is not None
    (rehearsal,) = found.rehearsals
    assert [(course.where, course.steps) for course in rehearsal.courses] == [
        ("web1, web2", ("Sweep",)),
        ("stable", ("Sweep \u00d73",)),
    ]
    assert rehearsal.rest == ["Report"]


def test_what_cannot_be_planned_is_told_as_the_task_would_tell_it(services: Services) -> None:
    found = services.portions.look(Order(Clean.name, {"hosts": ["web1"], "fail": True}))

    assert found is not None
    assert found.rehearsals[0].problem == "planning failed: no broom is left"


def test_what_would_be_refused_is_refused(services: Services) -> None:
    with pytest.raises(InputInvalidError):
        services.portions.look(Order(Install.name, {"hosts": ["web1"], "package": "-rf"}))


@pytest.mark.parametrize("where", [{"hosts": ["db1", "web1", "new"]}, {"target": "all"}])
def test_hosts_that_would_refuse_are_known_whatever_the_action(
    services: Services, world: OneThreadWorld, where: dict[str, Any]
) -> None:
    """B-041: by their declarations; of one that told nothing yet it is not known."""
    for name, told in (("db1", {"host.ping": {}}), ("web1", {"package.install": {}}), ("new", None)):
        world.store.save_hosts([HostRecord(name, operations=told, operations_digest=name)])
    order = Order(Install.name, {**where, "package": "nginx"})

    (lacking,) = services.portions.lacking(order)
    found = services.portions.look(order)

    assert lacking.words == "1 of 3 hosts does not offer package.install: db1"
    assert found is not None
    assert found.lacking == [lacking]
