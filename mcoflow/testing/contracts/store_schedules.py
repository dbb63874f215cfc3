"""What a store promises of plans that are planned later: each is claimed once, and none is forgotten."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import HistoryRecord, PlanDraft
from mcoflow.domain.schedule import ScheduleRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import CommandRefusedError, LeaseLostError, PlanExistsError, PlanNotFoundError
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, let_die, living_world, owned, stored

NOW = 1_700_000_000.0


def scheduled(
    store: WholeStore,
    *,
    after: Collection[UUID] = (),
    start_at: float | None = None,
    start_before: float | None = None,
    frozen: bool = False,
    plan_id: UUID | None = None,
    args: str = "{}",
) -> UUID:
    """Store a scheduled plan."""
    whole = draft(plan_id=plan_id, state=PlanState.SCHEDULED, args=args)
    plan = replace(whole.plan, counts={}, hosts=())
    told = [HistoryRecord(plan.id, NOW, "delay")]
    record = ScheduleRecord(plan.id, start_at, start_before, frozen, input='{"by":"delay"}')
    store.schedule(PlanDraft(plan, [], [], Graph({}), told), record, after)
    return plan.id


def ended(store: WholeStore, plan_id: UUID, result: PlanResult, state: PlanState = PlanState.STOPPED) -> None:
    """Let a plan come to rest, as its director would."""
    plan = replace(store.plan(plan_id), state=state, result=result, owner=None)
    store.commit(Changes(plans=[plan]))


def names(store: WholeStore, plan_id: UUID) -> list[str]:
    return [line.name for line in store.history(plan_id)]


class SchedulesContract:
    """Plans that wait for their time."""

    def test_a_plan_is_due_at_its_time_and_claimed_once(self, store: WholeStore) -> None:
        me = living_world(store)
        plan_id = scheduled(store, start_at=NOW + 10)
        assert not store.due(NOW)
        assert store.claim_due(me, NOW, limit=10) == ()
        assert store.due(NOW + 10).plans

        (due,) = store.claim_due(me, NOW + 10, limit=10)

        assert (due.plan.id, due.plan.state, due.plan.owner, due.plan.epoch) == (
            plan_id,
            PlanState.PLANNING,
            me,
            1,
        )
        assert due.input == '{"by":"delay"}'
        assert not store.due(NOW + 10)
        assert store.claim_due(living_world(store), NOW + 10, limit=10) == ()

    def test_those_longest_due_are_claimed_first(self, store: WholeStore) -> None:
        me = living_world(store)
        ids = [scheduled(store, start_at=NOW - number) for number in range(4)]

        first = store.claim_due(me, NOW, limit=2)

        assert [each.plan.id for each in first] == [ids[3], ids[2]]
        assert [each.plan.id for each in store.claim_due(me, NOW, limit=9)] == [ids[1], ids[0]]

    def test_a_dead_world_claims_nothing(self, store: WholeStore) -> None:
        dead = living_world(store)
        store.expire_world(dead)
        scheduled(store)

        assert store.claim_due(dead, NOW, limit=10) == ()
        assert store.due(NOW).plans

    def test_many_that_claim_at_once_share_the_plans(self, store: WholeStore) -> None:
        """E-089: each is planned once."""
        worlds = [living_world(store) for _ in range(4)]
        ids = {scheduled(store, start_at=NOW - 1) for _ in range(40)}

        def claim(world: UUID) -> list[UUID]:
            mine: list[UUID] = []
            for _ in range(40):
                mine += [each.plan.id for each in store.claim_due(world, NOW, limit=3)]
            return mine

        with ThreadPoolExecutor(4) as threads:
            claimed = [plan_id for mine in threads.map(claim, worlds) for plan_id in mine]

        assert len(claimed) == 40
        assert set(claimed) == ids

    def test_a_planned_plan_has_its_steps_and_no_schedule(self, store: WholeStore) -> None:
        me = living_world(store)
        plan_id = scheduled(store)
        (due,) = store.claim_due(me, NOW, limit=1)
        made = draft(2, plan_id=plan_id, label="Install nginx on 2 hosts")
        plan = replace(due.plan, state=PlanState.RUNNING, label=made.plan.label, hosts=made.plan.hosts)
        planned = replace(made, plan=plan, history=[HistoryRecord(plan_id, NOW, "start execution")])

        store.commit(Changes(planned=[planned], plans=[plan]))

        found = store.whole(plan_id)
        assert (found.snapshot.plan.label, found.snapshot.plan.hosts) == (plan.label, ("web1", "web2"))
        assert (found.snapshot.plan.state, found.snapshot.plan.owner) == (PlanState.RUNNING, me)
        assert [step.id for step in found.snapshot.steps] == [1, 2, 3, 4]
        assert found.snapshot.graph == made.graph
        assert len(found.actions) == 2
        assert names(store, plan_id) == ["delay", "start execution"]
        assert store.schedules([plan_id]) == []

    def test_what_a_dead_world_was_planning_is_scheduled_again(self, store: WholeStore) -> None:
        """E-014: and what that world still writes is refused."""
        me, dying = living_world(store), living_world(store)
        plan_id = scheduled(store, start_at=NOW - 5)
        (due,) = store.claim_due(dying, NOW, limit=1)
        assert store.reschedule(NOW) == 0
        let_die(store, dying)
        assert store.due(NOW).orphans

        assert store.reschedule(NOW) == 1

        assert store.plan(plan_id).state is PlanState.SCHEDULED
        assert not store.due(NOW - 6)
        (again,) = store.claim_due(me, NOW, limit=1)
        assert (again.plan.id, again.plan.owner, again.plan.epoch) == (plan_id, me, 3)
        late = replace(draft(plan_id=plan_id), plan=due.plan)
        with pytest.raises(LeaseLostError):
            store.commit(Changes(planned=[late], plans=[due.plan]))

    def test_what_a_world_left_orderly_is_scheduled_again(self, store: WholeStore) -> None:
        me = living_world(store)
        scheduled(store)
        store.claim_due(me, NOW, limit=1)

        store.unregister_world(me)

        assert store.due(NOW).orphans
        assert store.reschedule(NOW) == 1
        assert store.due(NOW).plans

    def test_a_world_gives_back_what_it_does_not_know_of(self, store: WholeStore) -> None:
        me, other = living_world(store), living_world(store)
        ids = [scheduled(store) for _ in range(3)]
        store.claim_due(me, NOW, limit=2)
        store.claim_due(other, NOW, limit=2)

        assert store.reschedule(NOW, world_id=me, keep=[ids[0]]) == 1

        assert [each.plan.id for each in store.claim_due(me, NOW, limit=5)] == [ids[1]]

    def test_what_may_not_start_any_more_is_stopped(self, store: WholeStore) -> None:
        """E-088: frozen or waiting for others makes no difference."""
        me = living_world(store)
        before = owned(store, me).plan.id
        ids = [
            scheduled(store, start_before=NOW),
            scheduled(store, start_before=NOW, frozen=True),
            scheduled(store, start_before=NOW, after=[before]),
        ]
        assert not store.due(NOW - 1) or store.claim_due(me, NOW - 1, limit=1)  # the first may start now
        store.reschedule(NOW - 1, world_id=me)

        assert store.claim_due(me, NOW, limit=10) == ()

        for plan_id in ids:
            plan = store.plan(plan_id)
            assert (plan.state, plan.result, plan.ended_at) == (PlanState.STOPPED, PlanResult.ERROR, NOW)
            assert names(store, plan_id)[-1] == "timeout"
        assert store.schedules(ids) == []
        assert store.prerequisites(ids[2]) == []

    def test_a_frozen_plan_is_not_due_until_it_is_unfrozen(self, store: WholeStore) -> None:
        plan_id = scheduled(store, start_at=NOW)
        store.freeze(plan_id, actor="ann", at=NOW)
        assert not store.due(NOW + 1)
        assert store.schedules([plan_id]) == [ScheduleRecord(plan_id, NOW, None, True, 0, '{"by":"delay"}')]

        store.unfreeze(plan_id, NOW + 20, actor="ann", at=NOW)

        assert not store.due(NOW + 19)
        assert store.due(NOW + 20).plans
        assert names(store, plan_id) == ["delay", "freeze", "unfreeze"]
        with pytest.raises(PlanNotFoundError):
            store.freeze(uuid4(), actor="", at=NOW)
        with pytest.raises(CommandRefusedError, match="planned"):
            store.unfreeze(stored(store, draft())[0], None, actor="", at=NOW)

    def test_a_cancelled_plan_is_not_due_any_more(self, store: WholeStore) -> None:
        """E-060."""
        plan_id = scheduled(store)

        assert store.cancel_scheduled(plan_id, actor="ann", at=NOW)

        plan = store.plan(plan_id)
        assert (plan.state, plan.result, plan.cancel_requested) == (
            PlanState.STOPPED,
            PlanResult.CANCELLED,
            True,
        )
        assert not store.due(NOW + 1)
        assert not store.cancel_scheduled(plan_id, actor="ann", at=NOW)
        assert names(store, plan_id) == ["delay", "cancel", "finish execution"]

    def test_what_a_plan_waited_for_is_forgotten_when_it_was_stopped_by_the_way(
        self, store: WholeStore
    ) -> None:
        """E-060: by an executor that had claimed it for a command."""
        me, dying = living_world(store), living_world(store)
        held, planned = scheduled(store, start_at=NOW), scheduled(store, start_at=NOW - 5)
        store.claim_due(dying, NOW - 1, limit=5)
        let_die(store, dying)
        for snapshot in store.claim(me, [held, planned]):
            ended(store, snapshot.plan.id, PlanResult.CANCELLED)

        while store.due(NOW):
            store.reschedule(NOW)
            assert store.claim_due(me, NOW, limit=5) == ()

        assert store.schedules([held, planned]) == []
        assert names(store, planned)[-1] == "terminate execution"

    def test_an_id_is_one_scheduled_plan(self, store: WholeStore) -> None:
        """E-016."""
        plan_id = scheduled(store, start_at=NOW)

        assert scheduled(store, plan_id=plan_id) == plan_id

        assert [each.start_at for each in store.schedules([plan_id])] == [NOW]
        with pytest.raises(PlanExistsError):
            scheduled(store, plan_id=plan_id, args='{"other":1}')


class ChainsContract:
    """Plans that wait for others."""

    @pytest.mark.parametrize("result", [PlanResult.SUCCESS, PlanResult.WARNING])
    def test_a_plan_starts_after_the_last_of_those_it_waits_for(
        self, store: WholeStore, result: PlanResult
    ) -> None:
        """E-090: counted down in the transactions of their ends."""
        me = living_world(store)
        first, second = owned(store, me).plan.id, owned(store, me).plan.id
        plan_id = scheduled(store, after=[first, second])
        assert [each.unmet for each in store.schedules([plan_id])] == [2]
        assert list(store.prerequisites(plan_id)) == sorted([first, second])
        assert store.plan(first).chained

        ended(store, first, result)
        assert not store.due(NOW)
        ended(store, second, result)

        assert store.due(NOW).plans
        assert store.prerequisites(plan_id) == []
        assert [each.plan.id for each in store.claim_due(me, NOW, limit=5)] == [plan_id]

    def test_two_ends_in_one_commit_count_twice(self, store: WholeStore) -> None:
        me = living_world(store)
        plans = [owned(store, me).plan for _ in range(2)]
        scheduled(store, after=[plan.id for plan in plans])
        over = [
            replace(store.plan(plan.id), state=PlanState.STOPPED, result=PlanResult.SUCCESS) for plan in plans
        ]

        store.commit(Changes(plans=over))

        assert store.due(NOW).plans

    def test_ends_at_the_same_time_are_all_counted(self, store: WholeStore) -> None:
        me = living_world(store)
        plans = [owned(store, me).plan.id for _ in range(8)]
        plan_id = scheduled(store, after=plans)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda each: ended(store, each, PlanResult.SUCCESS), plans))

        assert [each.unmet for each in store.schedules([plan_id])] == [0]
        assert store.due(NOW).plans

    def test_a_pause_opens_nothing(self, store: WholeStore) -> None:
        me = living_world(store)
        first = owned(store, me).plan.id
        plan_id = scheduled(store, after=[first])

        ended(store, first, PlanResult.ERROR, PlanState.PAUSED)

        assert [each.unmet for each in store.schedules([plan_id])] == [1]

    @pytest.mark.parametrize("result", [PlanResult.ERROR, PlanResult.CANCELLED])
    def test_what_did_not_succeed_stops_all_that_waits_for_it(
        self, store: WholeStore, result: PlanResult
    ) -> None:
        """E-090: failed-dependency names the ids, down the whole chain."""
        me = living_world(store)
        first, other = owned(store, me).plan.id, owned(store, me).plan.id
        second = scheduled(store, after=[first, other])
        third = scheduled(store, after=[second])

        ended(store, first, result)
        while store.due(NOW):
            assert store.claim_due(me, NOW, limit=5) == ()

        assert str(first) in store.plan(second).explanation
        assert str(other) not in store.plan(second).explanation
        assert str(second) in store.plan(third).explanation
        for plan_id in (second, third):
            assert (store.plan(plan_id).state, store.plan(plan_id).result) == (
                PlanState.STOPPED,
                PlanResult.ERROR,
            )
            assert names(store, plan_id) == ["delay", "failed-dependency"]
        ended(store, other, PlanResult.SUCCESS)

    def test_what_is_over_is_not_waited_for(self, store: WholeStore) -> None:
        good, bad, halted = (
            stored(store, draft(state=PlanState.STOPPED))[0],
            stored(store, draft(state=PlanState.STOPPED))[0],
            stored(store, draft(state=PlanState.STOPPED))[0],
        )
        ended(store, good, PlanResult.SUCCESS)
        ended(store, bad, PlanResult.ERROR)
        ended(store, halted, PlanResult.WARNING)

        starts, fails = scheduled(store, after=[good, halted]), scheduled(store, after=[good, bad])

        assert store.plan(starts).state is PlanState.SCHEDULED
        assert store.due(NOW).plans
        assert (store.plan(fails).state, store.plan(fails).result) == (PlanState.STOPPED, PlanResult.ERROR)
        assert names(store, fails) == ["delay", "failed-dependency"]

    def test_an_unknown_plan_cannot_be_waited_for(self, store: WholeStore) -> None:
        """E-090: nothing is stored."""
        unknown = uuid4()
        with pytest.raises(PlanNotFoundError, match=str(unknown)):
            scheduled(store, after=[unknown])
        assert store.count_plans(None) == 0

    def test_an_owner_who_does_not_know_of_a_follower_is_told(self, store: WholeStore) -> None:
        """E-090: should the plan end before it heard of it, the follower is counted down afterwards, once."""
        me = living_world(store)
        first = owned(store, me).plan
        plan_id = scheduled(store, after=[first.id])
        (command,) = store.waiting(me, limit=5).commands
        assert (command.plan_id, command.kind) == (first.id, "chain")

        store.commit(Changes(plans=[replace(first, state=PlanState.STOPPED, result=PlanResult.SUCCESS)]))
        assert [each.unmet for each in store.schedules([plan_id])] == [1]
        store.commit(Changes(rests=[store.plan(first.id)]))
        store.commit(Changes(rests=[store.plan(first.id)]))

        assert [each.unmet for each in store.schedules([plan_id])] == [0]

    def test_many_that_say_that_a_plan_is_over_count_it_once(self, store: WholeStore) -> None:
        me = living_world(store)
        firsts = [owned(store, me).plan for _ in range(2)]
        plan_id = scheduled(store, after=[first.id for first in firsts])
        for first in firsts[:1]:
            store.commit(Changes(plans=[replace(first, state=PlanState.STOPPED, result=PlanResult.SUCCESS)]))
        over = store.plan(firsts[0].id)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: store.commit(Changes(rests=[over])), range(8)))

        assert [each.unmet for each in store.schedules([plan_id])] == [1]
