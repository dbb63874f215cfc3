"""RabbitMQ goes and comes back while 100 requests are in flight."""

from contextlib import closing

import pytest

from tests.crash.supervisor import WITHIN, Supervisor
from tests.crash.work import new_gate
from tests.waiting import until

HOSTS = [f"web{number}" for number in range(1, 6)]


@pytest.fixture(scope="module")
def fleet(rabbitmq, tmp_path_factory):
    path = tmp_path_factory.mktemp("fleet")
    with closing(
        Supervisor(path, rabbitmq.url, rabbitmq.new_prefix(), f"sqlite:///{path}/db", HOSTS)
    ) as fleet:
        for host in HOSTS:
            fleet.start_agent(host)
        yield fleet


@pytest.mark.parametrize("blow", ["stop", "kill"])
def test_a_hundred_requests_in_flight_outlive_the_broker(fleet, rabbitmq, blow):
    """R-018: results wait in the journals, requests in the outbox and the queues; each runs once."""
    now, later = new_gate(), new_gate()
    server = fleet.start_server()
    plans = [server.submit("many", hosts=HOSTS * 10, operation="once", gate=gate) for gate in (now, later)]
    for plan_id in plans:
        fleet.give(plan_id)
    until(
        lambda: sum(map(len, map(fleet.events, plans))) == 20, "four executions on each host", within=WITHIN
    )

    fleet.open_gate(now)
    getattr(rabbitmq, blow)()
    fleet.open_gate(later)
    rabbitmq.start()

    for plan_id in plans:
        plan = fleet.await_rest(plan_id)
        assert (plan.state, plan.result) == ("stopped", "success"), plan.explanation
        begun = [line["request"] for line in fleet.trace(plan_id) if line["event"] == "begin"]
        assert (len(begun), len(set(begun))) == (50, 50)
    fleet.check()
    server.end()


def test_what_waited_for_a_host_is_sent_again_when_the_broker_lost_it(fleet, rabbitmq):
    """B-014, R-019: the host was off, and comes back after its queue; it need not wait for the deadline."""
    server, gate = fleet.start_server(), new_gate()
    fleet.open_gate(gate)
    fleet.kill_agent(HOSTS[0])
    plan_id = server.submit("many", hosts=HOSTS[:1] * 3, operation="once", gate=gate)
    fleet.give(plan_id)

    def sent():
        requests = fleet.store.open_requests([plan_id])
        return len(requests) == 3 and all(each.confirmed for each in requests)

    until(sent, "the broker has the requests", within=WITHIN)
    rabbitmq.wipe()
    rabbitmq.start()
    fleet.start_agent(HOSTS[0])

    plan = fleet.await_rest(plan_id)

    assert (plan.state, plan.result) == ("stopped", "success"), plan.explanation
    fleet.check()
    server.end()


def test_every_request_ends_though_the_broker_lost_all_its_data(fleet, rabbitmq):
    """B-014, R-019: what the hosts have is done and told; each runs once, with all queues made anew."""
    now, later = new_gate(), new_gate()
    server = fleet.start_server()
    plans = [server.submit("many", hosts=HOSTS * 10, operation="once", gate=gate) for gate in (now, later)]
    for plan_id in plans:
        fleet.give(plan_id)
    until(
        lambda: sum(map(len, map(fleet.events, plans))) == 20, "four executions on each host", within=WITHIN
    )

    fleet.open_gate(now)
    rabbitmq.wipe()
    fleet.open_gate(later)
    rabbitmq.start()

    for plan_id in plans:
        plan = fleet.await_rest(plan_id)
        assert (plan.state, plan.result) == ("stopped", "success"), plan.explanation
        begun = [line["request"] for line in fleet.trace(plan_id) if line["event"] == "begin"]
        assert (len(begun), len(set(begun))) == (50, 50)
    fleet.check()
    server.end()
