"""What the store takes for one command, for a hundred, and for looking: `python -m benchmarks.store_latency`.

Every figure is the median of calls made one after another, in both databases by turns, so that what else the
machine does falls on both alike.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from benchmarks.bench import DATABASES
from benchmarks.report import Row, publish
from mcoflow.clock import SystemClock
from mcoflow.domain.records import HistoryRecord, PlanDraft
from mcoflow.domain.requests import RequestRecord, RequestState
from mcoflow.domain.states import PlanState, StepState
from mcoflow.ports.store import Changes, OutputChange, StepChange
from mcoflow.storage.open import open_store
from mcoflow.storage.store import SqlStore
from mcoflow.testing.contracts.samples import draft, living_world, request

ROUNDS: Final = 200
WARM_UP: Final = 20
BATCH: Final = 100
BATCH_EVERY: Final = 8


class Watch:
    """Wall and CPU seconds of calls, by name."""

    def __init__(self) -> None:
        self.taken: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    def __call__(self, name: str, call: Callable[..., Any], *arguments: Any, **more: Any) -> None:
        """Make a call and note what it takes."""
        cpu, wall = time.thread_time(), time.perf_counter()
        call(*arguments, **more)
        self.taken[name].append((time.perf_counter() - wall, time.thread_time() - cpu))

    def rows(self, store: str) -> Iterator[Row]:
        """Return two rows of the table for each name, without the first calls."""
        for name, all_taken in self.taken.items():
            walls, cpus = zip(*all_taken[len(all_taken) // (ROUNDS // WARM_UP) :], strict=True)
            yield Row(
                f"{store}.{name}.wall".replace(" ", "-"),
                f"{store}: {name}",
                statistics.median(walls) * 1e6,
                "µs",
            )
            yield Row(
                f"{store}.{name}.cpu".replace(" ", "-"), "  CPU of it here", statistics.mean(cpus) * 1e6, "µs"
            )


def main() -> None:
    """Measure, print, write build/store_latency.jsonl."""
    with ExitStack() as stack:
        stores = {name: _opened(stack, name) for name in DATABASES}
        worlds = {name: living_world(store, lease=3600.0) for name, store in stores.items()}
        watches = {name: Watch() for name in stores}
        for number in range(ROUNDS):
            for name, store in stores.items():
                _live(watches[name], store, worlds[name], 1)
                if number % BATCH_EVERY == 0:
                    _live(watches[name], store, worlds[name], BATCH)
    publish("store_latency", [row for name, watch in watches.items() for row in watch.rows(name)])


def _opened(stack: ExitStack, name: str) -> SqlStore:
    store = open_store(stack.enter_context(DATABASES[name]()), SystemClock())
    stack.callback(store.close)
    return store


def _live(watch: Watch, store: SqlStore, world: UUID, plans: int) -> None:
    """Start and end plans of one command each; if it is one, look at it in between."""
    drafts = [draft(state=PlanState.RUNNING, owner=world) for _ in range(plans)]
    sent = [request(each.plan.id) for each in drafts]
    watch(f"commit of {plans} new", store.commit, Changes(new_plans=drafts, new_requests=sent))
    if plans == 1:
        _look(watch, store, world, drafts[0].plan.id)
    watch(f"commit of {plans} ended", store.commit, _ended(drafts, sent))


def _look(watch: Watch, store: SqlStore, world: UUID, plan_id: UUID) -> None:
    watch("waiting", store.waiting, world, limit=100)
    watch("versions", store.versions, [plan_id])
    watch("plan", store.plan, plan_id)
    watch("action_data", store.action_data, [(plan_id, 1)])


def _ended(drafts: list[PlanDraft], sent: list[RequestRecord]) -> Changes:
    steps = [(each.plan.id, each.steps[-1]) for each in drafts]
    return Changes(
        plans=[replace(each.plan, state=PlanState.STOPPED) for each in drafts],
        steps=[StepChange(plan, step.state, replace(step, state=StepState.SUCCESS)) for plan, step in steps],
        outputs=[OutputChange(each.plan.id, 1, '{"pong":true}') for each in drafts],
        requests=[replace(each, state=RequestState.ENDED) for each in sent],
        history=[HistoryRecord(each.plan.id, 1.0, "stop") for each in drafts],
    )


if __name__ == "__main__":
    main()
