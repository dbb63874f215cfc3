"""How many series there are after many plans of some classes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product
from typing import Any, Final
from uuid import uuid4

from mcoflow.action import Action, Registry, Rescue
from mcoflow.domain.records import PlanDraft, PlanRecord, PlanSnapshot, StepRecord
from mcoflow.domain.states import FINAL_STEP_STATES, Phase, PlanResult, PlanState, StepState
from mcoflow.engine.arrivals import CHILDREN, LIMIT, POLL, RETRY, SILENCE, TIMEOUT
from mcoflow.engine.batch import Batch
from mcoflow.engine.flow import GraphMaker
from mcoflow.engine.handles import Triggered
from mcoflow.engine.observing import Observing
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.replies import _LOGGED
from mcoflow.ports import measures as m
from mcoflow.ports.measures import MEASURES, Kind, Measure
from mcoflow.telemetry import BacklogGauges, Prometheus
from tests.unit.engine.house import House
from tests.unit.telemetry.samples import Scrape
from tests.waiting import until

LABELS: Final = {"action", "phase", "state", "result", "queue", "outcome", "kind", "le"}


def ten_classes() -> tuple[Registry, list[type[Action]]]:
    """Classes that end well or badly, or warn; every other one has a finalize."""
    registry = Registry()
    return registry, [
        registry.add(type(f"Class{number}", (Action,), body_of(number))) for number in range(10)
    ]


def body_of(number: int) -> dict[str, Any]:
    def run(self: Action) -> None:
        if self.plan_id.int % 4 == 0:
            if number % 3 == 0:
                raise RuntimeError("broken")
            if number % 3 == 1:
                self.warn("careful")

    def nothing(_self: Action) -> None:
        """Do nothing."""

    def give_up(_self: Action) -> Rescue:
        return Rescue.FAIL

    body = {"name": f"observing.class_{number}", "run": run, "rescue_strategy": give_up}
    return {**body, "finalize": nothing} if number % 2 else body


def test_all_names_are_there_and_no_ids_after_ten_thousand_plans(empty_house: House) -> None:
    """E-115: every name of chapter 6, no id in a label, under 1,000 series, even if all happened that can."""
    registry, classes = ten_classes()
    metrics = Prometheus(registry.knows)
    world = empty_house.another(actions=registry, observer=metrics)
    metrics.watch(world.gauges)
    metrics.watch(BacklogGauges(empty_house.store, empty_house.clock))

    def some(number: int) -> list[Any]:
        futures = []
        for each in range(250):
            made = world.with_options(user="ann").trigger(classes[(number + each) % 10])
            assert isinstance(made, Triggered)
            futures.append(made.future)
        return [future.wait(timedelta(minutes=2)).result for future in futures]

    with ThreadPoolExecutor(40) as threads:
        results = [each for found in threads.map(some, range(40)) for each in found]

    assert len(results) == 10_000
    assert {PlanResult.SUCCESS, PlanResult.ERROR, PlanResult.WARNING} <= set(results)
    until(
        lambda: sum(Scrape(metrics.text()).values("mcoflow_plans_ended_total").values()) == 10_000, "counted"
    )
    shown = Scrape(metrics.text())
    assert shown.names == {measure.full_name for measure in MEASURES}
    assert len(shown.samples) < 1000
    labels = {label: value for sample in shown.samples for label, value in sample.labels.items()}
    assert labels.keys() <= LABELS
    values = {value for sample in shown.samples for value in sample.labels.values()}
    assert all(len(value) < 30 and value != "ann" for value in values)
    gauges = {measure.full_name for measure in MEASURES if measure.kind is Kind.GAUGE}
    assert gauges == {name for name in gauges if shown.values(name)}, "each gauge has a value"
    assert shown.value("mcoflow_plans", state="stopped") == 10_000

    everything_happens(metrics, classes)
    worst = Scrape(metrics.text())
    for measure in MEASURES:
        made = {key for key in worst.values(sample_name(measure)) if dict(key).get("le") in (None, "+Inf")}
        assert len(made) == expected(measure), measure.name
    assert len(worst.samples) < 1000, len(worst.samples)


# -- the worst case ---------------------------------------------------------------------------------------

OUTCOMES: Final[dict[Measure, list[tuple[str, ...]]]] = {
    m.EVENTS: [
        *product(
            ("user", "reply", *sorted({SILENCE, LIMIT, TIMEOUT, RETRY, POLL, CHILDREN})),
            ("stored", "delivered", "refused", "dropped"),
        )
    ],
    m.REPLIES: [(word,) for word in ("applied", "forwarded", *_LOGGED)],
    m.PUBLISHES: [(word,) for word in ("confirmed", "unroutable", "refused", "unknown")],
    m.LEASES: [("taken",), ("taken_over",), ("lost",)],
    m.STORE_ERRORS: [("away",), ("refused",)],
    m.RESCUES: [(strategy.value,) for strategy in Rescue],
    m.HOOKS: [("success",), ("error",)],
    m.SUB_PLANS: [(result.value,) for result in PlanResult if result is not PlanResult.PENDING],
    m.RECURRENCES: [(word,) for word in ("fired", "missed", "skipped", "failed")],
}
"""What the counters tell apart that do not count by class."""


def everything_happens(metrics: Prometheus, classes: list[type[Action]]) -> None:
    """Let plans of each class end in every way, and each of its steps too."""
    observing = Observing(metrics)
    for action in classes:
        for result in PlanResult:
            if result is not PlanResult.PENDING:
                observing.halted(stopped(action, result))
        observing.stored(planned(action))
        observing.written(batch_of(action), 0.1)
        observing.turned(Batch(1.0), [], [])
    for measure, words in OUTCOMES.items():
        metrics.counted({(measure, *each): 1 for each in words})
    for queue in ("default", "hooks"):
        metrics.measured({(m.QUEUE_WAIT_SECONDS, queue): [0.1]})
    metrics.measured({(m.TIMER_LATENESS,): [0.1], (m.BATCH_EVENTS,): [3.0]})


def stopped(action: type[Action], result: PlanResult) -> PlanRecord:
    plan = PlanRecord(uuid4(), "", action.name, PlanState.STOPPED, 0.0, result=result)
    plan.started_at, plan.ended_at = 1.0, 2.0
    return plan


def planned(action: type[Action]) -> PlanDraft:
    plan = PlanRecord(uuid4(), "", action.name, PlanState.PLANNED, 0.0)
    ends = enumerate((StepState.SUCCESS, StepState.ERROR), 1)
    steps = [StepRecord(number, number, Phase.PLAN, action.name, state) for number, state in ends]
    return PlanDraft(plan, [], steps, GraphMaker().graph(), [])


def batch_of(action: type[Action]) -> Batch:
    """A batch in which steps of the class end in every phase and state in which one can."""
    ends = [*product((Phase.RUN, Phase.FINALIZE, Phase.REVERT), FINAL_STEP_STATES | {StepState.ERROR})]
    steps = [
        StepRecord(number, number, phase, action.name, state, started_at=1.0, ended_at=2.0)
        for number, (phase, state) in enumerate(ends, 1)
    ]
    plan = PlanRecord(uuid4(), "", action.name, PlanState.RUNNING, 0.0)
    run = PlanRun(PlanSnapshot(plan, steps, GraphMaker().graph()))
    run.changed.update({step.id: StepState.RUNNING for step in steps})
    batch = Batch(2.0)
    batch.touch(run)
    return batch


def sample_name(measure: Measure) -> str:
    return measure.full_name + ("_bucket" if measure.kind is Kind.HISTOGRAM else "")


def expected(measure: Measure) -> int:
    """How many combinations of labels there are at the most."""
    by_class = {
        m.PLANS_ENDED: 10 * 5,
        m.STEPS_ENDED: 10 * (2 + 3 * 4),
        m.PLAN_SECONDS: 10 * 3,
        m.STEP_RUN_SECONDS: 10 * 3,
        m.STEP_REAL_SECONDS: 10 * 2,
    }
    by_queue = 2 if "queue" in measure.labels else 1
    return {**by_class, m.PLANS: len(PlanState)}.get(measure) or len(OUTCOMES.get(measure, ())) or by_queue
