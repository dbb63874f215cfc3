"""What a store promises of locks: taken with the plan, all or none, in order of arrival; none left behind."""

import itertools
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import delete

from mcoflow.domain.locks import Lock
from mcoflow.domain.records import HistoryRecord, PlanDraft, PlanSnapshot
from mcoflow.domain.states import PlanState
from mcoflow.errors import LockLostError, LockTakenError, PlanNotFoundError
from mcoflow.ports.store import Changes
from mcoflow.storage import SqlStore
from mcoflow.storage.between_tables import locks
from mcoflow.storage.locks import Locking
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, stored


def locked(*wanted: Lock, caller: UUID | None = None) -> PlanDraft:
    """Return a plan that wants locks."""
    new = draft()
    new.plan.locks = wanted
    new.plan.caller_plan_id, new.plan.caller_action_id = caller, None if caller is None else 1
    return new


def begun(store: WholeStore, owner: UUID, new: PlanDraft) -> PlanSnapshot:
    """Claim a plan and let it run."""
    (snapshot,) = store.claim(owner, [new.plan.id])
    snapshot.plan.state = PlanState.RUNNING
    store.commit(Changes(plans=[snapshot.plan]))
    return snapshot


def moved_to(store: WholeStore, snapshot: PlanSnapshot, state: PlanState) -> None:
    """Let a plan be in another state, as its owner does."""
    again = state is PlanState.RUNNING and snapshot.plan.state is PlanState.PAUSED
    snapshot.plan.state = state
    store.commit(Changes(plans=[snapshot.plan], relocked=[snapshot.plan.id] if again else []))


def ready(store: WholeStore, owner: UUID) -> Collection[UUID]:
    return set(store.waiting(owner, limit=100).plans)


WAIT = Lock("a", conflict="wait")


class LocksContract:
    """E-074 to E-077, as far as the store is concerned."""

    def test_a_plan_comes_back_with_its_locks(self, store: WholeStore) -> None:
        new = locked(Lock("a"), Lock("b", "shared", "wait"))
        stored(store, new)

        assert store.plan(new.plan.id).locks == new.plan.locks
        assert store.snapshot(new.plan.id).plan == new.plan

    def test_the_second_plan_is_refused_with_the_name_of_lock_and_holder(self, store: WholeStore) -> None:
        first, second = locked(Lock("a")), locked(Lock("a"))
        stored(store, first)

        with pytest.raises(LockTakenError, match=f"'a' is held by task {first.plan.id}") as refused:
            stored(store, second)

        assert refused.value.taken == {second.plan.id: ("a", first.plan.id)}
        with pytest.raises(PlanNotFoundError):
            store.plan(second.plan.id)

    def test_the_same_plan_again_is_not_refused_for_its_own_lock(self, store: WholeStore) -> None:
        new = locked(Lock("a"))

        stored(store, new)
        stored(store, new)

        assert store.lock_waiters([new.plan.id]) == set()

    def test_plans_that_wait_get_their_turn_in_order_of_arrival(self, store: WholeStore) -> None:
        me, plans = living_world(store), [locked(WAIT) for _ in range(4)]
        stored(store, *plans[:2])
        stored(store, *plans[2:])
        ids = [each.plan.id for each in plans]

        for place, new in enumerate(plans):
            assert ready(store, me) == {new.plan.id}
            assert store.lock_waiters(ids) == set(ids[place + 1 :])
            for later in ids[place + 1 : place + 2]:
                assert store.plan(later).explanation == f"waits for the lock 'a', held by task {new.plan.id}"
            moved_to(store, begun(store, me, new), PlanState.STOPPED)
        assert store.plan(ids[-1]).explanation == ""

    def test_a_plan_that_also_waits_for_something_else_goes_on_saying_so(self, store: WholeStore) -> None:
        me, first, second = living_world(store), locked(Lock("a")), locked(WAIT)
        second.plan.explanation = "waits for the order to run"
        stored(store, first, second)

        moved_to(store, begun(store, me, first), PlanState.STOPPED)

        assert store.lock_waiters([second.plan.id]) == set()
        assert store.plan(second.plan.id).explanation == "waits for the order to run"

    def test_a_plan_takes_all_of_its_locks_or_none(self, store: WholeStore) -> None:
        me, first = living_world(store), locked(Lock("a"))
        both, only_b = locked(WAIT, Lock("b", conflict="wait")), locked(Lock("b", conflict="wait"))
        stored(store, first, both)
        stored(store, only_b)

        assert store.lock_waiters([both.plan.id, only_b.plan.id]) == {both.plan.id, only_b.plan.id}
        moved_to(store, begun(store, me, first), PlanState.STOPPED)
        assert ready(store, me) == {both.plan.id}

    def test_shared_goes_with_shared_and_not_with_exclusive(self, store: WholeStore) -> None:
        me, shared = living_world(store), Lock("a", "shared")
        readers = [locked(shared), locked(shared)]
        stored(store, *readers)
        writer, late = locked(WAIT), locked(Lock("a", "shared", "wait"))
        stored(store, writer)
        stored(store, late)

        assert ready(store, me) == {each.plan.id for each in readers}
        with pytest.raises(LockTakenError):
            stored(store, locked(Lock("a")))
        for reader in readers:
            moved_to(store, begun(store, me, reader), PlanState.PAUSED)
        assert ready(store, me) == {writer.plan.id}

    def test_locks_of_ancestors_never_conflict(self, store: WholeStore) -> None:
        me, parent = living_world(store), locked(Lock("a"))
        stored(store, parent, locked(WAIT))
        child = locked(Lock("b"), caller=parent.plan.id)
        stored(store, child)
        grandchild = locked(Lock("a"), Lock("b"), caller=child.plan.id)
        stored(store, grandchild)

        assert ready(store, me) == {each.plan.id for each in (parent, child, grandchild)}
        with pytest.raises(LockTakenError, match=f"'b' is held by task {child.plan.id}"):
            stored(store, locked(Lock("b"), caller=parent.plan.id))

    def test_a_resumed_plan_takes_its_locks_again_unless_another_has_one(self, store: WholeStore) -> None:
        me, first, second = living_world(store), locked(Lock("a")), locked(WAIT)
        stored(store, first, second)
        snapshot = begun(store, me, first)
        moved_to(store, snapshot, PlanState.PAUSED)
        other = begun(store, me, second)

        with pytest.raises(LockTakenError, match=f"'a' is held by task {second.plan.id}"):
            moved_to(store, snapshot, PlanState.RUNNING)
        assert store.plan(first.plan.id).state is PlanState.PAUSED

        moved_to(store, other, PlanState.STOPPED)
        snapshot.plan.state = PlanState.PAUSED
        moved_to(store, snapshot, PlanState.RUNNING)
        with pytest.raises(LockTakenError, match=str(first.plan.id)):
            stored(store, locked(Lock("a")))

    def test_a_running_plan_without_its_lock_may_change_nothing(self, store: SqlStore) -> None:
        me, first = living_world(store), locked(Lock("a"), Lock("b"))
        stored(store, first)
        snapshot = begun(store, me, first)
        store.commit(Changes(plans=[snapshot.plan]))
        take_away(store, first.plan.id, "b")

        with pytest.raises(LockLostError) as lost:
            store.commit(Changes(plans=[snapshot.plan]))

        assert lost.value.plan_ids == {first.plan.id}

    def test_a_plan_that_is_halted_leaves_no_lock(self, store: WholeStore) -> None:
        me, first, second = living_world(store), locked(Lock("a")), locked(WAIT)
        stored(store, first, second)

        store.halt(HistoryRecord(first.plan.id, 1.0, "halt"))

        assert ready(store, me) == {second.plan.id}

    def test_two_locks_wanted_in_both_orders_by_many_never_block_each_other(self, store: WholeStore) -> None:
        me = living_world(store)
        pairs = itertools.cycle([("a", "b"), ("b", "a")])
        plans = [locked(*(Lock(name, conflict="wait") for name in next(pairs))) for _ in range(24)]

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda new: stored(store, new), plans))
        ended: set[UUID] = set()
        while found := ready(store, me):
            (plan_id,) = found
            (new,) = (each for each in plans if each.plan.id == plan_id)
            moved_to(store, begun(store, me, new), PlanState.STOPPED)
            ended.add(plan_id)

        assert ended == {each.plan.id for each in plans}

    def test_of_many_plans_at_once_one_gets_the_lock(self, store: WholeStore) -> None:
        plans = [locked(Lock("a")) for _ in range(12)]

        def try_to_store(new: PlanDraft) -> None:
            with suppress(LockTakenError):
                stored(store, new)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(try_to_store, plans))

        assert store.count_plans(None) == 1

    def test_plans_without_locks_cost_no_statement(self, store: SqlStore) -> None:
        stored(store, locked(Lock("a")))
        changes = Changes(new_plans=[draft()], plans=[begun(store, living_world(store), new_one(store)).plan])

        assert Locking.of(changes, changes.new_plans) is None


def new_one(store: WholeStore) -> PlanDraft:
    new = draft()
    stored(store, new)
    return new


def take_away(store: SqlStore, plan_id: UUID, name: str) -> None:
    """Do what no part of mcoflow does: delete a lock of a plan that runs."""
    with store._database.writing() as connection:
        connection.execute(delete(locks).where(locks.c.plan_id == plan_id, locks.c.name == name))
