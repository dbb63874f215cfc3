"""What a store promises of very many plans."""

from collections.abc import Callable
from time import perf_counter

from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.ports.listing import Listing
from mcoflow.testing.contracts.samples import WholeStore, draft, stored

MANY = 100_000
LIMIT = 0.1
TRIES = 50
"""One quick answer shows what it costs; the others, what else the machine does meanwhile."""


class ManyPlansContract:
    """E-108, in one test, because it takes a while to store that many."""

    def test_counts_statuses_and_pages_of_many_plans_take_no_time(self, store: WholeStore) -> None:
        """E-108: counts and statuses on 100,000 plans in under 100 ms."""
        ids = []
        for n in range(10):
            slice_of_them = [draft(0) for _ in range(MANY // 10)]
            for each in slice_of_them[::2]:
                each.plan.state, each.plan.result = PlanState.STOPPED, PlanResult.SUCCESS
                each.plan.started_at = each.plan.ended_at = float(n)
            ids += stored(store, *slice_of_them)
        watched = [plan.id for plan in store.plans(Listing(limit=50))]

        assert store.counts_by_state() == {
            ("planned", "pending"): MANY // 2,
            ("stopped", "success"): MANY // 2,
        }
        assert store.count_where({}) == MANY
        assert store.count_ended_since(9.0) == MANY // 20
        for ask in (
            store.counts_by_state,
            store.backlog,
            lambda: store.count_plans("stopped"),
            lambda: store.count_plans(None),
            lambda: store.count_where({}),
            lambda: store.count_where({"state": "stopped", "result": ["error", "warning"]}),
            lambda: store.count_where({"state": "stopped", "result": ["success", "warning"]}),
            lambda: store.count_ended_since(9.0),
            lambda: store.statuses(ids[::100]),
            lambda: store.versions(watched),
            lambda: store.plans(Listing(states=("stopped",))),
        ):
            assert any(_once(ask) < LIMIT for _ in range(TRIES))


def _once(ask: Callable[[], object]) -> float:
    began = perf_counter()
    ask()
    return perf_counter() - began
