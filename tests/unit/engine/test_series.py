"""How many series there are after many plans of some classes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

from mcoflow.action import Action, Registry, Rescue
from mcoflow.domain.states import PlanResult
from mcoflow.engine.handles import Triggered
from mcoflow.ports.measures import MEASURES, Kind
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
    """E-115: every name of chapter 6, no id in a label, under 1,000 series."""
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
