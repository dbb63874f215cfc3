"""What a store promises of worlds, leases and commands: every plan has one owner, and none waits for ever."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.records import HistoryRecord, PlanRecord, PlanSnapshot
from mcoflow.domain.requests import CommandAnswer, CommandKind, CommandRecord
from mcoflow.domain.states import PlanState, StepState
from mcoflow.errors import LeaseLostError, PlanNotFoundError
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import (
    WholeStore,
    draft,
    let_die,
    living_world,
    moved,
    owned,
    stored,
    world,
)


class OversightContract:
    """E-103, as far as rows go."""

    def test_a_world_is_invalidated_once_and_its_plans_can_be_claimed(self, store: WholeStore) -> None:
        me, other = living_world(store), living_world(store)
        plan = owned(store, other).plan

        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(store.invalidate_world, [other] * 4))

        assert sorted(done) == [False, False, False, True]
        assert not store.invalidate_world(UUID(int=1))
        assert not store.heartbeat(other, lease=60.0)
        assert [each.plan.owner for each in store.claim(me, [plan.id])] == [me]

    def test_the_plans_of_each_owner_are_counted(self, store: WholeStore) -> None:
        me, other = living_world(store), living_world(store)
        at_rest, *_ = [owned(store, me).plan for _ in range(3)]
        owned(store, other)
        stored(store, draft())
        at_rest.state = PlanState.PAUSED
        store.commit(Changes(plans=[at_rest]))

        assert store.plans_owned() == {me: 2, other: 1}

    def test_rows_without_their_plan_are_orphans(self, store: WholeStore) -> None:
        plan_id, gone = stored(store, draft(), draft())
        assert store.orphans() == {}
        store.commit(
            Changes(new_plans=[draft(owner=None)], history=[HistoryRecord(UUID(int=9), 1.0, "halt")])
        )

        assert store.orphans() == {"history": 1}
        assert {plan_id, gone} <= store.versions([plan_id, gone]).keys()


class WaitingContract:
    """What can be taken up."""

    def test_unowned_plans_wait_oldest_first(self, store: WholeStore) -> None:
        me = living_world(store)
        late, early, running = draft(), draft(created_at=5.0), draft(created_at=6.0, state=PlanState.RUNNING)
        at_rest = [draft(state=state) for state in (PlanState.PAUSED, PlanState.STOPPED)]
        stored(store, late, early, running, *at_rest)

        assert store.waiting(me, limit=10).plans == [early.plan.id, running.plan.id, late.plan.id]
        assert store.waiting(me, limit=2).plans == [early.plan.id, running.plan.id]

    def test_plans_of_the_living_do_not_wait(self, store: WholeStore) -> None:
        me, other = living_world(store), living_world(store)
        owned(store, me)
        owned(store, other)

        assert store.waiting(me, limit=10).plans == []

    def test_plans_of_an_expired_world_wait(self, store: WholeStore) -> None:
        me, dying = living_world(store), living_world(store)
        plan = owned(store, dying).plan
        let_die(store, dying)

        assert store.waiting(me, limit=10).plans == [plan.id]
        assert not store.heartbeat(dying, lease=60.0)
        assert store.claim(dying, [plan.id]) == ()
        assert [each.plan.owner for each in store.claim(me, [plan.id])] == [me]

    def test_plans_of_a_world_proven_dead_wait_at_once(self, store: WholeStore) -> None:
        me, dead = living_world(store), living_world(store)
        plan = owned(store, dead).plan

        store.expire_world(dead)

        assert store.waiting(me, limit=10).plans == [plan.id]

    def test_a_paused_plan_of_a_dead_world_does_not_wait_but_can_be_claimed(self, store: WholeStore) -> None:
        me, dead = living_world(store), living_world(store)
        plan = owned(store, dead).plan
        plan.state = PlanState.PAUSED
        store.commit(Changes(plans=[plan]))
        store.expire_world(dead)

        assert store.waiting(me, limit=10).plans == []
        assert [each.plan.id for each in store.claim(me, [plan.id])] == [plan.id]

    def test_a_world_that_leaves_frees_its_plans_and_can_write_no_more(self, store: WholeStore) -> None:
        me, leaving = living_world(store), living_world(store)
        snapshot = owned(store, leaving)

        store.unregister_world(leaving)

        assert [each.id for each in store.worlds()] == [me]
        assert store.waiting(me, limit=10).plans == [snapshot.plan.id]
        with pytest.raises(LeaseLostError):
            store.commit(Changes(plans=[snapshot.plan]))

    def test_a_world_that_is_laid_down_is_as_dead_and_owns_nothing(self, store: WholeStore) -> None:
        """E-102, B-015: ownerless at once, and its reply queue is still known."""
        me, leaving = living_world(store), replace(world(), token="x-leaving00001")
        store.register_world(leaving, lease=60)
        snapshot = owned(store, leaving.id)

        for _ in range(2):
            store.lay_down_world(leaving)

        assert {each.token: each.alive for each in store.worlds() if each.id != me} == {
            "x-leaving00001": False
        }
        assert store.plan(snapshot.plan.id).owner is None
        assert store.waiting(me, limit=10).plans == [snapshot.plan.id]
        with pytest.raises(LeaseLostError):
            store.commit(Changes(plans=[snapshot.plan]))
        store.unregister_world(leaving.id)
        assert [each.id for each in store.worlds()] == [me]

    def test_a_new_plan_of_a_world_that_is_gone_waits_for_another(self, store: WholeStore) -> None:
        me, gone = living_world(store), living_world(store)
        store.unregister_world(gone)
        mine, orphan = stored(store, draft(owner=me), draft(owner=gone))

        assert store.plan(mine).owner == me
        assert store.waiting(me, limit=10).plans == [orphan]

    def test_a_world_that_is_gone_cannot_go_on_with_its_new_plan(self, store: WholeStore) -> None:
        me, gone = living_world(store), living_world(store)
        store.unregister_world(gone)
        new = draft(owner=gone)
        (orphan,) = stored(store, new)

        with pytest.raises(LeaseLostError):  # it would be its own once more, and nobody would find it
            store.commit(Changes(plans=[new.plan]))

        assert store.waiting(me, limit=10).plans == [orphan]


class WorldsContract:
    """Who takes part, by the database's clock."""

    def test_a_world_lives_while_its_heart_beats(self, store: WholeStore) -> None:
        new = world()
        store.register_world(new, lease=30.0)
        (born,) = store.worlds()
        assert store.heartbeat(new.id, lease=60.0)
        (living,) = store.worlds()

        assert (living.id, living.kind, living.token, living.meta) == (new.id, new.kind, new.token, new.meta)
        assert living.alive
        assert living.started_at == born.started_at
        assert born.seen_at <= living.seen_at <= store.now()

    def test_an_unknown_world_has_no_heart(self, store: WholeStore) -> None:
        assert not store.heartbeat(uuid4(), lease=60.0)

    def test_a_world_may_be_registered_again(self, store: WholeStore) -> None:
        new = world()
        store.register_world(new, lease=60.0)
        store.register_world(new, lease=60.0)
        assert [each.id for each in store.worlds()] == [new.id]


class ClaimContract:
    """One owner for each plan."""

    def test_a_claim_loads_what_the_director_needs(self, store: WholeStore) -> None:
        me, new = living_world(store), draft(3)
        stored(store, new)

        (snapshot,) = store.claim(me, [new.plan.id])

        assert (snapshot.plan.owner, snapshot.plan.epoch) == (me, 1)
        assert snapshot.plan == store.plan(new.plan.id)
        assert [step.id for step in snapshot.steps] == [2, 4, 6]
        assert snapshot.graph == new.graph

    def test_own_stopped_unknown_and_others_plans_are_not_claimed(self, store: WholeStore) -> None:
        me, other = living_world(store), living_world(store)
        mine, theirs = owned(store, me).plan.id, owned(store, other).plan.id
        (stopped,) = stored(store, draft(state=PlanState.STOPPED))

        assert store.claim(me, [mine, theirs, stopped, uuid4()]) == ()
        assert store.claim(me, []) == ()

    def test_a_takeover_is_written_into_the_history(self, store: WholeStore) -> None:
        me, dead = living_world(store), living_world(store)
        before = owned(store, dead).plan
        store.expire_world(dead)

        (snapshot,) = store.claim(me, [before.id])

        assert snapshot.plan.epoch == before.epoch + 1
        assert snapshot.plan.version > before.version
        first, takeover = store.history(before.id)
        assert (first.name, takeover.name, takeover.world) == ("delay", "terminate execution", dead)
        assert str(me) in takeover.detail

    def test_racing_executors_share_the_plans_without_overlap(self, store: WholeStore) -> None:
        """R-010: four executors race for plans, 500 for each; each has one owner, none is left."""
        worlds = [living_world(store) for _ in range(4)]
        stored(store, *(draft() for _ in range(2_000)))

        with ThreadPoolExecutor(4) as threads:
            shares = list(threads.map(lambda me: _claim_all(store, me), worlds))

        owners = Counter(plan.id for share in shares for plan in share)
        assert len(owners) == 2_000
        assert set(owners.values()) == {1}
        assert all(plan.epoch == 1 for share in shares for plan in share)
        assert store.waiting(worlds[0], limit=1).plans == []

    def test_of_two_owners_only_the_later_one_writes(self, store: WholeStore) -> None:
        first, second = living_world(store), living_world(store)
        old = owned(store, first)
        store.expire_world(first)
        (new,) = store.claim(second, [old.plan.id])

        with ThreadPoolExecutor(2) as threads:
            late = threads.submit(store.commit, _running(old))
            threads.submit(store.commit, _running(new)).result()

        assert isinstance(late.exception(), LeaseLostError)
        assert store.plan(old.plan.id).owner == second


class CommandsContract:
    """What people ask for reaches the owner, or whoever comes next."""

    def test_a_command_is_listed_for_the_owner_alone_while_that_lives(self, store: WholeStore) -> None:
        me, other = living_world(store), living_world(store)
        plan = owned(store, me).plan
        asked = _command(plan.id)

        assert store.add_command(asked) == me
        assert store.waiting(me, limit=10).commands == [asked]
        assert store.waiting(other, limit=10).commands == []

        store.expire_world(me)
        assert store.waiting(other, limit=10).commands == [asked]

    def test_a_command_to_a_plan_at_rest_is_listed_for_everybody(self, store: WholeStore) -> None:
        me, (plan_id,) = living_world(store), stored(store, draft(state=PlanState.PAUSED))
        asked = [_command(plan_id, at=float(n)) for n in (2, 1)]

        assert [store.add_command(each) for each in asked] == [None, None]

        assert store.waiting(me, limit=10).commands == asked[::-1]

    def test_a_command_that_is_sent_again_is_stored_once(self, store: WholeStore) -> None:
        me, (plan_id,) = living_world(store), stored(store, draft())
        asked = _command(plan_id)
        store.add_command(asked)
        store.add_command(asked)

        assert store.waiting(me, limit=10).commands == [asked]

    def test_the_first_answer_stands(self, store: WholeStore) -> None:
        me, (plan_id,) = living_world(store), stored(store, draft())
        asked = _command(plan_id)
        store.add_command(asked)
        assert store.answer(asked.id) is None

        first = CommandAnswer(asked.id, {"steps": 2})
        store.commit(Changes(answers=[first]))
        store.commit(Changes(answers=[CommandAnswer(asked.id, {}, "CommandRefusedError", "too late")]))

        assert store.answer(asked.id) == first
        assert store.waiting(me, limit=10).commands == []

    def test_a_command_of_a_batch_is_stored_with_it_or_not_at_all(self, store: WholeStore) -> None:
        me = living_world(store)
        sender, (plan_id,) = owned(store, me), stored(store, draft(state=PlanState.PAUSED))
        asked = _command(plan_id)

        stale = replace(sender.plan, epoch=sender.plan.epoch + 1)
        with pytest.raises(LeaseLostError):
            store.commit(Changes(plans=[stale], new_commands=[asked]))
        assert store.waiting(me, limit=10).commands == []
        store.commit(Changes(plans=[sender.plan], new_commands=[asked]))

        assert store.waiting(me, limit=10).commands == [asked]
        assert store.answer(asked.id) is None

    def test_a_command_to_no_plan_is_refused(self, store: WholeStore) -> None:
        with pytest.raises(PlanNotFoundError):
            store.add_command(_command(uuid4()))


def _claim_all(store: WholeStore, me: UUID) -> list[PlanRecord]:
    """Claim as an executor does, in slices, until nothing waits."""
    mine: list[PlanRecord] = []
    while waiting := store.waiting(me, limit=100).plans:
        mine += [each.plan for each in store.claim(me, waiting)]
        assert store.heartbeat(me, lease=60.0)
    return mine


def _running(snapshot: PlanSnapshot) -> Changes:
    return Changes(plans=[snapshot.plan], steps=[moved(snapshot, 2, StepState.RUNNING)])


def _command(plan_id: UUID, at: float = 1.5) -> CommandRecord:
    return CommandRecord(uuid4(), plan_id, CommandKind.SKIP, at, "anna", {"step_id": 2})
