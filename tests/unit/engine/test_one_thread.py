"""E-112: the world in one thread comes to the same ends as the one with threads, whatever interrupts it."""

from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcoflow.testing import OneThreadWorld
from tests.unit.engine.house import House, open_house
from tests.unit.testing.trees import Node, Tree, furnish, seen, trees

UNHURRIED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def as_list(node: Node) -> list[Any]:
    """The tree as JSON has it."""
    kind, what = node
    return [kind, [as_list(each) for each in what] if isinstance(what, list) else what]


def in_one_thread(tree: Node) -> dict[str, Any]:
    with OneThreadWorld() as world:
        furnish(world.ground)
        plan = world.run(Tree, as_list(tree))
        return seen(world.stored, plan.id)


@given(st.lists(trees, min_size=4, max_size=4))
@settings(UNHURRIED, max_examples=6)
def test_both_worlds_come_to_the_same_ends(some: list[Node]) -> None:
    """E-112: plans that run beside each other in threads, and one by one in one thread."""
    with open_house() as house:
        furnish(house.ground)
        house.another()
        found = _with_threads(house, some)

    assert found == [in_one_thread(tree) for tree in some]


def _moved(world: OneThreadWorld, moves: int) -> bool:
    """Make as many moves; False if there are none to make, or none left."""
    return moves > 0 and sum(world.ground.step() for _ in range(moves)) == moves


def _with_threads(house: House, some: list[Node]) -> list[dict[str, Any]]:
    ids = [house.trigger(Tree, tree=as_list(tree)) for tree in some]
    for plan_id in ids:
        house.rest(plan_id)
    return [seen(house, plan_id) for plan_id in ids]


@given(trees, st.integers(0, 40), st.randoms(use_true_random=False))
@UNHURRIED
def test_a_restart_in_any_state_changes_no_outcome(tree: Node, moves: int, order: Random) -> None:
    """E-112: after any number of moves in any order."""
    expected = in_one_thread(tree)
    with OneThreadWorld(order=Random(order.random())) as world:
        furnish(world.ground)
        plan_id = world.trigger(Tree, as_list(tree)).plan_id
        while _moved(world, moves):
            world.restart()
            moves //= 2
        world.drain()

        assert seen(world.stored, plan_id) == expected


@given(trees, st.integers(1, 40), st.randoms(use_true_random=False))
@UNHURRIED
def test_nor_does_a_crash_if_all_may_be_repeated(tree: Node, moves: int, order: Random) -> None:
    """E-112, E-099: and no request is executed twice."""
    expected = in_one_thread(tree)
    with OneThreadWorld(order=Random(order.random())) as world:
        furnish(world.ground)
        plan_id = world.trigger(Tree, as_list(tree)).plan_id
        while _moved(world, moves):
            world.crash()
            world.restart()
            moves //= 2
        world.drain()

        assert seen(world.stored, plan_id) == expected
        assert set(world.hosts.effects.values()) <= {1}
