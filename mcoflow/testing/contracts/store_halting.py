"""What a store promises of a halt: it takes the plan from whoever has it, and leaves nothing open."""

from dataclasses import replace
from uuid import uuid4

import pytest

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import HistoryRecord, StepRecord
from mcoflow.domain.requests import EventRecord, RequestState, TimerRecord
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.errors import LeaseLostError, PlanNotFoundError
from mcoflow.ports.store import ActionPlace, Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, moved, owned, request, stored


def halt(store: WholeStore, plan_id: object) -> bool:
    return store.halt(HistoryRecord(plan_id, 50.0, "halt", None, "bob", "it hangs"))  # type: ignore[arg-type]


class AddedStepsContract:
    """Steps that are added to a stored plan: those that undo others (E-052)."""

    def test_added_steps_are_stored_under_the_fence_of_their_plan(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store))
        added = StepRecord(3, 1, Phase.REVERT, "InstallPackage", StepState.RUNNING, host="web1")
        store.commit(Changes(plans=[snapshot.plan], new_steps=[(snapshot.plan.id, added)]))

        assert store.snapshot(snapshot.plan.id).steps[-1] == added
        assert store.outline(snapshot.plan.id).last_step == 3

        store.expire_world(snapshot.plan.owner)  # type: ignore[arg-type]
        store.claim(living_world(store), [snapshot.plan.id])
        more = replace(added, id=4)
        with pytest.raises(LeaseLostError):
            store.commit(Changes(plans=[snapshot.plan], new_steps=[(snapshot.plan.id, more)]))
        assert store.outline(snapshot.plan.id).last_step == 3

    def test_an_outline_names_the_actions_and_who_planned_them(self, store: WholeStore) -> None:
        (plan_id,) = stored(store, draft(2))

        outline = store.outline(plan_id)

        assert outline.actions == [
            ActionPlace(1, "InstallPackage", None),
            ActionPlace(2, "InstallPackage", None),
        ]
        assert store.outline(uuid4()).actions == []


class HaltContract:
    """E-061 and E-062, as far as rows go."""

    def test_a_halt_takes_the_plan_and_what_its_owner_writes_is_refused(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store))

        assert halt(store, snapshot.plan.id)

        plan = store.plan(snapshot.plan.id)
        assert (plan.state, plan.result, plan.owner) == (PlanState.STOPPED, PlanResult.HALTED, None)
        assert (plan.ended_at, plan.explanation) == (50.0, "halted: it hangs")
        assert plan.epoch == snapshot.plan.epoch + 1
        with pytest.raises(LeaseLostError):
            store.commit(Changes(plans=[snapshot.plan], steps=[moved(snapshot, 2, StepState.RUNNING)]))
        last = store.history(plan.id)[-1]
        assert (last.name, last.actor, last.detail) == ("halt", "bob", "it hangs")

    def test_open_steps_are_cancelled_and_the_effect_of_live_ones_is_unknown(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store), hosts=4)
        states = {2: StepState.SUSPENDED, 4: StepState.SUCCESS, 6: StepState.ERROR}
        changes = [moved(snapshot, step_id, state) for step_id, state in states.items()]
        store.commit(Changes(plans=[snapshot.plan], steps=changes))

        halt(store, snapshot.plan.id)

        steps = {row.step.id: row.step for row in store.steps(snapshot.plan.id) if row.step.id % 2 == 0}
        assert [step.state for step in steps.values()] == ["cancelled", "success", "error", "cancelled"]
        assert steps[2].outcome is Outcome.LOST
        assert steps[2].error is not None
        assert "effect unknown" in steps[2].error.message
        assert steps[8].error is None
        assert store.plan(snapshot.plan.id).counts == {
            StepState.CANCELLED: 2,
            StepState.SUCCESS: 1,
            StepState.ERROR: 1,
        }

    def test_no_request_timer_or_event_is_left(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store))
        plan_id, asked = snapshot.plan.id, request(snapshot.plan.id)
        timer = TimerRecord(uuid4(), plan_id, 2, 9.0, "silence")
        event = EventRecord(uuid4(), plan_id, 2, 9.0, "user")
        store.commit(
            Changes(plans=[snapshot.plan], new_requests=[asked], new_timers=[timer], new_events=[event])
        )

        halt(store, plan_id)

        assert store.open_requests([plan_id]) == []
        assert store.request_bodies([asked.id]) == {}
        assert store.requests([asked.id])[asked.id].state is RequestState.ENDED
        assert (store.timers([plan_id]), store.events([plan_id])) == ([], [])
        (fate,) = store.event_fates({event.id: plan_id})
        assert (fate.waits, fate.code, "halted" in fate.reason) == (False, "EventDroppedError", True)

    @pytest.mark.parametrize("state", [each for each in PlanState if each is not PlanState.STOPPED])
    def test_every_state_but_stopped_can_be_halted_once(self, store: WholeStore, state: PlanState) -> None:
        (plan_id,) = stored(store, draft(state=state))

        assert halt(store, plan_id)
        assert not halt(store, plan_id)
        assert [line.name for line in store.history(plan_id)] == ["delay", "halt"]

    def test_halting_an_unknown_plan_is_refused(self, store: WholeStore) -> None:
        with pytest.raises(PlanNotFoundError):
            halt(store, uuid4())
