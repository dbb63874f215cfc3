"""What a store promises of the director's batches: all or nothing, and only by the owner."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, CursorResult, FromClause, event
from sqlalchemy.engine import Engine

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord, HistoryRecord, StepRecord
from mcoflow.domain.requests import RequestState, TimerRecord
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.errors import (
    LeaseLostError,
    NameTakenError,
    PlanExistsError,
    PlanNotFoundError,
    StaleStepError,
    StoreError,
)
from mcoflow.ports.store import Changes, OutputChange, StepChange
from mcoflow.storage import SqlStore
from mcoflow.storage.many import Bulk, Fields, Lookup, Row, Write
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, moved, owned, request, stored


class NewPlansContract:
    """Plans are stored whole, once."""

    def test_a_stored_plan_comes_back_as_it_was(self, store: WholeStore) -> None:
        new = draft(3)
        stored(store, new)

        found = store.whole(new.plan.id)

        assert found.snapshot.plan == new.plan
        assert found.snapshot.steps == new.steps
        assert found.snapshot.graph == new.graph
        assert [action["input"] for action in found.actions] == [action.input for action in new.actions]
        assert found.history == new.history

    def test_the_same_plan_again_is_left_out_silently(self, store: WholeStore) -> None:
        new = draft()
        stored(store, new, new)
        stored(store, new, draft(plan_id=new.plan.id, args='[ "nginx" ]'))

        assert store.history(new.plan.id) == new.history
        assert store.count_plans(None) == 1

    def test_a_taken_id_with_other_arguments_is_refused_and_stores_nothing(self, store: WholeStore) -> None:
        (taken,) = stored(store, draft())
        other = draft()

        with pytest.raises(PlanExistsError, match=str(taken)):
            stored(store, other, draft(plan_id=taken, args='["vim"]'))

        with pytest.raises(PlanNotFoundError):
            store.plan(other.plan.id)

    def test_a_name_belongs_to_one_plan(self, store: WholeStore) -> None:
        """E-016: whoever comes second is told whose it is, and nothing is stored."""
        first, second, other = draft(), draft(), draft()
        first.plan.name = second.plan.name = "nightly-14"
        stored(store, first)
        stored(store, first)

        with pytest.raises(NameTakenError, match=str(first.plan.id)) as refused:
            stored(store, other, second)

        assert (refused.value.name, refused.value.plan_id) == ("nightly-14", first.plan.id)
        assert store.count_plans(None) == 1
        assert store.plan(first.plan.id).name == "nightly-14"

    def test_any_number_of_plans_have_no_name(self, store: WholeStore) -> None:
        stored(store, draft(), draft())

        assert store.count_plans(None) == 2

    def test_of_many_that_take_a_name_at_once_one_gets_it(self, store: WholeStore) -> None:
        """E-016: across processes it is the database that decides."""

        def take(number: int) -> bool:
            new = draft(created_at=float(number))
            new.plan.name = "the-one"
            try:
                stored(store, new)
            except NameTakenError:
                return False
            return True

        with ThreadPoolExecutor(4) as threads:
            assert sum(threads.map(take, range(12))) == 1
        assert store.count_plans(None) == 1

    def test_a_plan_that_many_store_at_once_is_stored_once(self, store: WholeStore) -> None:
        new = draft(20)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: stored(store, new), range(12)))

        assert store.snapshot(new.plan.id).steps == new.steps
        assert store.history(new.plan.id) == new.history

    def test_names_that_nobody_knows_any_more_load_like_others(self, store: WholeStore) -> None:
        new = draft()
        new.actions[0].name = new.steps[0].action = "acme.Gone"
        stored(store, new)

        assert store.steps(new.plan.id)[0].step.action == "acme.Gone"

    def test_odd_characters_of_a_host_stop_no_commit(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store))
        (step,) = snapshot.steps
        step.reason = "a\0b\udc80c"
        step.error = ErrorRecord("HostError", "x\0y\udc80")

        store.commit(
            Changes(
                plans=[snapshot.plan],
                steps=[StepChange(snapshot.plan.id, StepState.PENDING, step)],
                history=[HistoryRecord(snapshot.plan.id, 1.0, "start", detail="\0\udfff")],
            )
        )

        found = store.step(snapshot.plan.id, 2).step
        assert "\0" not in found.reason
        assert found.reason.startswith("a")
        assert found.error == step.error


class BatchContract:
    """What a batch changes, and what it costs."""

    def test_a_batch_writes_all_it_names(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store), hosts=2)
        plan, sent = snapshot.plan, request(snapshot.plan.id)
        plan.state, plan.result, plan.explanation = PlanState.RUNNING, PlanResult.PENDING, "waits for web1"
        plan.counts = {StepState.SUSPENDED: 1, StepState.PENDING: 1}
        waiting = moved(snapshot, 2, StepState.SUSPENDED)

        store.commit(
            Changes(
                plans=[plan],
                steps=[waiting],
                new_requests=[sent],
                outputs=[OutputChange(plan.id, 1, '{"tries":1}')],
                history=[HistoryRecord(plan.id, 5.5, "start execution", plan.owner, "anna")],
            )
        )

        assert store.plan(plan.id) == replace(plan, version=plan.version + 1)
        assert store.step(plan.id, 2).step == waiting.step
        assert store.action_data([(plan.id, 1), (plan.id, 2), (uuid4(), 1)]) == {
            (plan.id, 1): ('{"host":"web1"}', '{"tries":1}'),
            (plan.id, 2): ('{"host":"web2"}', "{}"),
        }
        assert store.open_requests([plan.id]) == [replace(sent, body=b"")]
        assert store.history(plan.id)[-1] == HistoryRecord(
            plan.id, 5.5, "start execution", plan.owner, "anna"
        )

    def test_the_version_rises_with_every_commit_that_touches_the_plan(self, store: WholeStore) -> None:
        owner = living_world(store)
        touched, other = owned(store, owner).plan, owned(store, owner).plan
        before = store.versions([touched.id, other.id, uuid4()])

        store.commit(Changes(plans=[touched]))
        store.commit(Changes(plans=[touched, touched]))

        assert store.versions([touched.id, other.id]) == {
            touched.id: before[touched.id] + 2,
            other.id: before[other.id],
        }

    def test_every_detail_of_a_step_is_kept(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store))
        step = StepRecord(
            2,
            1,
            Phase.RUN,
            "InstallPackage",
            StepState.ERROR,
            "web1",
            "default",
            3,
            Outcome.FAILED,
            "exit 3",
            ErrorRecord("HostError", "failed (exit 3)", "Traceback …"),
            ("slow", "übel"),
            1.25,
            2.5,
            0.1,
        )
        store.commit(
            Changes(plans=[snapshot.plan], steps=[StepChange(snapshot.plan.id, StepState.PENDING, step)])
        )

        assert store.step(snapshot.plan.id, 2).step == step

    def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(self, store: SqlStore) -> None:
        owner = living_world(store)
        assert _statements_of_life(store, owner, plans=2) == _statements_of_life(store, owner, plans=40)

    def test_nothing_to_write_is_no_error(self, store: WholeStore) -> None:
        store.commit(Changes())


class FenceContract:
    """Who is not the owner, or did not see the latest, changes nothing."""

    def test_a_step_that_was_moved_meanwhile_stops_the_whole_batch(self, store: WholeStore) -> None:
        owner = living_world(store)
        snapshot, other = owned(store, owner, hosts=3), owned(store, owner)
        store.commit(Changes(plans=[snapshot.plan], steps=[moved(snapshot, 4, StepState.RUNNING)]))
        before = store.versions([snapshot.plan.id, other.plan.id])

        with pytest.raises(StaleStepError, match=r"step 4 .* was seen pending and is running") as raised:
            store.commit(
                Changes(
                    plans=[snapshot.plan, other.plan],
                    steps=[
                        moved(other, 2, StepState.RUNNING),
                        moved(snapshot, 2, StepState.RUNNING),
                        moved(snapshot, 4, StepState.SUSPENDED),
                    ],
                )
            )

        assert raised.value.plan_ids == {snapshot.plan.id}
        assert store.versions([snapshot.plan.id, other.plan.id]) == before
        assert store.step(snapshot.plan.id, 2).step.state is StepState.PENDING
        assert store.step(other.plan.id, 2).step.state is StepState.PENDING

    def test_who_lost_the_lease_writes_nothing_at_all(self, store: WholeStore) -> None:
        first, second = living_world(store), living_world(store)
        lost, kept = owned(store, first), owned(store, first)
        store.expire_world(first)
        (taken,) = store.claim(second, [lost.plan.id])
        unwritten = draft()

        with pytest.raises(LeaseLostError) as raised:
            store.commit(
                Changes(
                    new_plans=[unwritten],
                    plans=[lost.plan, kept.plan],
                    steps=[moved(lost, 2, StepState.RUNNING), moved(kept, 2, StepState.RUNNING)],
                    new_requests=[request(lost.plan.id)],
                )
            )

        assert raised.value.plan_ids == {lost.plan.id}
        assert store.plan(lost.plan.id) == taken.plan
        assert store.step(kept.plan.id, 2).step.state is StepState.PENDING
        assert store.open_requests([lost.plan.id]) == []
        assert store.count_plans(None) == 2

        store.commit(Changes(plans=[taken.plan], steps=[moved(taken, 2, StepState.RUNNING)]))
        assert store.step(lost.plan.id, 2).step.state is StepState.RUNNING

    def test_a_lost_lease_is_named_though_the_rest_does_not_fit_either(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store))
        sent = request(snapshot.plan.id)
        store.commit(Changes(plans=[snapshot.plan], new_requests=[sent]))
        lost = replace(snapshot.plan, epoch=snapshot.plan.epoch - 1)

        with pytest.raises(LeaseLostError) as raised:
            store.commit(Changes(new_plans=[draft()], plans=[lost], new_requests=[sent]))

        assert raised.value.plan_ids == {lost.id}
        assert store.count_plans(None) == 1

    def test_a_failure_in_the_middle_leaves_nothing(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store), hosts=2)
        first, new = request(snapshot.plan.id), draft()
        store.commit(Changes(plans=[snapshot.plan], new_requests=[first]))
        before = store.versions([snapshot.plan.id])

        with pytest.raises(StoreError):
            store.commit(
                Changes(
                    new_plans=[new],
                    plans=[snapshot.plan],
                    steps=[moved(snapshot, 4, StepState.RUNNING)],
                    outputs=[OutputChange(snapshot.plan.id, 1, '{"half":true}')],
                    new_requests=[request(snapshot.plan.id), first],
                    history=[HistoryRecord(snapshot.plan.id, 1.0, "never")],
                )
            )

        assert store.versions([snapshot.plan.id, new.plan.id]) == before
        assert store.step(snapshot.plan.id, 4).step.state is StepState.PENDING
        assert store.step(snapshot.plan.id, 2).output == "{}"
        assert [each.id for each in store.open_requests([snapshot.plan.id])] == [first.id]
        assert [line.name for line in store.history(snapshot.plan.id)] == ["delay"]


@dataclass
class CountingBulk:
    """Counts what goes to the driver without SQLAlchemy's noticing: one statement for each kind of rows."""

    bulk: Bulk
    writes: int = 0

    def write(self, connection: Connection, writes: Sequence[Write]) -> int | None:
        self.writes += sum(bool(each.rows) for each in writes)
        return self.bulk.write(connection, writes)

    def find(self, connection: Connection, lookup: Lookup, rows: Sequence[Row]) -> CursorResult[Any]:
        return self.bulk.find(connection, lookup, rows)

    def rows(self, fields: Fields, rows: Sequence[Row]) -> FromClause:
        return self.bulk.rows(fields, rows)


def _statements_of_life(store: SqlStore, owner: UUID, *, plans: int) -> int:
    """Count the statements with which `plans` plans are stored, claimed, sent and ended."""
    seen: list[str] = []
    here = store._database.writer.url

    def count(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if connection.engine.url == here:  # other stores of this process may be at work
            seen.append(statement)

    bulk = store._bulk
    counting = store._bulk = CountingBulk(bulk)
    event.listen(Engine, "before_cursor_execute", count)
    try:
        _live(store, owner, plans)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
        store._bulk = bulk
    assert counting.writes > 0
    return len(seen) + counting.writes


def _live(store: WholeStore, owner: UUID, plans: int) -> None:
    snapshots = store.claim(owner, stored(store, *(draft(3) for _ in range(plans))))
    sent = [request(each.plan.id) for each in snapshots]
    store.commit(
        Changes(
            plans=[each.plan for each in snapshots],
            steps=[moved(each, step, StepState.SUSPENDED) for each in snapshots for step in (2, 4)],
            new_requests=sent,
            new_timers=[TimerRecord(uuid4(), each.plan_id, 2, 1.0, "limit") for each in sent],
        )
    )
    ids = [each.plan.id for each in snapshots]
    assert len(store.open_requests(ids)) == plans
    assert len(store.action_data([(plan_id, 1) for plan_id in ids])) == plans
    store.commit(
        Changes(
            plans=[each.plan for each in snapshots],
            requests=[replace(each, state=RequestState.ENDED) for each in sent],
            dropped_timers=[each.id for each in store.timers(ids)],
        )
    )
