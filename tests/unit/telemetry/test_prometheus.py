"""The observer that Prometheus asks."""

from mcoflow.ports import measures as m
from mcoflow.telemetry import Prometheus
from tests.unit.telemetry.samples import Scrape

KNOWN = {"deploy", "install"}
COUNTERS = (
    "plans_ended steps_ended events replies publishes leases fenced_writes store_errors hooks rescues "
    "sub_plans recurrences cleaned_plans"
)
GAUGES = (
    "plans plans_without_owner workers workers_busy queue_jobs outbox_rows outbox_oldest_seconds "
    "inbox_rows timers"
)
HISTOGRAMS = (
    "plan_seconds step_run_seconds step_real_seconds queue_wait_seconds commit_seconds batch_events "
    "timer_lateness_seconds"
)


def prometheus() -> Prometheus:
    return Prometheus(KNOWN.__contains__)


def scrape(observer: Prometheus) -> Scrape:
    return Scrape(observer.text())


def test_every_measure_is_shown_before_anything_happened() -> None:
    shown = scrape(prometheus())

    assert shown.names == {measure.full_name for measure in m.MEASURES}
    assert shown.value("mcoflow_fenced_writes_total") == 0.0
    assert ("mcoflow_fenced_writes_total", {}) in [(each.name, each.labels) for each in shown.samples]


def test_the_names_are_those_of_the_specification() -> None:
    """E-115: every name of chapter 6."""
    totals = {f"mcoflow_{name}_total" for name in COUNTERS.split()}
    others = {f"mcoflow_{name}" for name in f"{GAUGES} {HISTOGRAMS}".split()}

    assert scrape(prometheus()).names == totals | others


def test_counts_add_up() -> None:
    observer = prometheus()

    observer.counted({(m.REPLIES, "applied"): 2, (m.REPLIES, "late"): 1})
    observer.counted({(m.REPLIES, "applied"): 3})

    assert scrape(observer).value("mcoflow_replies_total", outcome="applied") == 5
    assert scrape(observer).value("mcoflow_replies_total", outcome="late") == 1


def test_a_value_on_the_bound_of_a_bucket_belongs_to_it() -> None:
    observer = prometheus()

    observer.measured({(m.PLAN_SECONDS, "deploy", "success"): [0.1, 0.101, 5000.0]})

    shown = scrape(observer)
    labels = {"action": "deploy", "result": "success"}
    assert [
        shown.value("mcoflow_plan_seconds_bucket", le=le, **labels) for le in ("0.005", "0.1", "2.5", "+Inf")
    ] == [0, 1, 2, 3]
    assert shown.value("mcoflow_plan_seconds_count", **labels) == 3
    assert shown.value("mcoflow_plan_seconds_sum", **labels) == 5000.201


def test_classes_that_are_not_registered_share_one_series() -> None:
    observer = prometheus()

    for number in range(5000):
        observer.counted({(m.PLANS_ENDED, f"made.up.{number}", "success"): 1})
        observer.measured({(m.STEP_RUN_SECONDS, f"made.up.{number}", "run"): [0.1]})
    observer.counted({(m.PLANS_ENDED, "deploy", "success"): 1})

    shown = scrape(observer)
    assert shown.value("mcoflow_plans_ended_total", action="other", result="success") == 5000
    assert shown.value("mcoflow_plans_ended_total", action="deploy", result="success") == 1
    assert shown.value("mcoflow_step_run_seconds_count", action="other", phase="run") == 5000
    assert len(shown.samples) < 50


def test_gauges_are_asked_for_when_somebody_looks() -> None:
    observer, waiting = prometheus(), 3
    observer.watch(lambda: [((m.QUEUE_JOBS, "default"), waiting)])
    observer.watch(lambda: [((m.TIMERS,), 7.0)])

    assert scrape(observer).value("mcoflow_queue_jobs", queue="default") == 3
    waiting = 4
    assert scrape(observer).value("mcoflow_queue_jobs", queue="default") == 4
    assert scrape(observer).value("mcoflow_timers") == 7


def test_no_label_is_one_that_could_hold_an_id() -> None:
    allowed = {"action", "phase", "state", "result", "queue", "outcome", "kind"}

    assert {label for measure in m.MEASURES for label in measure.labels} <= allowed
