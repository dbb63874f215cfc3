"""Hosts that are only played: the full protocol, marked in every message, and nothing is run."""

import subprocess
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest

from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.simulate import SimulatedHosts, Simulation
from mcoflow.clock import SystemClock
from mcoflow.errors import ConfigError
from mcoflow.wire.envelope import decode
from mcoflow.wire.messages import CancelBody, DiscoverBody, QueryBody, Want
from tests.unit.agent.fake_bus import WITHIN, FakeBus
from tests.unit.agent.world import TOKEN, message, request


class Stage:
    """Simulated hosts on a bus of the test."""

    def __init__(self, path, count, **simulation):
        self.bus = FakeBus()
        settings = AgentSettings(identity="stage", state_dir=path / "state")
        self.hosts = SimulatedHosts(
            count, settings, self.bus, Simulation(**simulation), clock=SystemClock(), chance=Random()
        )
        self.hosts.start()
        self.bus.wait_for(lambda: self.bus.replies(None, "presence"))

    def ask(self, host, operation="install", agent="package", **changes):
        args = changes.pop("args", {"package": "nginx"})
        asked = request(operation, agent=agent, host=host, args=args, **changes)
        self.bus.deliver(asked, host=host)
        return asked

    def end(self):
        self.hosts.stop(timedelta(0))
        assert self.hosts.wait(timedelta(seconds=WITHIN))


@pytest.fixture
def stage(tmp_path):
    stages = []

    def make(count, **simulation):
        stages.append(Stage(tmp_path, count, **simulation))
        return stages[-1]

    yield make
    for one in stages:
        one.end()


def test_a_thousand_hosts_answer_one_discover_completely_and_every_message_is_marked(stage, monkeypatch):
    """B-050: and no process is started."""
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr("os.fork", None)
    played = stage(1000)
    asked = message(None, DiscoverBody(reply_to=TOKEN, filter={"all": True}, want=(), spread_ms=100))
    names = [f"sim-{number:05}" for number in range(1, 1001)]
    for name in names:
        played.bus.deliver(asked, host=name)

    installs = [played.ask(name) for name in names[:50]]

    def answers():
        parcels = [p for p in played.bus.published if p.kind == "presence"]
        return {p.address.host for p in parcels if getattr(p.address, "token", "") == TOKEN}

    played.bus.wait_for(lambda: len(answers()) == 1000)
    assert answers() == set(names)
    assert {played.bus.reply(one.id, "result").outcome for one in installs} == {"ok"}
    assert all(decode(parcel.body).simulated for parcel in played.bus.published)


def test_the_values_are_those_that_the_real_operation_would_give(stage):
    played = stage(1)

    values = played.bus.reply(played.ask("sim-00001").id, "result").values

    assert values["changed"] is True
    assert values["packages"][0]["name"] == "nginx"


def test_arguments_are_checked_as_on_a_real_host(stage):
    played = stage(1)

    asked = played.ask("sim-00001", args={"package": "-rf"})

    assert played.bus.reply(asked.id, "result").reason == "invalid_args"


def test_silent_hosts_say_nothing_and_offline_ones_are_not_there(stage):
    played = stage(10, seed=1, silent=0.5, offline=0.2)
    here = played.bus.attended()
    asked = [played.ask(name) for name in sorted(here)]

    played.bus.wait_for(lambda: sum(bool(played.bus.replies(one.id, "result")) for one in asked) == 4)
    assert (len(here), len(played.bus.settled)) == (8, 8)


def test_equal_seeds_play_alike(stage, tmp_path):
    first, second = (
        Stage(tmp_path / "1", 20, seed=7, offline=0.5),
        Stage(tmp_path / "2", 20, seed=7, offline=0.5),
    )

    assert first.bus.attended() == second.bus.attended()
    facts = [
        {e.host: e.body.facts_digest for e in one.bus.replies(None, "presence")} for one in (first, second)
    ]
    assert facts[0] == facts[1]
    first.end()
    second.end()


def test_executions_take_their_time_fail_and_can_be_cancelled(stage):
    played = stage(2, latency=timedelta(minutes=1))
    asked = played.ask("sim-00001")
    played.bus.reply(asked.id, "progress")

    played.bus.deliver(message(asked.id, CancelBody(reply_to=TOKEN, reason="", force=True)), host="sim-00001")

    assert played.bus.reply(asked.id, "result").outcome == "killed"


def test_a_share_of_the_executions_fails(stage):
    played = stage(1, fail=1.0)

    body = played.bus.reply(played.ask("sim-00001").id, "result")

    assert (body.outcome, body.reason, body.exit_code) == ("failed", "exit", 1)


@pytest.mark.parametrize("count", [0, 20_001])
def test_more_hosts_than_one_process_can_play_are_refused(tmp_path, count):
    settings = AgentSettings(identity="stage", state_dir=tmp_path)

    with pytest.raises(ConfigError, match="1 to 20000"):
        SimulatedHosts(count, settings, FakeBus(), Simulation(), clock=SystemClock(), chance=Random())


def test_a_request_for_another_simulated_host_is_refused(stage):
    played = stage(2)
    asked = request("install", agent="package", host="sim-00002", args={"package": "nginx"}, id=uuid4())

    played.bus.deliver(asked, host="sim-00001")

    assert played.bus.reply(asked.id, "result").reason == "wrong_host"


def test_operations_are_told_when_wanted(stage):
    played = stage(1)
    wanted = DiscoverBody(reply_to=TOKEN, filter={"all": True}, want=(Want.OPERATIONS,), spread_ms=0)
    played.bus.deliver(message(None, wanted), host="sim-00001")

    told = played.bus.wait_for(
        lambda: [e.body for e in played.bus.replies(None, "presence") if e.body.operations]
    )

    assert "package.install" in told[0].operations


def test_played_hosts_print_what_real_ones_would(stage):
    """B-046: some chunks to look at, alike for equal seeds; what prints nothing sends nothing."""
    played = stage(2, seed=7)
    installing = played.ask("sim-00001")
    pinging = played.ask("sim-00002", "ping", agent="host", args={})

    result = played.bus.reply(installing.id, "result")
    (chunk,) = [reply.body for reply in played.bus.replies(installing.id, "output")]

    assert chunk.stream == "stdout"
    assert chunk.text.startswith("Reading package lists...\n")
    assert f"Setting up nginx ({result.values['after']}) ..." in chunk.text
    assert (result.chunks, result.output_bytes) == (1, len(chunk.text))
    assert played.bus.reply(pinging.id, "result").chunks == 0
    assert not played.bus.replies(pinging.id, "output")


def test_played_output_comes_while_the_operation_lasts_and_again_when_asked(stage):
    played = stage(1, latency=timedelta(seconds=3))
    asked = played.ask("sim-00001")

    played.bus.reply(asked.id, "output")
    assert not played.bus.replies(asked.id, "result")
    result = played.bus.reply(asked.id, "result")
    first = [reply.body for reply in played.bus.replies(asked.id, "output")]
    played.bus.deliver(message(asked.id, QueryBody(reply_to=TOKEN, output_from=0)), host="sim-00001")

    assert played.bus.reply(asked.id, "result", 2).repeat
    assert len(first) == result.chunks > 1
    assert [reply.body for reply in played.bus.replies(asked.id, "output")][len(first) :] == first
