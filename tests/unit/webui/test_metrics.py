"""Metrics over HTTP."""

from dataclasses import replace

from flask.testing import FlaskClient

from mcoflow.clock import SystemClock
from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.backlog import Backlog
from mcoflow.ports.measures import MEASURES
from mcoflow.telemetry import BacklogGauges, Prometheus
from tests.servers.house import House
from tests.unit.telemetry.samples import Scrape
from tests.waiting import until
from webui.app import create_app, stop


def scrape(client: FlaskClient) -> Scrape:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return Scrape(answer.data)


def test_the_metrics_name_no_host_task_or_user(house: House, client: FlaskClient) -> None:
    """E-115, H-057: `/metrics` parses and has every name; no label has a host, task or user."""
    plans = house.services.plans
    done = plans.submit("ping", {"hosts": ["sim-00001"]}, user="somebody").plan_id
    until(lambda: plans.show(done).at_rest, "the end of the task")

    until(lambda: scrape(client).values("mcoflow_plans_ended_total"), "the task is counted")
    shown = scrape(client)
    assert shown.names == {measure.full_name for measure in MEASURES}
    assert sum(shown.values("mcoflow_replies_total").values()) > 0
    assert shown.value("mcoflow_workers", queue="default") > 0
    assert sum(shown.values("mcoflow_plans").values()) > 0
    said = " ".join(value for sample in shown.samples for value in sample.labels.values())
    for secret in ("sim-0", "somebody", str(done)):
        assert secret not in said


class Away:
    """A reader whose database is away."""

    def backlog(self) -> Backlog:
        """Fail."""
        raise StoreUnavailableError("the database is away")


def test_there_are_metrics_while_the_database_is_away(house: House) -> None:
    metrics = Prometheus(lambda _: True)
    metrics.watch(BacklogGauges(Away(), SystemClock()))  # type: ignore[arg-type]
    app = create_app(replace(house.services, metrics=metrics), house.settings)

    shown = scrape(app.test_client())

    assert "mcoflow_plans" in shown.names
    assert not shown.values("mcoflow_plans")
    stop(app)


def test_a_process_that_is_not_observed_has_no_metrics(house: House) -> None:
    app = create_app(replace(house.services, metrics=None), house.settings)

    assert app.test_client().get("/metrics").status_code == 404
    stop(app)
