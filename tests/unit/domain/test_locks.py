"""Locks as values: what may be asked for, and who gets what."""

from uuid import UUID, uuid4

import pytest

from mcoflow.domain.locks import MAX_LOCKS, Lock, LockRow, Settled, merged, settle
from mcoflow.errors import PlanningError


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_lock_needs_a_name_of_sensible_length(name: str) -> None:
    with pytest.raises(PlanningError, match="1 to 200 characters"):
        Lock(name)


def test_an_unknown_mode_or_conflict_names_the_known_ones() -> None:
    with pytest.raises(PlanningError, match="mode exclusive or shared, conflict fail or wait"):
        Lock("a", "greedy")  # type: ignore[arg-type]


def test_the_locks_of_a_plan_are_sorted_and_the_stricter_of_two_alike_counts() -> None:
    wanted = [Lock("b", "shared", "wait"), Lock("a", "shared", "wait"), Lock("b", "exclusive", "wait")]

    assert merged([*wanted, Lock("a", "shared", "fail")]) == (Lock("a", "shared"), Lock("b", conflict="wait"))


def test_a_plan_asks_for_a_bounded_number_of_locks() -> None:
    with pytest.raises(PlanningError, match=f"{MAX_LOCKS} locks, this one asks for {MAX_LOCKS + 1}"):
        merged(Lock(str(number)) for number in range(MAX_LOCKS + 1))


def test_a_shared_lock_does_not_pass_an_exclusive_one_that_waits() -> None:
    reader, writer, late = uuid4(), uuid4(), uuid4()

    settled = settled_of(
        (reader, "a", "shared", True), (writer, "a", "exclusive", False), (late, "a", "shared", False)
    )

    assert settled.granted == []
    assert [rival.plan_id for rival in settled.blocked[writer]] == [reader]
    assert [rival.plan_id for rival in settled.blocked[late]] == [writer]


def test_a_sub_plan_does_not_queue_behind_who_waits_for_its_parent() -> None:
    """E-076: the parent waits for the child, the stranger for the parent: the child must not wait for him."""
    parent, stranger, child = uuid4(), uuid4(), uuid4()
    rows = (parent, "a", "exclusive", True), (stranger, "a", "exclusive", False)

    settled = settled_of(*rows, (child, "a", "exclusive", False), kin={child: {parent}})

    assert settled.granted == [child]


def settled_of(*rows: tuple[UUID, str, str, bool], kin: dict[UUID, set[UUID]] | None = None) -> Settled:
    numbered = [LockRow(number, *row) for number, row in enumerate(rows, 1)]
    return settle(numbered, lambda plan_id: (kin or {}).get(plan_id, set()))
