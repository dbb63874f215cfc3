"""What a store promises of searching plans, and of removing them."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.query import FIELDS, Doomed, PlanQuery, PlanStatus, cursor_behind
from mcoflow.domain.records import HistoryRecord, PlanDraft
from mcoflow.domain.requests import CommandKind, CommandRecord, EventRecord, EvidenceRecord, TimerRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import PlanNotFoundError, QueryError
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, request, stored


def plan(
    state: PlanState = PlanState.STOPPED,
    result: PlanResult = PlanResult.SUCCESS,
    *,
    at: float | None = None,
    caller: UUID | None = None,
    label: str = "a",
) -> PlanDraft:
    """A plan that stands somewhere; `at`: when it began, and ended if it has stopped."""
    made = draft(state=state, label=label)
    made.plan.result, made.plan.started_at, made.plan.caller_plan_id = result, at, caller
    made.plan.ended_at = at if state is PlanState.STOPPED else None
    return made


def found(store: WholeStore, **where: Any) -> set[UUID]:
    return {each.id for each in store.find_plans(PlanQuery(where, per_page=100))}


class SearchContract:
    """E-107 and E-108."""

    def test_a_field_matches_a_value_or_one_of_a_list_and_an_empty_list_nothing(
        self, store: WholeStore
    ) -> None:
        one, two, three = stored(
            store,
            plan(PlanState.RUNNING, PlanResult.PENDING),
            plan(result=PlanResult.ERROR, at=5.0),
            plan(PlanState.PAUSED, PlanResult.ERROR, label="b"),
        )

        assert found(store) == {one, two, three}
        assert found(store, state="running") == {one}
        assert found(store, state=[PlanState.RUNNING, "paused"]) == {one, three}
        assert found(store, result="error", label="b") == {three}
        assert found(store, state=[]) == set()
        assert found(store, id=str(two)) == {two}
        assert found(store, id=[one, two]) == {one, two}
        assert found(store, ended_at=None) == {one, three}
        assert found(store, started_at=[5.0, None]) == {one, two, three}
        assert found(store, owner=uuid4()) == set()
        assert store.count_where({"result": "error"}) == 2
        assert store.count_where({"result": []}) == 0

    def test_delayed_plans_are_those_that_wait_to_be_planned(self, store: WholeStore) -> None:
        waiting, other = stored(store, plan(PlanState.SCHEDULED, PlanResult.PENDING), plan())

        assert found(store, delayed=True) == {waiting}
        assert found(store, delayed=False) == {other}
        assert found(store, delayed=[]) == set()

    @pytest.mark.parametrize("where", [{"colour": 1}, {"id": "x"}, {"state": {}}, {"result": [object()]}])
    def test_a_field_or_value_there_is_not_is_refused(self, store: WholeStore, where: dict[str, Any]) -> None:
        with pytest.raises(QueryError) as refused:
            store.find_plans(PlanQuery(where))
        if "colour" in where:
            assert all(name in str(refused.value) for name in FIELDS)
            with pytest.raises(QueryError):
                store.count_where(where)
            with pytest.raises(QueryError):
                store.find_plans(PlanQuery(order_by="colour"))

    def test_cursors_of_others_are_refused(self, store: WholeStore) -> None:
        (plan_id,) = stored(store, plan())
        other = cursor_behind(PlanQuery(order_by="label"), store.plan(plan_id))

        for cursor in ("", "nonsense", other):
            with pytest.raises(QueryError, match="first page"):
                store.find_plans(PlanQuery(after=cursor))

    @pytest.mark.parametrize("order_by", ["started_at", "id", "state", "label", "name", "owner", "ended_at"])
    @pytest.mark.parametrize("descending", [False, True])
    def test_pages_by_number_and_by_cursor_have_each_plan_once_and_in_order(
        self, store: WholeStore, order_by: str, descending: bool
    ) -> None:
        times = [None, 3.0, 1.0, 2.0, 2.0, None, 2.0]
        labels = ["b", "a", "c", "a", "b", "c", "a"]
        ids = set(stored(store, *(plan(at=at, label=label) for at, label in zip(times, labels, strict=True))))

        numbered: list[Any] = []
        for page in range(4):
            query = PlanQuery({}, order_by, descending, page=page, per_page=2)
            numbered += store.find_plans(query)[:2]
        followed: list[Any] = []
        query = PlanQuery({}, order_by, descending, per_page=2)
        while shown := store.find_plans(query):
            followed += shown[:2]
            query = PlanQuery({}, order_by, descending, per_page=2, after=cursor_behind(query, followed[-1]))

        assert [each.id for each in numbered] == [each.id for each in followed]
        assert {each.id for each in followed} == ids
        keys = [getattr(each, order_by) or None for each in followed]
        assert keys == sorted(keys, key=lambda key: (key is not None, key), reverse=descending)

    def test_plans_that_ended_are_counted_from_a_time_on(self, store: WholeStore) -> None:
        stored(store, plan(at=1.0), plan(at=2.0), plan(at=3.0), plan(PlanState.RUNNING, at=9.0))

        assert [store.count_ended_since(at) for at in (0.0, 2.0, 3.5)] == [3, 2, 0]

    def test_the_statuses_of_unknown_plans_are_left_out(self, store: WholeStore) -> None:
        (plan_id,) = stored(store, plan(result=PlanResult.WARNING))

        assert store.statuses([plan_id, uuid4()]) == {
            plan_id: PlanStatus(PlanState.STOPPED, PlanResult.WARNING)
        }
        assert store.statuses([]) == {}


class DeletingContract:
    """E-109 and E-110, as far as rows go."""

    def test_a_stopped_plan_goes_with_all_its_rows_and_no_others(self, store: WholeStore) -> None:
        """E-110: gone with steps, events, timers."""
        plan_id, other = stored(store, plan(), plan())
        for each in (plan_id, other):
            fill(store, each)

        assert store.delete_plan(plan_id)

        assert rows_of(store, plan_id) == set()
        assert rows_of(store, other) >= {"plans", "blueprints", "actions", "steps", "requests", "timers"}
        with pytest.raises(PlanNotFoundError):
            store.plan(plan_id)
        with pytest.raises(PlanNotFoundError):
            store.delete_plan(plan_id)

    @pytest.mark.parametrize(
        ("state", "result", "gone"),
        [
            (PlanState.RUNNING, PlanResult.PENDING, False),
            (PlanState.PLANNED, PlanResult.PENDING, False),
            (PlanState.SCHEDULED, PlanResult.PENDING, False),
            (PlanState.PAUSED, PlanResult.PENDING, False),
            (PlanState.PAUSED, PlanResult.ERROR, True),
            (PlanState.STOPPED, PlanResult.CANCELLED, True),
        ],
    )
    def test_only_what_is_stopped_or_paused_with_an_error_can_be_deleted(
        self, store: WholeStore, state: PlanState, result: PlanResult, gone: bool
    ) -> None:
        """E-110: delete of a running plan: refused."""
        (plan_id,) = stored(store, plan(state, result))

        assert store.delete_plan(plan_id) is gone

        assert rows_of(store, plan_id) == set() if gone else store.plan(plan_id).state is state

    def test_old_stopped_plans_are_doomed_oldest_first_and_children_after_their_parents(
        self, store: WholeStore
    ) -> None:
        """E-109: no others; no child before its parent."""
        (parent,) = stored(store, plan(at=8.0))
        (child,) = stored(store, plan(at=5.0, caller=parent))
        (young_parent,) = stored(store, plan(at=50.0))
        stored(store, plan(at=1.0, caller=young_parent), plan(PlanState.PAUSED, PlanResult.ERROR, at=1.0))
        old, orphan = stored(store, plan(at=9.0, result=PlanResult.ERROR), plan(at=2.0, caller=uuid4()))
        doomed = Doomed(10.0, {}, 100)

        assert store.count_doomed(doomed) == 4
        assert store.doomed(doomed) == [orphan, parent, old]
        assert store.doomed(Doomed(10.0, {}, 1)) == [orphan]
        assert store.doomed(Doomed(10.0, {"result": "error"}, 100)) == [old]
        assert store.delete_plans([orphan, parent, old]) == 3
        assert store.doomed(doomed) == [child]
        assert store.delete_plans([child, young_parent, uuid4()]) == 2

    def test_a_plan_that_is_not_stopped_is_never_cleaned_away(self, store: WholeStore) -> None:
        (plan_id,) = stored(store, plan(PlanState.PAUSED, PlanResult.ERROR))

        assert store.delete_plans([plan_id]) == 0
        assert rows_of(store, plan_id) >= {"plans", "steps"}

    def test_a_dump_has_every_row_of_every_plan_and_is_json(self, store: WholeStore) -> None:
        """E-109: the backup holds them."""
        ids = stored(store, plan(), plan())
        for each in ids:
            fill(store, each)

        dumped = json.loads(json.dumps(store.dump_plans(ids)))

        assert [each["id"] for each in dumped] == [str(each) for each in ids]
        for plan_id, tables in zip(ids, dumped, strict=True):
            assert set(tables) - {"id"} == rows_of(store, plan_id)
            assert tables["plans"][0]["label"] == "a"
            assert [step["id"] for step in tables["steps"]] == [1, 2]
            assert tables["history"][0]["plan_id"] == str(plan_id)


def fill(store: WholeStore, plan_id: UUID) -> None:
    """Let a plan have rows in most tables."""
    stored_plan = store.plan(plan_id)
    store.commit(
        Changes(
            plans=[stored_plan],
            new_requests=[request(plan_id)],
            new_timers=[TimerRecord(uuid4(), plan_id, 2, 9.0, "silence")],
            new_events=[EventRecord(uuid4(), plan_id, 2, 9.0, "user")],
            history=[HistoryRecord(plan_id, 9.0, "cancel")],
            evidence=[EvidenceRecord(9.0, "late", "web1", None, plan_id, b"\x00\xff")],
        )
    )
    store.add_command(CommandRecord(uuid4(), plan_id, CommandKind.CANCEL, 9.0))


def rows_of(store: Any, plan_id: UUID) -> set[str]:
    """The tables in which a plan has rows."""
    (dumped,) = store.dump_plans([plan_id])
    return set(dumped) - {"id"}
