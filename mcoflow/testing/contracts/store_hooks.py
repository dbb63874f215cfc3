"""What a store promises of hooks: kept with the change of state, called by one world at a time."""

from dataclasses import replace

from mcoflow.domain.records import HistoryRecord, HookRecord, PlanDraft
from mcoflow.domain.states import PlanState
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, stored


def hooked() -> PlanDraft:
    """A plan with a hook, as planning leaves it."""
    new = draft()
    new.plan.hooks = ((1, "InstallPackage"),)
    new.hooks = HookRecord.of(new.plan, (PlanState.PENDING, PlanState.PLANNED), 5.5)
    return new


class HooksContract:
    """E-080: at least once, by somebody who lives."""

    def test_which_actions_have_hooks_comes_back_with_the_plan(self, store: WholeStore) -> None:
        new = hooked()
        stored(store, new, draft())

        assert store.plan(new.plan.id).hooks == ((1, "InstallPackage"),)

    def test_what_nobody_calls_is_adopted_once_in_the_order_in_which_it_was_stored(
        self, store: WholeStore
    ) -> None:
        first, second, new = living_world(store), living_world(store), hooked()
        stored(store, new)

        assert store.adopt_hooks(first, limit=10) == [replace(each, world=first) for each in new.hooks]
        assert store.adopt_hooks(first, limit=10) == ()
        assert store.adopt_hooks(second, limit=10) == ()

    def test_what_a_dead_world_left_is_adopted_by_another(self, store: WholeStore) -> None:
        first, second, new = living_world(store), living_world(store), hooked()
        new.hooks = [replace(each, world=first) for each in new.hooks]
        stored(store, new)
        assert store.adopt_hooks(second, limit=10) == ()

        store.expire_world(first)

        assert len(store.adopt_hooks(second, limit=1)) == 1
        assert len(store.adopt_hooks(second, limit=10)) == 1

    def test_those_of_a_plan_that_another_world_runs_are_left_to_that_one(self, store: WholeStore) -> None:
        first, second, new = living_world(store), living_world(store), hooked()
        stored(store, new)
        store.claim(first, [new.plan.id])

        assert store.adopt_hooks(second, limit=10) == ()
        assert len(store.adopt_hooks(first, limit=10)) == 2

    def test_a_dead_world_adopts_nothing(self, store: WholeStore) -> None:
        dead = living_world(store)
        stored(store, hooked())
        store.expire_world(dead)

        assert store.adopt_hooks(dead, limit=10) == ()

    def test_what_was_called_is_gone(self, store: WholeStore) -> None:
        world, new = living_world(store), hooked()
        stored(store, new)
        called, left = new.hooks

        store.commit(Changes(dropped_hooks=[called.id]))

        assert [each.id for each in store.adopt_hooks(world, limit=10)] == [left.id]

    def test_a_halt_leaves_word_for_the_hooks_if_there_are_some(self, store: WholeStore) -> None:
        """E-079: halted."""
        world, new, other = living_world(store), hooked(), draft()
        stored(store, new, other)
        store.commit(Changes(dropped_hooks=[each.id for each in new.hooks]))

        for each in (new, other):
            store.halt(HistoryRecord(each.plan.id, 7.5, "halt", detail="enough"))

        (told,) = store.adopt_hooks(world, limit=10)
        assert (told.plan_id, told.at, told.state, told.result, told.explanation) == (
            new.plan.id,
            7.5,
            "stopped",
            "halted",
            "halted: enough",
        )
