"""What a store promises of sub-plans: exact counts, a bell for each that rests, commands to all."""

from uuid import UUID, uuid4

import pytest

from mcoflow.domain.caller import noted
from mcoflow.domain.records import HistoryRecord, PlanDraft
from mcoflow.domain.requests import CommandAnswer, CommandKind
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import CommandRefusedError
from mcoflow.ports.listing import Listing
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, stored

ENDS = {
    "success": (PlanState.STOPPED, PlanResult.SUCCESS),
    "warning": (PlanState.STOPPED, PlanResult.WARNING),
    "error": (PlanState.PAUSED, PlanResult.ERROR),
    "cancelled": (PlanState.STOPPED, PlanResult.CANCELLED),
    "running": (PlanState.RUNNING, PlanResult.PENDING),
    "planned": (PlanState.PLANNED, PlanResult.PENDING),
}


def called(by: UUID, where: str = "planned", *, action: int = 1) -> PlanDraft:
    """Return a sub-plan that stands somewhere."""
    new = draft()
    new.plan.state, new.plan.result = ENDS[where]
    new.plan.caller_plan_id, new.plan.caller_action_id = by, action
    return new


def parent(store: WholeStore) -> UUID:
    new = draft(state=PlanState.RUNNING)
    stored(store, new)
    return new.plan.id


class SubPlansContract:
    """E-066 to E-073, as far as the store is concerned."""

    def test_a_sub_plan_comes_back_with_its_caller(self, store: WholeStore) -> None:
        new = called(parent(store), action=3)
        stored(store, new)

        assert store.plan(new.plan.id) == new.plan

    def test_sub_plans_are_counted_by_where_they_stand(self, store: WholeStore) -> None:
        mine, others = parent(store), parent(store)
        for number, where in enumerate(ENDS, 1):
            stored(store, *(called(mine, where) for _ in range(number)))
        stored(store, called(mine, "success", action=2), called(others, "success"), draft())

        expected = {where: number for number, where in enumerate(ENDS, 1)}
        assert store.count_sub_plans(mine, 1) == expected
        assert store.count_sub_plans(mine, 2) == {"success": 1}
        assert store.count_sub_plans(uuid4(), 1) == {}

    def test_a_sub_plan_that_comes_to_rest_rings_until_it_is_counted(self, store: WholeStore) -> None:
        me, mine, others = living_world(store), parent(store), parent(store)
        (first, second, _) = stored(store, called(mine), called(mine), called(others))
        assert store.rung([mine, others]) == set()

        for plan_id in (first, second):
            (snapshot,) = store.claim(me, [plan_id])
            snapshot.plan.state = PlanState.RUNNING
            store.commit(Changes(plans=[snapshot.plan]))
            assert store.rung([mine]) == (set() if plan_id == first else {mine})
            snapshot.plan.state = PlanState.STOPPED
            store.commit(Changes(plans=[snapshot.plan]))

        assert store.rung([mine, others]) == {mine}
        assert store.rung([others]) == set()
        store.count_sub_plans(mine, 1)
        assert store.rung([mine]) == set()

    def test_a_sub_plan_that_is_halted_rings_too(self, store: WholeStore) -> None:
        mine = parent(store)
        (child,) = stored(store, called(mine))

        store.halt(HistoryRecord(child, 1.0, "halt"))

        assert store.rung([mine]) == {mine}
        assert store.count_sub_plans(mine, 1) == {"halted": 1}

    def test_a_caller_that_is_halted_hears_no_bell_any_more(self, store: WholeStore) -> None:
        mine = parent(store)
        stored(store, called(mine, "success"))
        assert store.rung([mine]) == {mine}

        store.halt(HistoryRecord(mine, 1.0, "halt"))

        assert store.rung([mine]) == set()

    def test_the_living_below_a_plan_are_found_through_those_that_have_stopped(
        self, store: WholeStore
    ) -> None:
        """E-061: for a halt."""
        mine = parent(store)
        ended, alive = called(mine, "cancelled"), called(mine, "running")
        grandchild, beside = called(ended.plan.id, "error"), called(mine, "running", action=noted(1))
        stored(store, ended, alive, grandchild, beside, called(parent(store), "running"))

        assert list(store.living_below(mine)) == [alive.plan.id, grandchild.plan.id]
        assert list(store.living_below(uuid4())) == []

    def test_a_plan_is_deleted_with_what_is_below_it_once_that_has_stopped(self, store: WholeStore) -> None:
        """E-110: all of it or nothing."""
        mine = draft(state=PlanState.STOPPED)
        child, given_up = called(mine.plan.id, "success"), called(mine.plan.id, "cancelled", action=-1)
        grandchild, beside = called(child.plan.id, "error"), called(mine.plan.id, action=noted(1))
        stored(store, mine, child, given_up, grandchild, beside)

        with pytest.raises(CommandRefusedError, match=str(grandchild.plan.id)):
            store.delete_plan(mine.plan.id)
        assert store.plan(mine.plan.id).state is PlanState.STOPPED
        store.halt(HistoryRecord(grandchild.plan.id, 1.0, "halt"))
        assert store.delete_plan(mine.plan.id)

        assert [plan.id for plan in store.plans(Listing(limit=9))] == [beside.plan.id]
        assert store.orphans() == {}

    def test_a_caller_that_comes_to_rest_leaves_no_bell(self, store: WholeStore) -> None:
        mine, other = parent(store), parent(store)
        stored(store, called(mine, "success"), called(other, "success"))

        store.commit(Changes(hushed=[mine]))

        assert store.rung([mine, other]) == {other}

    def test_nobody_rings_for_a_caller_that_does_not_run(self, store: WholeStore) -> None:
        (rests,) = stored(store, draft(state=PlanState.PAUSED))

        stored(store, called(rests, "success"))

        assert store.rung([rests]) == set()

    def test_what_failed_its_planning_is_given_up_and_counts_no_more(self, store: WholeStore) -> None:
        mine = parent(store)
        unplanned = called(mine, "error")
        unplanned.plan.state, unplanned.plan.counts = PlanState.STOPPED, {}
        failed = called(mine, "error")
        failed.plan.state = PlanState.STOPPED
        ids = stored(store, unplanned, failed, called(mine, "success"))
        assert store.count_sub_plans(mine, 1) == {"error": 2, "success": 1}

        store.give_up_unplanned(mine, 1)

        assert store.count_sub_plans(mine, 1) == {"error": 1, "success": 1}
        assert store.known_sub_plans([*ids, uuid4()]) == set(ids[1:])
        assert store.plan(ids[0]).caller_plan_id == mine

    @pytest.mark.parametrize(
        ("kind", "told"),
        [
            (CommandKind.RESUME, {"error"}),
            (CommandKind.CANCEL, {"error", "running", "planned"}),
            (CommandKind.ABORT, {"error", "running", "planned"}),
        ],
    )
    def test_a_command_goes_once_to_all_that_can_take_it(
        self, store: WholeStore, kind: CommandKind, told: set[str]
    ) -> None:
        me, mine = living_world(store), parent(store)
        plans = {where: called(mine, where) for where in ENDS}
        stored(store, *plans.values(), called(parent(store)))

        for _ in range(2):
            store.command_sub_plans(mine, 1, kind, token="7", at=5.0, actor="ann")

        waiting = store.waiting(me, limit=100).commands
        assert {each.plan_id for each in waiting} == {plans[where].plan.id for where in told}
        assert len(waiting) == len(told)
        assert {(each.kind, each.actor, each.at) for each in waiting} == {(kind, "ann", 5.0)}

    def test_a_command_goes_to_more_than_a_page(self, store: WholeStore) -> None:
        mine = parent(store)
        stored(store, *(called(mine) for _ in range(1101)))

        store.command_sub_plans(mine, 1, CommandKind.CANCEL, token="7", at=5.0, actor="")

        assert len(store.waiting(living_world(store), limit=5000).commands) == 1101

    def test_a_sub_plan_that_is_being_resumed_counts_as_running(self, store: WholeStore) -> None:
        mine = parent(store)
        stored(store, called(mine, "error"), called(mine, "error"))

        store.command_sub_plans(mine, 1, CommandKind.RESUME, token="7", at=5.0, actor="")

        assert store.count_sub_plans(mine, 1) == {"running": 2}
        first = store.waiting(living_world(store), limit=1).commands[0]
        store.commit(Changes(answers=[CommandAnswer(first.id)]))
        assert store.count_sub_plans(mine, 1) == {"running": 1, "error": 1}

    def test_what_a_plan_called_is_listed_and_counted_by_itself(self, store: WholeStore) -> None:
        mine = parent(store)
        beside, given_up = called(mine, "running", action=0), called(mine, "error", action=-1)
        first, second = called(mine, "success"), called(mine, "success", action=2)
        stored(store, first, second, beside, given_up, called(parent(store)), draft())

        listed = store.plans(Listing(caller=mine))
        assert [plan.id for plan in listed] == [second.plan.id, first.plan.id, beside.plan.id]
        assert [plan.id for plan in store.plans(Listing(("running",), caller=mine))] == [beside.plan.id]
        assert store.counts_by_state(mine) == {("stopped", "success"): 2, ("running", "pending"): 1}
        assert store.count_sub_plans(mine, 0) == {"running": 1}
        assert store.known_sub_plans([beside.plan.id, given_up.plan.id, first.plan.id]) == {first.plan.id}

    def test_nobody_rings_for_a_plan_that_no_step_waits_for(self, store: WholeStore) -> None:
        mine = parent(store)

        (beside,) = stored(store, called(mine, "success", action=0))
        stored(store, called(mine, "cancelled", action=-1))
        store.halt(HistoryRecord(beside, 1.0, "halt"))

        assert store.rung([mine]) == set()
