"""Requests that come back as dead letters: evidence, not truth."""

from uuid import UUID

import pytest

from mcoflow.action import Action
from mcoflow.domain.outcome import Effect, Outcome
from mcoflow.domain.states import PlanState, StepState
from mcoflow.ports.bus import Shared
from mcoflow.testing.hosts import accepted, only, progress, result, silence
from mcoflow.wire.envelope import encode
from tests.unit.engine.house import House
from tests.unit.engine.play import Install, compose
from tests.waiting import until


def install(plan: Action) -> None:
    plan.plan_action(Install, host="web1", package="nginx")


def asked(house: House) -> UUID:
    """Trigger a plan whose host has been asked."""
    plan_id = compose(house, install)
    until(lambda: house.hosts.requests, "the host is asked")
    return plan_id


def request_bytes(house: House) -> bytes:
    return encode(house.hosts.requests[-1])


def test_a_request_that_its_agent_cannot_read_is_rejected_at_once(house: House) -> None:
    """B-017: rejected; nobody waits for the pickup deadline."""
    house.hosts.default = silence
    plan_id = asked(house)

    house.broker.deliver(Shared.DEAD, request_bytes(house), died="rejected")

    plan = house.rest(plan_id)
    step = house.step(plan_id)
    assert (plan.state, step.outcome, step.reason) == (PlanState.PAUSED, Outcome.REJECTED, "malformed")
    assert Outcome.REJECTED.effect is Effect.NONE
    assert "rejected (malformed)" in plan.explanation


@pytest.mark.parametrize("why", ["expired", "maxlen"])
def test_the_agent_is_asked_about_a_request_that_expired_in_its_queue(house: House, why: str) -> None:
    """B-017: never assumed; one that was journaled and put back dies as expired too."""
    house.hosts.default = silence
    house.hosts.on_query = lambda _query: [result(values={"n": 1})]
    plan_id = asked(house)

    house.broker.deliver(Shared.DEAD, request_bytes(house), died=why)

    house.rest(plan_id)
    assert house.step(plan_id).outcome is Outcome.OK
    assert len(house.broker.of_kind("query")) == 1


@pytest.mark.parametrize("why", ["expired", "rejected"])
def test_a_dead_letter_of_a_request_that_was_accepted_changes_nothing(house: House, why: str) -> None:
    """B-017: the agent has it in its journal."""
    house.hosts.default = only(accepted(), progress())
    plan_id = asked(house)
    until(lambda: house.store.open_requests([plan_id])[0].executing, "it executes")

    dead = house.broker.deliver(Shared.DEAD, request_bytes(house), died=why)

    until(lambda: house.broker.verdicts(dead), "it is acknowledged")
    assert house.step(plan_id).state is StepState.SUSPENDED
    assert house.broker.of_kind("query") == []
