"""What hosts say that changes nothing: it is recorded, and absorbed."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import Action, Deadlines, HostRequest
from mcoflow.domain.outcome import Effect, Outcome
from mcoflow.domain.requests import RequestState
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.ports.bus import Shared, Verdict
from mcoflow.storage.notes import MALFORMED_KEPT
from mcoflow.testing.hosts import accepted, ok, only, result, silence
from mcoflow.wire.envelope import encode
from tests.unit.engine.house import House
from tests.unit.engine.play import Install, compose
from tests.waiting import until


def install(plan: Action) -> None:
    plan.plan_action(Install, host="web1", package="nginx")


class Hasty(Install):
    """Bears little."""

    name = "host_steps.hasty"

    def request_for_host(self) -> HostRequest:
        deadlines = Deadlines(pickup=timedelta(seconds=60), run=timedelta(seconds=100))
        return self.request("package", "install", {"package": "x"}, deadlines=deadlines)


MANY, BAD_AMONG = 1_000, 10


def many(plan: Action) -> None:
    for number in range(MANY):
        plan.plan_action(Install, host=f"web{number}", package="nginx")


def hasty(plan: Action) -> None:
    plan.plan_action(Hasty, host="web1")


def asked(house: House, layout: Any = install) -> Any:
    """Trigger a plan whose host has been asked."""
    plan_id = compose(house, layout)
    until(lambda: house.hosts.requests, "the host is asked")
    return plan_id


def settled(house: House, plan_id: Any) -> Any:
    """Wait until the executor has taken in all that was said: one more request has come and gone."""
    before = dict(house.hosts.answers)
    house.hosts.answers["probe"] = ok()
    plan = house.rest(compose(house, lambda plan: plan.plan_action(Install, host="probe", package="probe")))
    assert plan.result is PlanResult.SUCCESS
    house.hosts.answers = before
    return house.store.plan(plan_id)


def ended(house: House, plan_id: Any) -> tuple[Outcome | None, str, str]:
    """The outcome of the one host step, its effect, and the explanation of the plan."""
    plan = house.rest(plan_id)
    step = house.step(plan_id)
    assert plan.state is PlanState.PAUSED or step.outcome is Outcome.OK
    assert house.store.open_requests([plan_id]) == []
    return step.outcome, step.outcome.effect if step.outcome else "", plan.explanation


# -- what is absorbed -------------------------------------------------------------------------------------


def test_a_result_five_times_is_applied_once_and_recorded_four_times(house: House) -> None:
    """E-034: five times; the others are recorded as such."""
    house.hosts.default = lambda _request: [accepted(), *[result(values={"n": n}) for n in range(5)]]
    plan_id = compose(house, install)
    house.rest(plan_id)

    until(lambda: len(house.evidence()) == 4, "the others are recorded")
    assert {each.why for each in house.evidence()} == {"duplicate"}
    assert house.output(plan_id)["n"] == 0
    until(lambda: len(house.broker.settled) == 6, "all are acknowledged")
    assert {verdict for _, verdict in house.broker.settled} == {Verdict.ACK}


def test_a_result_after_the_end_is_attached_and_the_outcome_stays(house: House) -> None:
    """B-027: after lost; E-034: late."""
    house.hosts.default = only(result("journal_lost"))
    plan_id = compose(house, install)
    before = (ended(house, plan_id), house.store.plan(plan_id).version)

    late = house.hosts.say(result())

    until(lambda: house.broker.verdicts(late), "it is acknowledged")
    assert (ended(house, plan_id), house.store.plan(plan_id).version) == before
    (evidence,) = house.store.evidence(plan_id)
    assert evidence.why == "late"
    assert "lost (journal_lost)" in evidence.detail


def test_a_word_of_another_host_is_recorded_and_changes_nothing(house: House) -> None:
    """E-034: from another host."""
    house.hosts.default = silence
    plan_id = asked(house)

    foreign = house.hosts.say(result(values={"evil": True}), host="web2")

    until(lambda: house.broker.verdicts(foreign), "it is acknowledged")
    assert house.step(plan_id).state is StepState.SUSPENDED
    (evidence,) = house.store.evidence(plan_id)
    assert (evidence.why, evidence.host) == ("foreign", "web2")
    house.hosts.say(result())
    assert ended(house, plan_id)[0] is Outcome.OK


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda message: b"this is no JSON", "malformed"),
        (lambda message: b"\xff\xfe", "malformed"),
        (lambda message: b"[1]", "malformed"),
        (lambda message: b"{}", "malformed"),
        (lambda message: json.dumps({**message, "v": 7, "kind": "accepted"}).encode(), "unsupported"),
        (lambda message: json.dumps({**message, "v": 7, "host": "web2"}).encode(), "unsupported"),
        (lambda message: json.dumps({**message, "kind": "gossip"}).encode(), "unsupported"),
        (lambda message: json.dumps({**message, "must": ["body.x"]}).encode(), "unsupported"),
        (lambda message: json.dumps({**message, "request": str(uuid4())}).encode(), "unknown"),
        (lambda message: json.dumps({**message, "request": None}).encode(), "malformed"),
        (lambda message: json.dumps({**message, "body": {"outcome": 5}}).encode(), "malformed"),
    ],
)
def test_what_is_no_reply_is_recorded_and_changes_nothing(house: House, change: Any, why: str) -> None:
    """Bad input of a host: no JSON, an unknown version, an unknown request."""
    house.hosts.default = silence
    plan_id = asked(house)
    version = house.store.plan(plan_id).version
    from mcoflow.testing.hosts import THEN
    from mcoflow.wire.envelope import Envelope

    good = Envelope(id=uuid4(), request=house.hosts.requests[0].id, host="web1", sent_at=THEN, body=result())

    bad = house.hosts.shout(change(json.loads(encode(good))))

    until(lambda: house.broker.verdicts(bad), "it is acknowledged")
    assert house.broker.verdicts(bad) == [Verdict.ACK]
    assert [each.why for each in house.evidence()] == [why]
    assert house.store.plan(plan_id).version == version
    house.hosts.say(result())
    assert ended(house, plan_id)[0] is Outcome.OK


def in_version(house: House, version: int) -> bytes:
    """A result of the host in another version of the envelope, of which only the header is to be trusted."""
    request = str(house.hosts.requests[0].id)
    header = {"v": version, "kind": "result", "id": str(uuid4()), "request": request, "host": "web1"}
    return json.dumps({**header, "body": ["whatever", "that", "means"]}).encode()


def test_an_agent_that_answers_in_another_version_has_refused_the_request(house: House) -> None:
    """B-023, R-038: in words, at once and without effect; nobody waits for the pickup deadline."""
    house.hosts.default = silence
    plan_id = asked(house)

    other = house.hosts.shout(in_version(house, 2))

    outcome, effect, explanation = ended(house, plan_id)
    assert (outcome, effect) == (Outcome.REJECTED, Effect.NONE)
    assert "rejected (unsupported_version)" in explanation
    assert "the agent of web1 speaks version 2" in explanation
    until(lambda: house.broker.verdicts(other), "it is acknowledged")
    assert [each.why for each in house.store.evidence(plan_id)] == ["unsupported"]


def test_another_version_after_the_request_was_taken_on_proves_nothing(house: House) -> None:
    """B-023: an effect is not denied then; the agent is asked when it has been silent for long enough."""
    house.hosts.default = only(accepted())
    plan_id = asked(house)
    until(lambda: house.store.open_requests([plan_id])[0].state is RequestState.ACCEPTED, "it is taken on")

    other = house.hosts.shout(in_version(house, 2))

    until(lambda: house.broker.verdicts(other), "it is acknowledged")
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.hosts.say(result())
    assert ended(house, plan_id)[0] is Outcome.OK


def test_good_replies_among_much_rubbish_are_applied(house: House) -> None:
    """B-025, R-031: 10,000 among 1,000; all are acknowledged, what is kept of them is bounded."""
    house.hosts.default = silence
    plan_id = compose(house, many)
    until(lambda: len(house.hosts.requests) == MANY, "the hosts are asked", within=60)
    for number, request in enumerate(list(house.hosts.requests)):
        for bad in range(BAD_AMONG):
            house.hosts.shout(b"rubbish %d %d" % (number, bad))
        house.hosts.say(result(), about=request)

    until(lambda: house.store.plan(plan_id).state is PlanState.STOPPED, "all have ended", within=120)
    assert house.store.plan(plan_id).result is PlanResult.SUCCESS
    until(lambda: len(house.broker.settled) == MANY * (BAD_AMONG + 1), "all are acknowledged", within=60)
    assert {verdict for _, verdict in house.broker.settled} == {Verdict.ACK}
    assert len(house.evidence()) <= MALFORMED_KEPT


def test_a_reply_in_the_dead_letters_is_applied_like_any_other(house: House) -> None:
    """B-017: from 4.0 on quorum queues dead-letter after 20 redeliveries."""
    house.hosts.default = silence
    plan_id = asked(house)
    good = house.hosts.say(result(), to="x-nobody0000")
    house.broker.deliver(Shared.DEAD, good.body)

    assert ended(house, plan_id)[0] is Outcome.OK


def test_a_stray_reply_is_applied_too(house: House) -> None:
    """B-016: through the stray queue."""
    house.hosts.default = silence
    plan_id = asked(house)
    good = house.hosts.say(result(), to="x-nobody0000")
    house.broker.deliver(Shared.STRAY, good.body)

    assert ended(house, plan_id)[0] is Outcome.OK
